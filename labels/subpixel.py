"""Sub-pixel displacement of matched seeds: inverse-compositional Lucas-Kanade (LABELS section 4.2, step 10)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.lanes import alike, leading, load, total

REACH = 3
"""Half side of the 7x7 window."""
_SIDE = 2 * REACH + 1  # rows of the window are vectors of eight, of which the last counts for nothing


@njit(cache=True, nogil=True, error_model="numpy")
def refine_matches(
    image1: NDArray[np.float32],
    image2: NDArray[np.float32],
    matches: NDArray[np.int32],
    kept: NDArray[np.bool_],
    step: int,
    x0: int,
    y0: int,
    iterations: int,
    limit: float,
) -> NDArray[np.float32]:
    """Displacements (rows, columns, 2) float32 px of the ``kept`` integer ``matches`` of a grid; the others unchanged.

    ``image1``, ``image2``: (H, W) float32. A constant difference of brightness is allowed for. A match keeps its
    integer displacement where the window has no texture in two directions, where it comes within the window's reach of
    the border, or where the result would lie ``limit`` px or more away.
    """
    rows, columns = kept.shape
    height, width = image1.shape
    result = np.empty((rows, columns, 2), np.float32)
    one, farthest = np.float32(1), np.float32(limit)
    for j in range(rows):
        for i in range(columns):
            u0, v0 = np.float32(matches[j, i, 0]), np.float32(matches[j, i, 1])
            result[j, i, 0], result[j, i, 1] = u0, v0
            x, y = x0 + i * step, y0 + j * step
            if not kept[j, i] or min(x, y) < REACH + 1 or x >= width - REACH - 2 or y >= height - REACH - 1:
                continue
            place = (y - REACH) * width + x - REACH
            mean_x, mean_y, xx, xy, yy = _tensor(image1, place, width)
            determinant = xx * yy - xy * xy
            if not determinant > np.float32(1e-3) * (xx + yy) * (xx + yy) + one:
                continue
            inverse, u, v = one / determinant, u0, v0
            for _ in range(iterations):
                px, py = np.float32(x) + u, np.float32(y) + v
                qx, qy = int(np.floor(px)), int(np.floor(py))
                if min(qx, qy) < REACH or qx >= width - REACH - 2 or qy >= height - REACH - 1:
                    u, v = u0, v0
                    break
                there = (qy - REACH) * width + qx - REACH
                fx, fy = px - np.float32(qx), py - np.float32(qy)
                bx, by = _difference(image1, image2, place, there, width, fx, fy, mean_x, mean_y)
                du, dv = (yy * bx - xy * by) * inverse, (xx * by - xy * bx) * inverse
                u, v = u - du, v - dv
                if abs(u - u0) >= farthest or abs(v - v0) >= farthest:
                    u, v = u0, v0
                    break
                if du * du + dv * dv < np.float32(0.0009):
                    break
            result[j, i, 0], result[j, i, 1] = u, v
    return result


@njit(inline="always")
def _gradient(image, place, width):  # type: ignore[no-untyped-def]
    """Of a row of the window, (x, y)."""
    half = alike(8, np.float32(0.5))
    gx = half * (load(8, image, place + 1) - load(8, image, place - 1))
    return gx, half * (load(8, image, place + width) - load(8, image, place - width))


@njit(inline="always")
def _tensor(image, place, width):  # type: ignore[no-untyped-def]
    """Mean of the gradient over the window at ``place``, (x, y), and its spread: xx, xy, yy."""
    zero, count = alike(8, np.float32(0)), np.float32(_SIDE * _SIDE)
    x, y, xx, xy, yy = zero, zero, zero, zero, zero
    for _ in range(_SIDE):
        gx, gy = _gradient(image, place, width)
        gx, gy = leading(gx, 7), leading(gy, 7)
        x, y, xx, xy, yy = x + gx, y + gy, xx + gx * gx, xy + gx * gy, yy + gy * gy
        place += width
    mean_x, mean_y = total(x) / count, total(y) / count
    xx_, xy_ = total(xx) - mean_x * mean_x * count, total(xy) - mean_x * mean_y * count
    return mean_x, mean_y, xx_, xy_, total(yy) - mean_y * mean_y * count


@njit(inline="always")
def _difference(image1, image2, place, there, width, fx, fy, mean_x, mean_y):  # type: ignore[no-untyped-def]
    """Sums of the gradient, less its mean, times the difference of the windows; frame 2 between four pixels."""
    one, zero = np.float32(1), alike(8, np.float32(0))
    w11, w10, w01 = alike(8, fx * fy), alike(8, fy - fx * fy), alike(8, fx - fx * fy)
    w00 = alike(8, one - fx - fy + fx * fy)
    along, down, apart = zero, zero, zero
    a, b = load(8, image2, there), load(8, image2, there + 1)
    for _ in range(_SIDE):
        there += width
        c, d = load(8, image2, there), load(8, image2, there + 1)
        difference = leading(a * w00 + b * w01 + c * w10 + d * w11 - load(8, image1, place), 7)
        gx, gy = _gradient(image1, place, width)
        along, down, apart = along + gx * difference, down + gy * difference, apart + difference
        a, b = c, d
        place += width
    mean = total(apart)
    return total(along) - mean_x * mean, total(down) - mean_y * mean
