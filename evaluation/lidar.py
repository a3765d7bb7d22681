"""Sparse depth from a LiDAR scan, as the Eigen split has it (EVALUATION 3.6)."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evaluation.kitti_calibration import Calibration

Axis = Literal["forward x", "camera z"]
AXES: tuple[Axis, ...] = ("forward x", "camera z")
"""What is called depth: the LiDAR's forward axis, as in monodepth and all that compare with it, or the camera's."""


def read_scan(path: Path) -> NDArray[np.float32]:
    """Points of a KITTI scan, (N, 4): forward, left, up in metres, reflectance.

    Raises ``ValueError`` that names the file where it is missing or no scan.
    """
    if not path.is_file():
        raise ValueError(f"{path} is missing; depth is made of LiDAR, so fetch velodyne_points too")
    stored = path.read_bytes()
    if not stored or len(stored) % 16:
        raise ValueError(f"{path} is no scan: {len(stored)} bytes are not four floats for each of its points")
    points = np.frombuffer(stored, np.float32).reshape(-1, 4)
    if not np.isfinite(points[:, :3]).all():
        raise ValueError(f"{path} has points that are not finite")
    return points


def sparse_depth(
    points: NDArray[np.floating], calibration: Calibration, axis: Axis = "forward x", merged_margins: bool = False
) -> NDArray[np.float64]:
    """Depth in metres (H, W) of scanned points (N, 3 or more), 0 where none falls; of several the nearest.

    Points behind the LiDAR are left out. A pixel is ``round(u) - 1``, as KITTI's development kit counts from 1. With
    ``merged_margins`` the last pixel of a row and the first of the next share one nearest point, which goes to the one
    hit first, as the original code's index counts one column too few.
    """
    if axis not in AXES:
        raise ValueError(f"{axis} is no axis of depth; give one of {', '.join(AXES)}")
    ahead = points[points[:, 0] >= 0, :3].astype(np.float64)
    u, v, z = calibration.projection[:, :3] @ ahead.T + calibration.projection[:, 3:]
    with np.errstate(divide="ignore", invalid="ignore"):
        columns, rows = np.round(u / z) - 1, np.round(v / z) - 1
    height, width = calibration.size
    inside = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
    columns, rows = columns[inside].astype(np.int64), rows[inside].astype(np.int64)
    depth = (ahead[:, 0] if axis == "forward x" else z)[inside]
    nearest = _nearest(rows, columns, depth, calibration.size, width - 1 if merged_margins else width)
    return np.maximum(nearest, 0)


def _nearest(
    rows: NDArray[np.int64], columns: NDArray[np.int64], depth: NDArray[np.float64], size: tuple[int, int], stride: int
) -> NDArray[np.float64]:
    """The least depth of the points of one index, where the first of them lies; the last one where no other shares."""
    image = np.zeros(size)
    image[rows, columns] = depth
    _, first, group = np.unique(rows * stride + columns, return_index=True, return_inverse=True)
    least = np.full(len(first), np.inf)
    np.minimum.at(least, group, depth)
    image[rows[first], columns[first]] = least
    return image
