"""Is a frame sharp, free of compression blocks, and exposed: statistics of one grey image (LABELS 3.1, 3.2, 11.12)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

SATURATED = 250
"""Grey level from which a pixel counts as blown out."""


def sharpness(grey: NDArray[np.uint8]) -> float:
    """Variance of the Laplacian of a (H, W) image, 2 x 2 at least, grey levels squared: small for blurred frames."""
    total, squares = map(float, _curvature(np.ascontiguousarray(grey)))
    return squares / grey.size - (total / grey.size) ** 2


@njit(cache=True, nogil=True)
def _curvature(grey: NDArray[np.uint8]) -> tuple[np.int64, np.int64]:
    """Sum of the Laplacian, and of its squares; beyond the border lies what is within, mirrored at the last pixel."""
    height, width = grey.shape
    total = squares = np.int64(0)
    for y in range(height):
        above, row, below = grey[y - 1 if y else 1], grey[y], grey[y + 1 if y + 1 < height else y - 1]
        for x in (0, width - 1):
            beside = row[1 if x == 0 else x - 1]
            value = np.int32(above[x]) + np.int32(below[x]) + 2 * np.int32(beside) - 4 * np.int32(row[x])
            total, squares = total + value, squares + value * value
        for x in range(1, width - 1):
            value = np.int32(above[x]) + np.int32(below[x]) + np.int32(row[x - 1]) + np.int32(row[x + 1])
            value -= 4 * np.int32(row[x])
            total, squares = total + value, squares + value * value
    return total, squares


def saturated_fraction(histogram: NDArray[np.int64]) -> float:
    """Share of the pixels at ``SATURATED`` or above, from a histogram of 256 grey levels."""
    return float(histogram[SATURATED:].sum() / max(int(histogram.sum()), 1))


def blockiness(grey: NDArray[np.uint8]) -> float:
    """No-reference score S of 8x8 block compression of a (H, W) image: about 10 = clean, below 7 = blocky.

    With B the mean step across block borders, A the mean step elsewhere and Z the rate of sign changes of neighbouring
    steps, each the mean over both directions: S = -245.8909 + 261.9373 B^-0.02398886 A^0.01601664 Z^0.00642859, and 0
    where any of the three is below 1e-3 (LABELS 3.1). Meaningful where the blocks of the codec still lie on a grid
    of 8 pixels, that is for frames that were not scaled.
    """
    if min(grey.shape) < 16:
        raise ValueError(f"blockiness: the image must be at least 16x16 pixels, got {grey.shape[1]}x{grey.shape[0]}")
    border, elsewhere, crossings = _steps(np.ascontiguousarray(grey))
    if min(border, elsewhere, crossings) < 1e-3:
        return 0.0
    return float(-245.8909 + 261.9373 * border**-0.02398886 * elsewhere**0.01601664 * crossings**0.00642859)


@njit(cache=True, nogil=True)
def _steps(grey: NDArray[np.uint8]) -> tuple[float, float, float]:
    """(B, A, Z), each averaged over the horizontal and the vertical direction."""
    height, width = grey.shape
    total_x = total_y = border_x = border_y = signs_x = signs_y = np.int64(0)
    for y in range(height):
        for x in range(width - 1):
            step = np.int64(grey[y, x + 1]) - np.int64(grey[y, x])
            total_x += abs(step)
            if x % 8 == 7:
                border_x += abs(step)
            if x < width - 2:
                signs_x += step * (np.int64(grey[y, x + 2]) - np.int64(grey[y, x + 1])) < 0
    for y in range(height - 1):
        at_border = y % 8 == 7
        for x in range(width):
            step = np.int64(grey[y + 1, x]) - np.int64(grey[y, x])
            total_y += abs(step)
            if at_border:
                border_y += abs(step)
            if y < height - 2:
                signs_y += step * (np.int64(grey[y + 2, x]) - np.int64(grey[y + 1, x])) < 0
    mean_x, mean_y = total_x / (height * (width - 1)), total_y / (width * (height - 1))
    mean_border_x = border_x / (height * ((width - 1) // 8))
    mean_border_y = border_y / (width * ((height - 1) // 8))
    elsewhere = ((8 * mean_x - mean_border_x) + (8 * mean_y - mean_border_y)) / 14
    crossings = signs_x / (height * (width - 2)) + signs_y / (width * (height - 2))
    return (mean_border_x + mean_border_y) / 2, elsewhere, crossings / 2
