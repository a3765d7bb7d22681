"""Where every pixel goes: the exact flow to the next view, and whether the point is seen there."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulation.raycast import AIR, ORIGIN, Ground, View, trace

TOLERANCE_RELATIVE, TOLERANCE_METRES = 0.01, 0.02
"""How much farther than what is seen a point may lie and still count as seen."""
STILL = 1e-3
"""Metres: a point that moves less between two frames stands still."""
ROUNDING = 1e-6
"""Pixels beyond the outermost centres that count as inside, so that a standing camera loses no border."""


class Motion(NamedTuple):
    """How the things in a view move until the next view."""

    rotation: NDArray[np.float64]
    """(K, 3, 3): from each solid's frame to the next camera's."""
    translation: NDArray[np.float64]
    """(K, 3): each solid's centre in the next camera's frame, metres."""
    R: NDArray[np.float64]
    """(3, 3): X2 = R^T (X1 - T) for what stands still."""
    T: NDArray[np.float64]


def image_motion(
    view: View, following: View, motion: Motion, ground: Ground, maps: NDArray[np.float32],
    keys: NDArray[np.int32], depths: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:  # fmt: skip
    """(flow (H, W, 2) in pixels, visible (H, W), moving (H, W)) of every pixel centre to the following view.

    A point is visible if a ray from the following camera meets nothing before it. Points that land behind the camera
    get flow NaN.
    """
    height, width = keys.shape
    ends, moving = end_points(view, motion, keys, depths)
    x, y, z = ends.reshape(-1, 3).T
    low, high = -ROUNDING, ROUNDING - 1
    inside = (z > 0) & (x >= low) & (x <= width + high) & (y >= low) & (y <= height + high)
    target = np.flatnonzero(inside)
    hits = trace(following, ground, maps, np.ascontiguousarray(x[target]), np.ascontiguousarray(y[target]))
    depth = z[target]
    with np.errstate(invalid="ignore"):
        seen = np.abs(hits.depth - depth) <= TOLERANCE_RELATIVE * depth + TOLERANCE_METRES
    visible = np.zeros(height * width, bool)
    visible[target] = np.where(np.isinf(depth), np.isinf(hits.depth), seen)
    rows, columns = np.mgrid[0:height, 0:width]
    flow = np.where(ends[..., 2:] > 0, ends[..., :2] - np.stack([columns, rows], -1), np.nan).astype(np.float32)
    return flow, visible.reshape(height, width), moving


@njit(cache=True, error_model="numpy", nogil=True)
def end_points(
    view: View, motion: Motion, keys: NDArray[np.int32], depths: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Pixel and depth (H, W, 3) of each point in the next view, depth -1 behind the camera; and what moves (H, W)."""
    height, width = keys.shape
    ends, moving = np.empty((height, width, 3)), np.zeros((height, width), np.bool_)
    R, T, n, s, m = motion.R, motion.T, motion.rotation, motion.translation, view.data
    for row in range(height):
        for column in range(width):
            key, depth = keys[row, column], depths[row, column]
            dx, dy = (column - view.centre_x) / view.focal, (row - view.centre_y) / view.focal
            qx, qy, qz = dx, dy, 1.0
            if key != AIR:
                qx, qy, qz = depth * dx - T[0], depth * dy - T[1], depth - T[2]
            x = R[0, 0] * qx + R[1, 0] * qy + R[2, 0] * qz
            y = R[0, 1] * qx + R[1, 1] * qy + R[2, 1] * qz
            z = R[0, 2] * qx + R[1, 2] * qy + R[2, 2] * qz
            if key >= 0:
                k = key // 8
                px = m[k, ORIGIN] + depth * (m[k, 0] * dx + m[k, 3] * dy + m[k, 6])
                py = m[k, ORIGIN + 1] + depth * (m[k, 1] * dx + m[k, 4] * dy + m[k, 7])
                pz = m[k, ORIGIN + 2] + depth * (m[k, 2] * dx + m[k, 5] * dy + m[k, 8])
                mx = n[k, 0, 0] * px + n[k, 0, 1] * py + n[k, 0, 2] * pz + s[k, 0]
                my = n[k, 1, 0] * px + n[k, 1, 1] * py + n[k, 1, 2] * pz + s[k, 1]
                mz = n[k, 2, 0] * px + n[k, 2, 1] * py + n[k, 2, 2] * pz + s[k, 2]
                if (mx - x) ** 2 + (my - y) ** 2 + (mz - z) ** 2 > STILL**2:
                    moving[row, column] = True
                    x, y, z = mx, my, mz
            ends[row, column, 0] = view.focal * x / z + view.centre_x
            ends[row, column, 1] = view.focal * y / z + view.centre_y
            ends[row, column, 2] = -1.0 if z < 0.05 else (math.inf if key == AIR else z)
    return ends, moving
