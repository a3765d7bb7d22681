"""How a video or a pair ends: done, filtered, failed or gone, with the reason (DESIGN section 2)."""

import errno
from dataclasses import dataclass

DONE, FILTERED, FAILED, GONE = "done", "filtered", "failed", "gone"

_MACHINE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


@dataclass(frozen=True)
class Outcome:
    """One of the four ends. ``reason`` is a short code to count by, ``detail`` a sentence for a person."""

    status: str
    reason: str = ""
    detail: str = ""

    @property
    def done(self) -> bool:
        """Whether the stage after this one has something to work on."""
        return self.status == DONE


def of_error(error: Exception) -> Outcome:
    """The failed outcome that an exception on one video or pair amounts to.

    Raises the exception again where it tells of the machine (disk full, out of memory) and not of the input: the task
    then fails and is tried again, and nothing is recorded against the video.
    """
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _MACHINE_ERRORS):
        raise error
    reason = getattr(error, "reason", None)
    code = reason if isinstance(reason, str) and reason else f"error_{type(error).__name__}"
    return Outcome(FAILED, code, printable(str(error)))


def printable(text: str, longest: int = 300) -> str:
    """Text from outside made safe to print and store: no control characters, bounded length."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:longest]
