"""What a run was initialised from, and that from, as far back as it goes."""

import hashlib
import json
from pathlib import Path
from typing import Any

from training import checkpoint

KEPT = ("data", "data_fingerprint", "code", "initialised_from")
"""Facts of a run that its descendants repeat: its folder may be gone when they are read."""


def ancestry(source: str | None) -> dict[str, Any] | None:
    """For ``provenance.json``, plain values: of a run the checkpoint, its step and its own facts; of a file its sha256.

    None for first weights by He's rule; of what is not there its name alone.
    """
    if source is None:
        return None
    path = Path(source)
    if path.is_file():
        with path.open("rb") as file:
            return {"source": source, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
    try:
        found = checkpoint.find(path)
        facts = json.loads((found.parent.parent / "provenance.json").read_text())
    except (ValueError, OSError):
        return {"source": source}
    step = checkpoint.read_record(found)["step"]
    return {"source": source, "step": step, **{name: facts[name] for name in KEPT if name in facts}}
