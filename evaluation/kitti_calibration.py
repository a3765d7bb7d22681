"""How KITTI places its LiDAR before its cameras.

KITTI raw has ``calib_cam_to_cam.txt`` and ``calib_velo_to_cam.txt`` of a day, the object benchmark a file of a frame.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.calibration_rows import numbers, read_rows

OFF_ROTATION = 1e-3
"""How far R R^T may be from the identity; files have seven digits."""


@dataclass(frozen=True)
class Calibration:
    """Of one rectified camera of a day of recordings."""

    projection: NDArray[np.float64]  # (3, 4): LiDAR x, y, z, 1 in metres to u z, v z, z; pixels count from 1
    size: tuple[int, int]  # rows and columns of the rectified image


def read_calibration(day: Path, camera: str = "image_02") -> Calibration:
    """The calibration in the folder of a day, e.g. ``2011_09_26``.

    Raises ``ValueError`` that names the file and the row for what is missing or wrong.
    """
    number = camera.removeprefix("image_")
    if number not in ("00", "01", "02", "03"):
        raise ValueError(f"{camera} is no camera of KITTI raw; give image_00 to image_03")
    of_cameras, of_lidar = day / "calib_cam_to_cam.txt", day / "calib_velo_to_cam.txt"
    cameras, lidar = read_rows(of_cameras), read_rows(of_lidar)
    to_camera, rectify = np.eye(4), np.eye(4)
    to_camera[:3, :3] = _rotation(lidar, "R", of_lidar)
    to_camera[:3, 3] = numbers(lidar, "T", 3, of_lidar)
    rectify[:3, :3] = _rotation(cameras, "R_rect_00", of_cameras)
    project = numbers(cameras, f"P_rect_{number}", 12, of_cameras).reshape(3, 4)
    width, height = numbers(cameras, f"S_rect_{number}", 2, of_cameras)
    if not (width >= 1 and height >= 1):
        raise ValueError(f"{of_cameras}, row S_rect_{number}: {width} x {height} pixels is no size of an image")
    return Calibration(project @ rectify @ to_camera, (int(height), int(width)))


def read_object_calibration(path: Path, size: tuple[int, int]) -> Calibration:
    """The calibration of a frame of the object benchmark and its left colour camera, whose image has ``size`` (H, W).

    Raises ``ValueError`` that names the file and the row for what is missing or wrong.
    """
    rows = read_rows(path)
    to_camera, rectify = np.eye(4), np.eye(4)
    to_camera[:3] = numbers(rows, "Tr_velo_to_cam", 12, path).reshape(3, 4)
    _require_rotation(to_camera[:3, :3], "Tr_velo_to_cam", path)
    rectify[:3, :3] = _rotation(rows, "R0_rect", path)
    return Calibration(numbers(rows, "P2", 12, path).reshape(3, 4) @ rectify @ to_camera, size)


def _rotation(rows: dict[str, str], name: str, path: Path) -> NDArray[np.float64]:
    R = numbers(rows, name, 9, path).reshape(3, 3)
    _require_rotation(R, name, path)
    return R


def _require_rotation(R: NDArray[np.float64], name: str, path: Path) -> None:
    if np.abs(R @ R.T - np.eye(3)).max() > OFF_ROTATION or np.linalg.det(R) < 0:
        raise ValueError(f"{path}, row {name}: no rotation; R times its transpose is not the identity")
