"""The road seen from above, as the KITTI road benchmark sees it (EVALUATION 3.5)."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.calibration_rows import numbers, read_rows

LEFT, RIGHT = -10, 10
"""Metres beside the camera."""
NEAR, FAR = 6, 46
"""Metres before the camera."""
RESOLUTION = 0.05
"""Metres a pixel: 800 rows, the far ones first, and 400 columns."""


def read_homography(path: Path) -> NDArray[np.float64]:
    """The map (3, 3) from the road, x and z in metres and 1, to the image, u w, v w and w.

    From the file of one frame of the road benchmark: ``P2 R0_rect inv(Tr_cam_to_road)`` at height 0 of the road. Raises
    ``ValueError`` that names file and row for what is missing or wrong.
    """
    rows = read_rows(path)
    rectify, to_road = np.eye(4), np.eye(4)
    rectify[:3, :3] = numbers(rows, "R0_rect", 9, path).reshape(3, 3)
    to_road[:3] = numbers(rows, "Tr_cam_to_road", 12, path).reshape(3, 4)
    try:
        from_road = np.linalg.inv(to_road)
    except np.linalg.LinAlgError:
        raise ValueError(
            f"{path}, row Tr_cam_to_road: it cannot be inverted, so that it is no placing of a camera"
        ) from None
    return (numbers(rows, "P2", 12, path).reshape(3, 4) @ rectify @ from_road)[:, [0, 2, 3]]


def birds_eye(images: tuple[NDArray[Any], ...], homography: NDArray[np.float64]) -> list[NDArray[Any]]:
    """Images (H, W) of one size from above, each (800, 400), 0 where the camera does not see the road.

    A pixel takes the one that its middle falls on. The benchmark counts pixels from 1 and cuts off what follows the
    point, and keeps the middles in single precision.
    """
    x = np.arange(LEFT + RESOLUTION / 2, RIGHT, RESOLUTION).astype(np.float32)
    z = np.arange(FAR - RESOLUTION / 2, NEAR, -RESOLUTION).astype(np.float32)
    x_grid, z_grid = np.meshgrid(x.astype(np.float64), z.astype(np.float64))
    u, v, w = np.tensordot(homography, np.stack([x_grid, z_grid, np.ones_like(x_grid)]), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        u, v = u / w, v / w
    height, width = images[0].shape
    seen = (u >= 1) & (u <= width) & (v >= 1) & (v <= height)
    rows, columns = v[seen].astype(int) - 1, u[seen].astype(int) - 1
    views = []
    for image in images:
        view = np.zeros(seen.shape, image.dtype)
        view[seen] = image[rows, columns]
        views.append(view)
    return views
