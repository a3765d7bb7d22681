"""A drive of KITTI raw as a sequence: depth from its LiDAR, and no truth of the camera's motion or of what moves."""

from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.sequences import RELIABLE, Sequence, SequenceError
from evaluation.calibration_rows import numbers, read_rows
from evaluation.kitti_calibration import Calibration, read_calibration
from evaluation.lidar import read_scan, sparse_depth


def open_sequence(folder: str | Path) -> Sequence:
    """The sequence in a folder, which may be a drive of KITTI raw (``.._sync``, the day's calibration beside it)."""
    return RawDrive(folder) if (Path(folder) / "image_02").is_dir() else Sequence(folder)


class RawDrive(Sequence):
    """An opened drive of KITTI raw: its left colour camera."""

    @cached_property
    def intrinsics(self) -> tuple[float, float, float]:
        """Focal length and principal point in pixels."""
        path = self.folder.resolve().parent / "calib_cam_to_cam.txt"
        values = numbers(read_rows(path), "P_rect_02", 12, path)
        return values[0], values[2], values[6]

    def depth(self, index: int, width: int | None = None) -> NDArray[np.float32] | None:
        """Depth in metres along the camera's axis, 0 where no point of the scan falls; None without a scan."""
        path = self.folder / "velodyne_points" / "data" / f"{self.images[index].stem}.bin"
        if not path.exists():
            return None
        shape = self.image(index, width).shape
        scale = shape[1] / self._calibration.size[1]
        move = (1 - scale) / 2  # KITTI counts pixels from 1; a pixel's centre stays where it is in the scene
        resized = np.array([[scale, 0, move], [0, scale, move], [0, 0, 1]]) @ self._calibration.projection
        return sparse_depth(read_scan(path), Calibration(resized, (shape[0], shape[1])), "camera z").astype(np.float32)

    def mask(self, index: int, width: int | None = None) -> NDArray[np.uint8] | None:
        """Bit ``RELIABLE`` where there is depth: it is not known what moves."""
        depth = self.depth(index, width)
        return None if depth is None else np.where(depth > 0, RELIABLE, 0).astype(np.uint8)

    @cached_property
    def _calibration(self) -> Calibration:
        return read_calibration(self.folder.resolve().parent)

    def _find_images(self) -> list[Path]:
        folder = self.folder / "image_02" / "data"
        found = sorted(path for path in folder.glob("*") if path.suffix in (".png", ".jpg"))
        if not found:
            raise SequenceError(f"{folder} has no images; give the folder of a drive of KITTI raw")
        return found
