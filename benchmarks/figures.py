"""Where benchmarks put their figures."""

import json
from pathlib import Path
from typing import Any


def require_folder(path: Path | None, option: str) -> None:
    """Raise ``ValueError``, before any work, where a file of that name could not be written."""
    if path is not None and (not path.absolute().parent.is_dir() or path.is_dir()):
        raise ValueError(f"{option} {path} cannot be written; name a file in a folder that exists")


def write(path: Path | None, results: list[dict[str, Any]]) -> None:
    """Write the figures as JSON, an object for one result, a list for several; nothing without a path."""
    if path is not None:
        path.write_text(json.dumps(results[0] if len(results) == 1 else results, indent=2) + "\n")
