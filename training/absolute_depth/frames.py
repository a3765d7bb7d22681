"""Frames with sparse depth: KITTI raw with what ``PrepareKittiDepth`` made of its LiDAR, and simulated drives.

A folder is told by what is in it: ``depth`` and ``image_2`` are a simulated drive (``python -m simulation render D
--ground-truth``), a folder of such folders all of them; else it is the root of KITTI raw.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluation.kitti_frames import read_frames
from training.frame_files import FrameError, drives_with, find_image, read_image

SCALE = 256
"""Codes a metre of depth images, KITTI's and ours."""


@dataclass(frozen=True)
class DepthFrame:
    """An image, the depth of some of its pixels, and where the camera's axis meets it."""

    key: str
    image: Path
    depth: Path  # uint16 PNG, metres x 256, 0 = unknown
    centre: float  # column of the principal point, in pixels of the depth image

    def metres(self) -> NDArray[np.float32]:
        """(H, W), 0 where nothing is known. Raises ``FrameError`` for what is no depth image."""
        codes = cv2.imread(str(self.depth), cv2.IMREAD_UNCHANGED)
        if codes is None or codes.dtype != np.uint16 or codes.ndim != 2:
            raise FrameError(f"{self.depth} {'is no 16-bit depth image' if self.depth.exists() else 'is not there'}")
        return codes.astype(np.float32) / SCALE

    def pixels(self) -> NDArray[np.uint8]:
        """RGB (H, W, 3)."""
        return read_image(self.image)


def depth_frames(data: Path, names: Path | None = None, depth: Path | None = None) -> list[DepthFrame]:
    """The frames of simulated drives, or of KITTI raw as a list and the folder of prepared depth have them.

    Frames that the preparation found no scan for are left out. Raises ``ValueError`` where something is missing.
    """
    if drives := drives_with(data, "depth"):
        if names is not None or depth is not None:
            raise FrameError(f"{data} is a simulated drive, which needs neither a list nor prepared depth")
        frames = [frame for drive, prefix in drives for frame in _simulated(drive, prefix)]
    elif names is None or depth is None:
        raise FrameError(
            f"{data} is no simulated drive; for KITTI raw give a list of frames, and the folder that PrepareKittiDepth "
            "wrote"
        )
    else:
        frames = _prepared(data, names, depth)
    if not frames:
        raise FrameError(f"{data} has no frames with depth")
    missing = [path for frame in frames for path in (frame.image, frame.depth) if not path.exists()]
    if missing:
        raise FrameError(f"{data} lacks {len(missing)} files of {len(frames)} frames, the first {missing[0]}")
    return frames


def _simulated(drive: Path, prefix: str) -> list[DepthFrame]:
    centre = _centre(drive / "calib.txt")
    found = sorted((drive / "depth").glob("*.png"))
    return [DepthFrame(prefix + path.stem, drive / "image_2" / path.name, path, centre) for path in found]


def _centre(path: Path) -> float:
    """The column of the principal point in a drive's calibration."""
    try:
        rows = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
        return float(np.array(rows["P2"].split(), float).reshape(3, 4)[0, 2])
    except (OSError, KeyError, ValueError) as error:
        raise FrameError(f"{path} has no row P2: of twelve numbers ({error})") from None


def _prepared(raw: Path, names: Path, depth: Path) -> list[DepthFrame]:
    cameras: dict[tuple[str, ...], tuple[float, set[str]]] = {}
    found = []
    for frame in read_frames(names):
        folder = depth / frame.date / frame.drive / frame.camera
        key = (frame.date, frame.drive, frame.camera)
        if key not in cameras:
            cameras[key] = _read_record(folder)
        centre, without = cameras[key]
        path = folder / f"{frame.frame}.png"
        if path.exists() or frame.frame not in without:
            image = find_image(raw / frame.date / frame.drive / frame.camera / "data" / frame.frame)
            found.append(DepthFrame("-".join((frame.drive, frame.camera, frame.frame)), image, path, centre))
    return found


def _read_record(folder: Path) -> tuple[float, set[str]]:
    """The principal point's column, and the frames without a scan, of all records of a camera of a drive."""
    records = sorted(folder.glob("prepared-*.json"))
    if not records:
        raise FrameError(f"{folder} has no prepared-*.json; run PrepareKittiDepth with this list of frames")
    try:
        read = [json.loads(path.read_text()) for path in records]
        return float(read[0]["principal_point"][0]), {name for record in read for name in record["without_scan"]}
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise FrameError(f"{records[0]} is no record of PrepareKittiDepth: {error!r}; prepare the drive anew") from None
