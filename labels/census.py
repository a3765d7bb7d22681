"""Census descriptors: 62 brightness comparisons a pixel, packed into 64 bits (LABELS section 4.8)."""

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

MARGIN = 4
"""Pixels by which descriptor images extend beyond the image on each side, filled with the nearest pixel's."""
_ROWS, _COLUMNS = 3, 4  # half size of the 7 x 9 neighbourhood


def pyramid(image: NDArray[np.uint8], levels: int) -> list[NDArray[np.uint8]]:
    """The image and its halvings, finest first; each level is the 2x2 mean of the one before."""
    result = [image]
    for _ in range(levels - 1):
        height, width = result[-1].shape
        result.append(cv2.resize(result[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
    return result


def descriptors(image: NDArray[np.uint8], blur: float = 0.8) -> NDArray[np.uint64]:
    """Census of the 7x9 neighbourhood of every pixel.

    ``image``: (H, W) uint8; ``blur``: sigma of the smoothing before the comparisons, px. Returns (H + 2 MARGIN,
    W + 2 MARGIN) uint64; bit k tells whether the k-th neighbour is brighter than the pixel. The bits survive any
    rising change of brightness; noise flips them where the image is flat, which the blur damps.
    """
    smooth = cv2.GaussianBlur(image, (0, 0), blur) if blur > 0 else image
    padded = cv2.copyMakeBorder(smooth, _ROWS, _ROWS, _COLUMNS, _COLUMNS, cv2.BORDER_REPLICATE)
    height, width = image.shape
    result = np.empty((height + 2 * MARGIN, width + 2 * MARGIN), np.uint64)
    _census(padded, result)
    return result


@njit(cache=True, nogil=True)
def _census(padded: NDArray[np.uint8], out: NDArray[np.uint64]) -> None:
    """Fill ``out`` (H + 2 MARGIN, W + 2 MARGIN) byte by byte: eight comparisons a pass, so that lanes are bytes."""
    height, width = padded.shape[0] - 2 * _ROWS, padded.shape[1] - 2 * _COLUMNS
    bits = np.empty((8, width), np.uint8)
    for y in range(height):
        bits[:] = 0
        centre = padded[y + _ROWS, _COLUMNS : _COLUMNS + width]
        k = 0
        for dy in range(2 * _ROWS + 1):
            for dx in range(2 * _COLUMNS + 1):
                if dy == _ROWS and dx == _COLUMNS:
                    continue
                neighbour = padded[y + dy, dx : dx + width]
                lane = bits[k >> 3]
                for x in range(width):
                    lane[x] = (lane[x] << np.uint8(1)) | np.uint8(neighbour[x] > centre[x])
                k += 1
        row = out[y + MARGIN]
        b0, b1, b2, b3, b4, b5, b6, b7 = bits[0], bits[1], bits[2], bits[3], bits[4], bits[5], bits[6], bits[7]
        for x in range(width):
            low = np.uint32(b0[x]) | np.uint32(b1[x]) << 8 | np.uint32(b2[x]) << 16 | np.uint32(b3[x]) << 24
            high = np.uint32(b4[x]) | np.uint32(b5[x]) << 8 | np.uint32(b6[x]) << 16 | np.uint32(b7[x]) << 24
            row[x + MARGIN] = np.uint64(np.uint32(low)) | np.uint64(np.uint32(high)) << np.uint64(32)
        for x in range(MARGIN):
            row[x] = row[MARGIN]
            row[width + MARGIN + x] = row[width + MARGIN - 1]
    for y in range(MARGIN):
        out[y] = out[MARGIN]
        out[height + MARGIN + y] = out[height + MARGIN - 1]
