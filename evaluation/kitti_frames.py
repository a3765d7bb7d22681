"""Lists of KITTI raw frames, such as the Eigen split, and where their files lie."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

_FIELDS = {
    "date": re.compile(r"\d{4}_\d\d_\d\d"),
    "drive": re.compile(r"\d{4}_\d\d_\d\d_drive_\d{4}_(sync|extract)"),
    "camera": re.compile(r"image_0[0-3]"),
    "frame": re.compile(r"\d{10}"),
}


@dataclass(frozen=True)
class Frame:
    """One image of one camera; names as KITTI raw writes them."""

    date: str
    drive: str
    camera: str
    frame: str

    @property
    def name(self) -> Path:
        """Where a prediction of it lies in a folder of predictions, without ending."""
        return Path(self.drive, self.camera, self.frame)

    def scan(self, raw: Path) -> Path:
        """Its LiDAR scan under the root of KITTI raw."""
        return raw / self.date / self.drive / "velodyne_points" / "data" / f"{self.frame}.bin"

    def improved(self, root: Path) -> Path | None:
        """Its improved ground truth under the root of KITTI's depth benchmark, or under train/ or val/ there."""
        inner = Path(self.drive, "proj_depth", "groundtruth", self.camera, f"{self.frame}.png")
        return next((path for part in (".", "train", "val") if (path := root / part / inner).is_file()), None)


def read_frames(path: Path) -> list[Frame]:
    """The frames of a csv with columns date, drive, camera, frame.

    Raises ``ValueError`` that names the line at fault: names build paths, so nothing but KITTI's is taken.
    """
    if not path.is_file():
        raise ValueError(f"{path} is missing; give a list of frames, such as data_manifests/kitti_eigen_test.csv")
    rows = list(csv.DictReader(path.read_text(errors="replace").splitlines()))
    for line, row in enumerate(rows, 2):
        for column, pattern in _FIELDS.items():
            if not pattern.fullmatch(row.get(column) or ""):
                raise ValueError(f"{path}, line {line}: {column} is {row.get(column)!r}, not as KITTI raw has it")
    if not rows:
        raise ValueError(f"{path} lists no frames")
    return [Frame(*(row[column] for column in _FIELDS)) for row in rows]


def scanned_frames(raw: Path, camera: str = "image_02") -> list[Frame]:
    """Every frame under the root of KITTI raw that has a scan. Raises ``ValueError`` where none has."""
    scans = sorted(raw.glob("*/*/velodyne_points/data/*.bin"))
    if not scans:
        raise ValueError(f"{raw} has no DATE/DRIVE/velodyne_points/data/*.bin; give the root of KITTI raw, with LiDAR")
    return [Frame(scan.parts[-5], scan.parts[-4], camera, scan.stem) for scan in scans]
