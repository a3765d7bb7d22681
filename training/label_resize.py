"""Resizes label codes without mixing labels with their absence (LABELS 10.5)."""

import functools

import numpy as np
from numba import njit
from numpy.typing import NDArray

METHODS = ("median", "nearest")


def resize_labels(codes: NDArray[np.uint8], into: NDArray[np.uint8], method: str = "median") -> None:
    """Resize codes (H, W) ``uint8``, 0 = no label, into an array (height, width) ``uint8``.

    ``median``: the image is cut into blocks, rows ``floor(i H / height)`` up to ``floor((i + 1) H / height)`` and at
    least one, columns likewise; a pixel is the lower median of the labels of its block where at least half of the block
    has one, else none. ``nearest``: the pixel at ``floor((i + 1/2) H / height)``. Raises ``ValueError`` for other
    methods.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r} of resizing labels; known: {', '.join(METHODS)}")
    rows, columns = (_blocks(size, wanted, method) for size, wanted in zip(codes.shape, into.shape))
    small = max(np.ptp(rows, axis=1).max(), np.ptp(columns, axis=1).max()) <= 2
    (_median_of_four if small else _median)(codes, rows, columns, into)


@functools.lru_cache(maxsize=64)
def _blocks(size: int, wanted: int, method: str) -> NDArray[np.int64]:
    """Where each block of pixels begins and ends, (wanted, 2); for ``nearest`` they are single pixels."""
    number = np.arange(wanted)
    if method == "nearest":
        begin = (2 * number + 1) * size // (2 * wanted)
        return np.stack([begin, begin + 1], axis=1)
    begin = number * size // wanted
    return np.stack([begin, np.maximum((number + 1) * size // wanted, begin + 1)], axis=1)


@njit(cache=True, nogil=True)
def _median_of_four(
    codes: NDArray[np.uint8], rows: NDArray[np.int64], columns: NDArray[np.int64], resized: NDArray[np.uint8]
) -> None:
    """Blocks of at most 2x2, forty times as fast: all are four corners, of which smaller blocks have some twice.

    Of the ordered corners 0 <= a <= b <= c <= d, b is the lower median where all have labels; with one or two missing
    it is c, and with more, c is 0. It is found for every column by itself and for every column with the next, which are
    vector operations, and then picked.
    """
    width = codes.shape[1]
    low, high = np.zeros(width + 1, np.uint8), np.zeros(width + 1, np.uint8)
    medians = np.empty(2 * width, np.uint8)  # of two columns; of one
    single = columns[:, 1] - columns[:, 0] == 1
    picked = (columns[:, 0] + width * single).astype(np.uint32)
    for i in range(len(rows)):
        top, bottom = codes[rows[i, 0]], codes[rows[i, 1] - 1]
        for x in range(width):
            low[x], high[x] = min(top[x], bottom[x]), max(top[x], bottom[x])
        for x in range(width):
            a, d = low[x], high[x]
            medians[width + x] = a if a > 0 else d
            a = min(a, low[x + 1])
            one, other = max(low[x], low[x + 1]), min(d, high[x + 1])
            medians[x] = min(one, other) if a > 0 else max(one, other)
        row = resized[i]
        for j in range(len(picked)):
            row[j] = medians[picked[j]]


@njit(cache=True, nogil=True)
def _median(
    codes: NDArray[np.uint8], rows: NDArray[np.int64], columns: NDArray[np.int64], resized: NDArray[np.uint8]
) -> None:
    largest = np.max(rows[:, 1] - rows[:, 0]) * np.max(columns[:, 1] - columns[:, 0])
    ordered = np.empty(largest, np.uint8)
    for i in range(len(rows)):
        top, bottom = rows[i]
        for j in range(len(columns)):
            left, right = columns[j]
            labels = 0
            for y in range(top, bottom):
                for x in range(left, right):
                    code = codes[y, x]
                    if code == 0:
                        continue
                    place = labels
                    while place > 0 and ordered[place - 1] > code:
                        ordered[place] = ordered[place - 1]
                        place -= 1
                    ordered[place] = code
                    labels += 1
            enough = labels > 0 and 2 * labels >= (bottom - top) * (right - left)
            resized[i, j] = ordered[(labels - 1) // 2] if enough else 0
