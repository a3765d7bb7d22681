"""Where a file grows before it gets its name: kept after a crash, never shared by two processes."""

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from pipeline.storage import TEMPORARY

_NAME, _CLEARED = f"{TEMPORARY}fetch", f"{TEMPORARY}cleared-"


@contextlib.contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """A folder below ``folder`` for unfinished files. What a killed process left there can be resumed.

    While another process works there (a task can run twice), this one gets a folder of its own, removed at the end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for cleared in folder.glob(f"{_CLEARED}*"):  # by a process that was killed over it
        shutil.rmtree(cleared, ignore_errors=True)
    usual = folder / _NAME
    with _opened(usual) as lock:
        if _taken(lock, usual):
            yield usual
            return
    with tempfile.TemporaryDirectory(prefix=f"{_NAME}-", dir=folder) as own:
        yield Path(own)


def _opened(usual: Path) -> TextIO:
    for _ in range(100):
        # it may be cleared by another process between any two of these steps
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            usual.mkdir(exist_ok=True)
            return (usual / "lock").open("w")
    raise NotADirectoryError(errno.ENOTDIR, "not a folder; remove it", str(usual))


def _taken(lock: TextIO, usual: Path) -> bool:
    """Whether this process now has the usual place; not if the lock belongs to one that was cleared meanwhile."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(lock.fileno()), (usual / "lock").stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def clear(work: Path) -> None:
    """Remove a workplace whose files nobody will resume."""
    # Moved away first: another process may begin anew under the name while files are still being removed.
    away = work.with_name(f"{_CLEARED}{uuid.uuid4().hex}")
    work.rename(away)
    shutil.rmtree(away, ignore_errors=True)
