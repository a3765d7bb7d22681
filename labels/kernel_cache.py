"""Keeps numba from running compiled code that is older than its source.

Numba stores a compiled function beside the file that defines it and looks only at that file when it decides whether the
stored code is current; the functions of other files that were compiled into it are not looked at.
"""

from pathlib import Path


def forget_stale_kernels(folder: Path) -> None:
    """Remove numba's indices in ``folder/__pycache__`` that are older than any source file of the folder."""
    newest = max(source.stat().st_mtime_ns for source in folder.glob("*.py"))
    for index in (folder / "__pycache__").glob("*.nbi"):
        try:
            if index.stat().st_mtime_ns < newest:
                index.unlink()
        except OSError:
            # another process was first, or the folder is read-only: an installed copy, which nobody edits
            continue
