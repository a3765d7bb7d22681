"""What benchmarks that print figures have in common: their options begin alike, and so do the files they write."""

import argparse
import json
from pathlib import Path
from typing import Any


def parser(name: str, said: str) -> argparse.ArgumentParser:
    """The parser of ``python -m benchmarks.NAME``: ``said``, its docstring, as it stands, and ``--json``."""
    made = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=said.replace("``", ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--json", type=Path, metavar="F", help="write the figures here: an object, a list for several")
    return made


def require_folder(path: Path | None, option: str) -> None:
    """Raise ``ValueError``, before any work, where a file of that name could not be written."""
    if path is not None and (not path.absolute().parent.is_dir() or path.is_dir()):
        raise ValueError(f"{option} {path} cannot be written; name a file in a folder that exists")


def write(path: Path | None, results: list[dict[str, Any]]) -> None:
    """Write the figures as JSON, an object for one result, a list for several; nothing without a path."""
    if path is not None:
        path.write_text(json.dumps(results[0] if len(results) == 1 else results, indent=2) + "\n")
