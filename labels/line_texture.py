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
def texture_along_lines(
    guide: NDArray[np.uint8], displacements: NDArray[np.float32], step: int, x0: int, y0: int, line: Epipolar
) -> NDArray[np.float32]:
    """Mean squared derivatives along and across the line over 9x9 pixels, grey levels squared per px squared.

    Returns (rows, columns, 2) float32. ``guide``: (H, W) uint8, smoothed. The direction is that of the line of frame 2
    at the seed's end point; the images differ too little in rotation for that to matter. Every other pixel counts.
    """
    rows, columns = displacements.shape[:2]
    height, width = guide.shape
    result = np.zeros((rows, columns, 2), np.float32)
    for j in range(rows):
        for i in range(columns):
            x, y = x0 + i * step, y0 + j * step
            dx = line.e[0] - (x + displacements[j, i, 0] - line.cx) / line.scale * line.e[2]
            dy = line.e[1] - (y + displacements[j, i, 1] - line.cy) / line.scale * line.e[2]
            length = np.sqrt(dx * dx + dy * dy) + 1e-9
            dx, dy = np.float32(0.5 * dx / length), np.float32(0.5 * dy / length)
            along, across, count = np.float32(0), np.float32(0), np.float32(0)
            for py in range(max(y - _REACH, 1), min(y + _REACH + 1, height - 1), 2):
                for px in range(max(x - _REACH, 1), min(x + _REACH + 1, width - 1), 2):
                    gx = np.float32(np.int64(guide[py, px + 1]) - np.int64(guide[py, px - 1]))
                    gy = np.float32(np.int64(guide[py + 1, px]) - np.int64(guide[py - 1, px]))
                    slope, other = dx * gx + dy * gy, dx * gy - dy * gx
                    along += slope * slope
                    across += other * other
                    count += np.float32(1)
            result[j, i, 0], result[j, i, 1] = along / max(count, np.float32(1)), across / max(count, np.float32(1))
    return result
