"""Memory that a pair's arrays leave, kept for those of the next.

The C library gives freed memory back to the system once enough of it lies together, and each page that it takes again
is found and cleared: a thousand pages a pair, and none where it happens to keep them. It is told to keep them.
"""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as glibc's malloc.h numbers them
_KEPT = 256 << 20
"""Bytes that may lie free: a pair of frames at a width of 640 takes a quarter of that."""
_OWN_MAPPING = 32 << 20
"""Larger arrays have a mapping of their own, and give it back; the most that glibc takes for this."""


def keep() -> None:
    """Have this process keep what it frees; where the C library knows no such setting, nothing changes."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT)
        mallopt(_MMAP_THRESHOLD, _OWN_MAPPING)
