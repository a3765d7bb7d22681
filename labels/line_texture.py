"""How much the image around a seed tells of its place on its epipolar line: contrast along and across that line.

Where the image is flat, or changes only across the line as along a lane marking that points at the epipole, every place
on the line looks alike. Compressed video makes this worse: coders copy what hardly changes from the frame before, so
that faint asphalt seems to stand still.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.epipolar import Epipolar

_REACH = 4


@njit(cache=True, nogil=True, error_model="numpy")
def gradient_products(
    guide: NDArray[np.uint8], rows: int, columns: int, step: int, x0: int, y0: int
) -> NDArray[np.float32]:
    """Mean products of the derivatives over 9x9 pixels around the seeds of a grid, of which every other pixel counts.

    ``guide``: (H, W) uint8, smoothed. Returns (rows, columns, 3) float32: xx, xy, yy, grey levels squared per px^2.
    """
    height, width = guide.shape
    result = np.zeros((rows, columns, 3), np.float32)
    sums = np.empty((3, width), np.int32)  # over the pixels of each column
    for j in range(rows):
        y = y0 + j * step
        first, last = max(y - _REACH, 1), min(y + _REACH + 1, height - 1)
        sums[:] = 0
        for py in range(first, last, 2):
            _add_products(guide[py - 1], guide[py], guide[py + 1], sums)
        tall = (last - first + 1) // 2
        for i in range(columns):
            x = x0 + i * step
            left, right = max(x - _REACH, 1), min(x + _REACH + 1, width - 1)
            scale = np.float32(0.25) / np.float32(max(tall * ((right - left + 1) // 2), 1))
            for kind in range(3):
                total = np.int32(0)
                for px in range(left, right, 2):
                    total += sums[kind, px]
                result[j, i, kind] = scale * np.float32(total)
    return result


@njit(cache=True, nogil=True)
def _add_products(
    above: NDArray[np.uint8], here: NDArray[np.uint8], below: NDArray[np.uint8], sums: NDArray[np.int32]
) -> None:
    """Add the products of twice the derivatives of a row, xx, xy, yy, to ``sums`` (3, W), but for its two ends."""
    xx, xy, yy = sums[0], sums[1], sums[2]
    for k in range(len(here) - 2):
        gx, gy = np.int32(here[k + 2]) - np.int32(here[k]), np.int32(below[k + 1]) - np.int32(above[k + 1])
        xx[k + 1] += np.int32(gx * gx)
        xy[k + 1] += np.int32(gx * gy)
        yy[k + 1] += np.int32(gy * gy)


@njit(cache=True, nogil=True, error_model="numpy")
def along_lines(
    products: NDArray[np.float32], displacements: NDArray[np.float32], step: int, x0: int, y0: int, line: Epipolar
) -> NDArray[np.float32]:
    """Mean squared derivatives along and across the line, (rows, columns, 2) float32, of ``gradient_products``.

    The direction is that of the line of frame 2 at the seed's end point; the images differ too little in rotation for
    that to matter.
    """
    rows, columns = displacements.shape[:2]
    result = np.empty((rows, columns, 2), np.float32)
    two, nothing = np.float32(2), np.float32(0)
    for j in range(rows):
        for i in range(columns):
            dx = line.e[0] - (x0 + i * step + displacements[j, i, 0] - line.cx) / line.scale * line.e[2]
            dy = line.e[1] - (y0 + j * step + displacements[j, i, 1] - line.cy) / line.scale * line.e[2]
            length = np.sqrt(dx * dx + dy * dy) + 1e-9
            dx, dy = np.float32(dx / length), np.float32(dy / length)
            xx, xy, yy = products[j, i, 0], products[j, i, 1], products[j, i, 2]
            mixed = two * dx * dy * xy
            # rounding may leave less than nothing where all contrast is along or across
            result[j, i, 0] = max(dx * dx * xx + mixed + dy * dy * yy, nothing)
            result[j, i, 1] = max(dx * dx * yy - mixed + dy * dy * xx, nothing)
    return result
