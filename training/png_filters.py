"""Undoes the filters of PNG's rows for 8-bit grey images, many rows at a time (RFC 2083 section 6).

A pixel follows from those to its left, above and between, so that along a row each waits for the one before, which for
the Paeth filter takes some ten cycles. Rows that are worked on together, each one pixel behind the row above it, depend
on what is finished alone: skewed so that these pixels lie side by side, they take a few vector operations.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

BLOCKS, WIDTH = 4, 32
"""Rows that are worked on together, in blocks so narrow that the bytes a row is spread over fit the nearest cache."""
LANES = BLOCKS * WIDTH
NONE, LEFT, UP, MEAN, PAETH = range(5)


@njit(cache=True, nogil=True)
def unfilter(filtered: NDArray[np.uint8], image: NDArray[np.uint8]) -> bool:
    """Undo the filters of the rows, (H, 1 + W) to (H, W); False where one is unknown."""
    height, width = image.shape
    # Pixel x of lane k is at step x + k. What is left of a row stays 0; what is right of it is never looked at.
    skewed = np.zeros((BLOCKS, width + LANES - 1, WIDTH), np.uint8)
    above, kinds = np.zeros(width + LANES - 1, np.uint8), np.zeros(LANES, np.int16)
    for first in range(0, height, LANES):
        rows = min(LANES, height - first)
        for lane in range(rows):
            row, place = filtered[first + lane], skewed[lane // WIDTH, lane:, lane % WIDTH]
            if row[0] > PAETH:
                return False
            kinds[lane] = row[0]
            for x in range(width):
                place[x] = row[1 + x]
        _undo(skewed, kinds, above)
        for lane in range(rows):
            row, place = image[first + lane], skewed[lane // WIDTH, lane:, lane % WIDTH]
            for x in range(width):
                row[x] = place[x]
        above[:width] = image[first + rows - 1]
    return True


@njit(cache=True, nogil=True)
def _undo(skewed: NDArray[np.uint8], kinds: NDArray[np.int16], above: NDArray[np.uint8]) -> None:
    """Undo the filters in place, below the row ``above``; each sum is cast lest it become 64 bits wide."""
    # One place to the right: the first is of the row above. ``corners`` are those of the step before.
    pixels, corners = np.zeros(LANES + 1, np.int16), np.zeros(LANES + 1, np.int16)
    sums = np.empty(LANES, np.int16)
    for step in range(len(above)):
        pixels[0] = above[step]
        for block in range(BLOCKS):
            row = skewed[block, step]
            for place in range(WIDTH):
                lane = block * WIDTH + place
                left, up, corner = pixels[lane + 1], pixels[lane], corners[lane]
                # distances of left + up - corner from left, up and corner
                from_left, from_up = np.int16(up - corner), np.int16(left - corner)
                from_corner = np.int16(abs(np.int16(from_left + from_up)))
                from_left, from_up = np.int16(abs(from_left)), np.int16(abs(from_up))
                best = left if from_left <= from_up else up
                nearest = from_left if from_left <= from_up else from_up
                best = best if nearest <= from_corner else corner
                kind = kinds[lane]
                best = np.int16(np.int16(left + up) >> 1) if kind == MEAN else best
                best = up if kind == UP else best
                best = left if kind == LEFT else best
                best = np.int16(0) if kind == NONE else best
                sums[lane] = np.int16((np.int16(row[place]) + best) & np.int16(255))
                row[place] = sums[lane]
        for lane in range(LANES + 1):
            corners[lane] = pixels[lane]
        for lane in range(LANES):
            pixels[lane + 1] = sums[lane]
