"""Sparse depth of a camera from the points of a LiDAR beside it (EVALUATION 3.6)."""

import numpy as np
from numpy.typing import NDArray

BEHIND = 0.0
"""Metres ahead of the LiDAR from which points count."""


def project(
    points: NDArray[np.floating], depth: NDArray[np.floating], projection: NDArray[np.floating], size: tuple[int, int]
) -> NDArray[np.float64]:
    """(H, W): the depth of the nearest point that falls on each pixel, 0 where none does.

    ``points`` (N, 3) in the LiDAR's metres, forward, left, up; ``depth`` (N,) what is called the depth of each, such as
    its forward coordinate; ``projection`` (3, 4) from the LiDAR to pixels that count from 1, as KITTI's development kit
    has them; ``size``: H, W. Points behind the LiDAR or the camera, and depths of 0 or less, are left out.
    """
    u, v, w = projection[:, :3] @ points.T.astype(np.float64) + projection[:, 3:]
    ahead = (points[:, 0] >= BEHIND) & (w > 0) & (depth > 0)
    columns, rows = np.round(u[ahead] / w[ahead]) - 1, np.round(v[ahead] / w[ahead]) - 1
    inside = (columns >= 0) & (rows >= 0) & (columns < size[1]) & (rows < size[0])
    metres = np.asarray(depth, np.float64)[ahead][inside]
    far_first = np.argsort(-metres, kind="stable")
    image = np.zeros(size)
    # of several assignments to one pixel the last counts: the nearest
    image[rows[inside][far_first].astype(np.int64), columns[inside][far_first].astype(np.int64)] = metres[far_first]
    return image
