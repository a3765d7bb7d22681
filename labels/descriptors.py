"""Dense gradient-histogram descriptors: 4x4 cells of 8 orientations around every pixel (LABELS section 4.2, step 2)."""

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

BYTES = 128
"""Bytes of a descriptor: 4 x 4 cells, row by row, of 8 orientations."""
_CELLS, _BANDS = 4, 8
_REACH = 3  # of the outermost cell's centre; cells lie two pixels apart
_TAPS = np.array([0.5, 1, 0.5], np.float32)
_ANGLES = 2 * np.pi * np.arange(_BANDS) / _BANDS
_AXES = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)]).astype(np.float32)


def descriptors(image: NDArray[np.uint8], floor: float = 0.05) -> NDArray[np.uint8]:
    """(H, W, 128) ``uint8`` of ``image``, (H, W) ``uint8``, each of length 255 but for rounding.

    ``floor``: the length of a histogram, for grey levels in [0, 1], that counts as noise: flatter surroundings have
    shorter descriptors, and flat ones zeros, which tell nothing instead of what the noise says.
    """
    grey = image.astype(np.float32) / np.float32(255)
    bands = _bands(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1), _AXES)
    pooled = cv2.sepFilter2D(bands, cv2.CV_32F, _TAPS, _TAPS, borderType=cv2.BORDER_REPLICATE)
    height, width = image.shape
    rows = np.clip(np.arange(-_REACH, height + _REACH), 0, height - 1)
    columns = np.clip(np.arange(-_REACH, width + _REACH), 0, width - 1)
    return _gather(pooled[rows][:, columns], np.float32(floor))


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _bands(across: NDArray[np.float32], down: NDArray[np.float32], axes: NDArray[np.float32]) -> NDArray[np.float32]:
    """The gradient's length times the 9th power of its cosine with each of the ``axes`` (2, 8), where positive."""
    height, width = across.shape
    result = np.empty((height, width, _BANDS), np.float32)
    zero, tiny, one = np.float32(0), np.float32(1e-12), np.float32(1)
    for y in range(height):
        for x in range(width):
            gx, gy = across[y, x], down[y, x]
            squared = gx * gx + gy * gy
            inverse = one / (squared + tiny)
            for k in range(_BANDS):
                along = max(gx * axes[0, k] + gy * axes[1, k], zero)
                cosine2 = along * along * inverse
                cosine4 = cosine2 * cosine2
                result[y, x, k] = along * (cosine4 * cosine4)
    return result


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _gather(pooled: NDArray[np.float32], floor: np.float32) -> NDArray[np.uint8]:
    """Descriptors from histograms of cells around every pixel, ``pooled`` (H + 6, W + 6, 8)."""
    height, width = pooled.shape[0] - 2 * _REACH, pooled.shape[1] - 2 * _REACH
    squares = np.empty(pooled.shape[:2], np.float32)
    for y in range(pooled.shape[0]):
        for x in range(pooled.shape[1]):
            total = np.float32(0)
            for k in range(_BANDS):
                total += pooled[y, x, k] * pooled[y, x, k]
            squares[y, x] = total
    result = np.empty((height, width, BYTES), np.uint8)
    for y in range(height):
        for x in range(width):
            total = np.float32(0)
            for row in range(_CELLS):
                for column in range(_CELLS):
                    total += squares[y + 2 * row, x + 2 * column]
            scale = np.float32(255) / (np.sqrt(total) + floor)
            own = result[y, x]
            for row in range(_CELLS):
                for column in range(_CELLS):
                    cell = pooled[y + 2 * row, x + 2 * column]
                    first = _BANDS * (_CELLS * row + column)
                    for k in range(_BANDS):
                        own[first + k] = np.uint8(np.int32(scale * cell[k]))
    return result
