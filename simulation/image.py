"""A whole picture: a ray through every pixel's centre, and four more where surfaces meet."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulation.raycast import AIR, Ground, View, trace
from simulation.shading import Light, shade
from simulation.solids import Solids


@njit(cache=True, nogil=True)
def cast_picture(
    view: View, solids: Solids, ground: Ground, light: Light, maps: NDArray[np.float32], height: int, width: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
    """The picture (H, W, 3) float32 linear, and at pixel centres the keys (H, W) and depths (H, W) in metres."""
    picture = np.empty((height, width, 3), np.float32)
    keys = np.empty((height, width), np.int64)
    depths = np.empty((height, width), np.float64)
    d, right, down, foot = np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    piece = 0
    for row in range(height):
        for column in range(width):
            x, y = float(column), float(row)
            key, depth, along, across, piece = trace(view, ground, maps, x, y, piece)
            keys[row, column], depths[row, column] = key, depth
            r, g, b = shade(
                key, depth, along, across, piece, x, y, view, solids, ground, light, maps, d, right, down, foot
            )
            picture[row, column, 0], picture[row, column, 1], picture[row, column, 2] = r, g, b
    smooth_edges(view, solids, ground, light, maps, picture, keys, d, right, down, foot)
    return picture, keys, depths


@njit(cache=True)
def small_solids(view: View, height: int, width: int) -> NDArray[np.bool_]:
    """Pixels (H, W) under solids so small or thin that rays through the centres may miss them."""
    small = np.zeros((height, width), np.bool_)
    for k in range(view.bounds.shape[0]):
        x0, x1, y0, y1 = view.bounds[k, 0], view.bounds[k, 1], view.bounds[k, 2], view.bounds[k, 3]
        # the window is a pixel wider than the solid on every side
        if min(x1 - x0, y1 - y0) > 5.0 or max(x1 - x0, y1 - y0) > 120:
            continue
        for row in range(max(int(y0), 0), min(int(y1) + 1, height)):
            for column in range(max(int(x0), 0), min(int(x1) + 1, width)):
                small[row, column] = True
    return small


@njit(cache=True)
def smooth_edges(
    view: View, solids: Solids, ground: Ground, light: Light, maps: NDArray[np.float32], picture: NDArray,
    keys: NDArray, d: NDArray, right: NDArray, down: NDArray, foot: NDArray,
) -> None:  # fmt: skip
    """Replace pixels whose neighbours show something else by the mean of four rays inside the pixel."""
    height, width = keys.shape
    small = small_solids(view, height, width)
    centres = picture.copy()
    piece = 0
    for row in range(height):
        for column in range(width):
            key = keys[row, column]
            above, below = keys[max(row - 1, 0), column], keys[min(row + 1, height - 1), column]
            before, after = keys[row, max(column - 1, 0)], keys[row, min(column + 1, width - 1)]
            if key == above and key == below and key == before and key == after and not small[row, column]:
                continue
            total_r, total_g, total_b = 0.0, 0.0, 0.0
            for sample in range(4):
                # the corners of a turned square: four different rows and columns
                dx = -0.375 + 0.25 * sample
                dy = 0.125 - 0.5 * (sample % 2) + (0.25 if sample >= 2 else 0.0)
                x, y = column + dx, row + dy
                found, depth, along, across, piece = trace(view, ground, maps, x, y, piece)
                if found == key:
                    r, g, b = centres[row, column, 0], centres[row, column, 1], centres[row, column, 2]
                else:
                    r, g, b = shade(
                        found,
                        depth,
                        along,
                        across,
                        piece,
                        x,
                        y,
                        view,
                        solids,
                        ground,
                        light,
                        maps,
                        d,
                        right,
                        down,
                        foot,
                    )
                total_r, total_g, total_b = total_r + r, total_g + g, total_b + b
            picture[row, column, 0] = total_r / 4
            picture[row, column, 1] = total_g / 4
            picture[row, column, 2] = total_b / 4


@njit(cache=True, nogil=True)
def cast_motion(
    view: View, following: View, rotation2: NDArray, translation2: NDArray, R: NDArray, T: NDArray,
    ground: Ground, maps: NDArray[np.float32], keys: NDArray[np.int64], depths: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:  # fmt: skip
    """(flow, visible, moving) of every pixel centre to the following view.

    ``rotation2`` (K, 3, 3) and ``translation2`` (K, 3): where the solids of ``view`` are in the following camera;
    ``R``, ``T``: the camera's motion, X2 = R^T (X1 - T). A point is visible if a ray from the following camera meets
    nothing before it (1 % and 2 cm of tolerance). Points that land behind the camera get flow NaN.
    """
    height, width = keys.shape
    flow = np.empty((height, width, 2), np.float32)
    visible = np.zeros((height, width), np.bool_)
    moving = np.zeros((height, width), np.bool_)
    piece = 0
    for row in range(height):
        for column in range(width):
            key, depth = keys[row, column], depths[row, column]
            dx, dy = (column - view.centre_x) / view.focal, (row - view.centre_y) / view.focal
            far = key == AIR
            z = 1.0 if far else depth
            qx, qy, qz = z * dx, z * dy, z
            if not far:
                qx, qy, qz = qx - T[0], qy - T[1], qz - T[2]
            x2 = R[0, 0] * qx + R[1, 0] * qy + R[2, 0] * qz
            y2 = R[0, 1] * qx + R[1, 1] * qy + R[2, 1] * qz
            z2 = R[0, 2] * qx + R[1, 2] * qy + R[2, 2] * qz
            if key >= 0:
                k = key // 8
                m, t, n, s = view.rotation[k], view.translation[k], rotation2[k], translation2[k]
                qx, qy, qz = z * dx - t[0], z * dy - t[1], z - t[2]
                px = m[0, 0] * qx + m[1, 0] * qy + m[2, 0] * qz
                py = m[0, 1] * qx + m[1, 1] * qy + m[2, 1] * qz
                pz = m[0, 2] * qx + m[1, 2] * qy + m[2, 2] * qz
                mx = n[0, 0] * px + n[0, 1] * py + n[0, 2] * pz + s[0]
                my = n[1, 0] * px + n[1, 1] * py + n[1, 2] * pz + s[1]
                mz = n[2, 0] * px + n[2, 1] * py + n[2, 2] * pz + s[2]
                if (mx - x2) ** 2 + (my - y2) ** 2 + (mz - z2) ** 2 > 1e-6:
                    moving[row, column] = True
                    x2, y2, z2 = mx, my, mz
            if z2 < 0.05:
                flow[row, column, 0], flow[row, column, 1] = math.nan, math.nan
                continue
            u, v = view.focal * x2 / z2 + view.centre_x, view.focal * y2 / z2 + view.centre_y
            flow[row, column, 0], flow[row, column, 1] = u - column, v - row
            if u < 0 or u > width - 1 or v < 0 or v > height - 1:
                continue
            found, met, _, _, piece = trace(following, ground, maps, u, v, piece)
            if far:
                visible[row, column] = found == AIR
            else:
                visible[row, column] = abs(met - z2) <= 0.01 * z2 + 0.02
    return flow, visible, moving
