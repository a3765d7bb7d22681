"""Sub-pixel displacement of matched seeds: inverse-compositional Lucas-Kanade (LABELS section 4.2, step 10)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

REACH = 3
"""Half side of the 7x7 window."""
_SIDE = 2 * REACH + 1
_LANES = 8  # a row of the window in one vector; the last lane carries no weight


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
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
    patch = np.zeros((_SIDE, _LANES), np.float32)
    gx = np.zeros((_SIDE, _LANES), np.float32)
    gy = np.zeros((_SIDE, _LANES), np.float32)
    half, one = np.float32(0.5), np.float32(1)
    for j in range(rows):
        for i in range(columns):
            u0, v0 = np.float32(matches[j, i, 0]), np.float32(matches[j, i, 1])
            result[j, i, 0], result[j, i, 1] = u0, v0
            x, y = x0 + i * step, y0 + j * step
            if not kept[j, i] or min(x, y) < REACH + 1 or x >= width - REACH - 2 or y >= height - REACH - 1:
                continue
            mean_x, mean_y = np.float32(0), np.float32(0)
            for r in range(_SIDE):
                above, here, below = image1[y + r - REACH - 1], image1[y + r - REACH], image1[y + r - REACH + 1]
                for c in range(_SIDE):
                    k = x + c - REACH
                    patch[r, c] = here[k]
                    gx[r, c] = half * (here[k + 1] - here[k - 1])
                    gy[r, c] = half * (below[k] - above[k])
                    mean_x += gx[r, c]
                    mean_y += gy[r, c]
            mean_x /= np.float32(_SIDE * _SIDE)
            mean_y /= np.float32(_SIDE * _SIDE)
            xx, xy, yy = np.float32(0), np.float32(0), np.float32(0)
            for r in range(_SIDE):
                for c in range(_SIDE):
                    gx[r, c] -= mean_x
                    gy[r, c] -= mean_y
                    xx += gx[r, c] * gx[r, c]
                    xy += gx[r, c] * gy[r, c]
                    yy += gy[r, c] * gy[r, c]
            determinant = xx * yy - xy * xy
            if not determinant > np.float32(1e-3) * (xx + yy) * (xx + yy) + one:
                continue
            u, v = u0, v0
            final_u, final_v = u0, v0
            for _ in range(iterations):
                px, py = np.float32(x) + u, np.float32(y) + v
                qx, qy = int(np.floor(px)), int(np.floor(py))
                if min(qx, qy) < REACH or qx >= width - REACH - 2 or qy >= height - REACH - 1:
                    final_u, final_v = u0, v0
                    break
                fx, fy = px - np.float32(qx), py - np.float32(qy)
                w11 = fx * fy
                w10, w01 = fy - w11, fx - w11
                w00 = one - fx - fy + w11
                bx, by = np.float32(0), np.float32(0)
                for r in range(_SIDE):
                    upper, lower = image2[qy + r - REACH], image2[qy + r - REACH + 1]
                    for c in range(_LANES):
                        k = qx + c - REACH
                        sample = w00 * upper[k] + w01 * upper[k + 1] + w10 * lower[k] + w11 * lower[k + 1]
                        difference = sample - patch[r, c]
                        bx += gx[r, c] * difference
                        by += gy[r, c] * difference
                du = (yy * bx - xy * by) / determinant
                dv = (xx * by - xy * bx) / determinant
                u -= du
                v -= dv
                if abs(u - u0) >= np.float32(limit) or abs(v - v0) >= np.float32(limit):
                    final_u, final_v = u0, v0
                    break
                final_u, final_v = u, v
                if du * du + dv * dv < np.float32(0.0009):
                    break
            result[j, i, 0], result[j, i, 1] = final_u, final_v
    return result
