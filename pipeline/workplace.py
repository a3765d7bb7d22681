"""Where a file grows before it gets its name: kept after a crash, never shared by two processes."""

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.storage import TEMPORARY

_NAME = f"{TEMPORARY}fetch"


@contextlib.contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """A folder below ``folder`` for unfinished files. What a killed process left there can be resumed.

    While another process works there (a task can run twice), this one gets a folder of its own, removed at the end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    usual = folder / _NAME
    usual.mkdir(exist_ok=True)
    with (usual / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            with tempfile.TemporaryDirectory(prefix=f"{_NAME}-", dir=folder) as own:
                yield Path(own)
            return
        yield usual


def clear(work: Path) -> None:
    """Remove a workplace whose files nobody will resume."""
    shutil.rmtree(work, ignore_errors=True)
