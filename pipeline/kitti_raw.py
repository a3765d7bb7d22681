"""KITTI's raw recordings: lists of frames, calibration and LiDAR scans, below a folder or URL.

``evaluation`` reads the same files for its scores; the rooms do not import each other, and a test holds that both make
the same of them.
"""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline import storage
from pipeline.errors import UserError
from pipeline.storage import join

_NAMES = {
    "date": re.compile(r"\d{4}_\d\d_\d\d"),
    "drive": re.compile(r"\d{4}_\d\d_\d\d_drive_\d{4}_(sync|extract)"),
    "camera": re.compile(r"image_0[0-3]"),
    "frame": re.compile(r"\d{10}"),
}
POINT_BYTES = 16
"""Of a scan: four ``float32``, forward, left, up in metres, reflectance."""


@dataclass(frozen=True, order=True)
class Camera:
    """One camera on one drive; names as KITTI writes them."""

    date: str
    drive: str
    camera: str


@dataclass(frozen=True)
class Calibration:
    """How the LiDAR stands before a rectified camera."""

    projection: NDArray[np.float64]  # (3, 4): LiDAR to pixels that count from 1
    size: tuple[int, int]  # H, W
    focal: float  # pixels
    principal_point: tuple[float, float]  # x, y, pixels


def read_lists(urls: Iterable[str]) -> dict[Camera, list[str]]:
    """The frames of CSV lists with the columns ``date,drive,camera,frame``, of each camera in order and once.

    Raises ``UserError`` naming the line where a name is not KITTI's: names build paths.
    """
    found: dict[Camera, set[str]] = {}
    for url in urls:
        rows = csv.DictReader(io.StringIO(_read(url, "a list of frames").decode("utf-8", "replace")))
        for number, row in enumerate(rows, 2):
            for column, pattern in _NAMES.items():
                if not pattern.fullmatch(row.get(column) or ""):
                    raise UserError(f"{url} line {number}: {column} is {row.get(column)!r}, not as KITTI raw names it")
            found.setdefault(Camera(row["date"], row["drive"], row["camera"]), set()).add(row["frame"])
    if not found:
        raise UserError("the lists name no frames; give CSV files such as data_manifests/kitti_eigen_train.csv")
    return {camera: sorted(found[camera]) for camera in sorted(found)}


def read_calibration(raw: str, camera: Camera) -> Calibration:
    """The calibration of a camera on a date. Raises ``UserError`` naming file and row where it is missing or wrong."""
    of_cameras, of_lidar = (join(raw, camera.date, f"calib_{name}_to_cam.txt") for name in ("cam", "velo"))
    cameras, lidar, number = _rows(of_cameras), _rows(of_lidar), camera.camera.removeprefix("image_")
    to_camera, rectify = np.eye(4), np.eye(4)
    to_camera[:3, :3] = _rotation(lidar, "R", of_lidar)
    to_camera[:3, 3] = _numbers(lidar, "T", 3, of_lidar)
    rectify[:3, :3] = _rotation(cameras, "R_rect_00", of_cameras)
    P = _numbers(cameras, f"P_rect_{number}", 12, of_cameras).reshape(3, 4)
    width, height = (int(side) for side in _numbers(cameras, f"S_rect_{number}", 2, of_cameras))
    if width < 1 or height < 1:
        raise UserError(f"{of_cameras}, row S_rect_{number}: {width}x{height} pixels is no size of an image")
    return Calibration(P @ rectify @ to_camera, (height, width), P[0, 0], (P[0, 2], P[1, 2]))


def read_scan(raw: str, camera: Camera, frame: str) -> NDArray[np.float32] | None:
    """Points (N, 4) of a scan, or None where there is none. Raises ``UserError`` for what is no scan."""
    url = join(raw, camera.date, camera.drive, "velodyne_points", "data", f"{frame}.bin")
    try:
        content = storage.read_bytes(url)
    except FileNotFoundError:
        return None
    if not content or len(content) % POINT_BYTES:
        raise UserError(f"{url} is no LiDAR scan: {len(content)} bytes are not four floats a point; fetch it again")
    points = np.frombuffer(content, "<f4").reshape(-1, 4)
    if not np.isfinite(points[:, :3]).all():
        raise UserError(f"{url} has points that are not finite; fetch it again")
    return points


def _read(url: str, what: str) -> bytes:
    try:
        return storage.read_bytes(url)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise UserError(f"{url} is missing; it should be {what}") from None


def _rows(url: str) -> dict[str, str]:
    text = _read(url, "a calibration file of KITTI raw, in the folder of its date").decode("utf-8", "replace")
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): numbers for name, _, numbers in pairs}


def _numbers(rows: dict[str, str], name: str, count: int, url: str) -> NDArray[np.float64]:
    try:
        numbers = np.array([float(word) for word in rows[name].split()])
    except KeyError:
        raise UserError(f"{url} has no row {name}:") from None
    except ValueError as error:
        raise UserError(f"{url}, row {name}: {error}") from None
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise UserError(f"{url}, row {name}: expected {count} finite numbers, found {len(numbers)}")
    return numbers


def _rotation(rows: dict[str, str], name: str, url: str) -> NDArray[np.float64]:
    R = _numbers(rows, name, 9, url).reshape(3, 3)
    # the files have seven digits
    if np.abs(R @ R.T - np.eye(3)).max() > 1e-3 or np.linalg.det(R) < 0:
        raise UserError(f"{url}, row {name} is no rotation: R times its transpose is not the identity")
    return R
