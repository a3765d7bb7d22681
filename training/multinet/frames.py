"""Frames with road or with cars, and the folders they come from: KITTI's road and object benchmarks, simulated drives.

A folder is told by what is in it: ``training/gt_image_2`` the road benchmark, ``training/label_2`` the object
benchmark, ``classes`` and ``label_2`` a drive as ``python -m simulation render D --ground-truth`` writes it. A folder
of such drives is all of them, one after the other.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from training.frame_files import FrameError, drives_with, find_image, read_image
from training.multinet.annotations import Annotation, read_annotations

BACKGROUND, ROAD, NEITHER = 0, 1, 2
"""Labels of the road's pixels; ``NEITHER`` is not scored and adds nothing to the loss."""
SIMULATED_ROAD, SIMULATED_VOID = 3, 11
"""Classes of a simulated drive: the road, and what is burnt into the image."""


Frame = TypeVar("Frame")


@dataclass(frozen=True)
class RoadFrame:
    """An image with road."""

    key: str
    image: Path
    ground_truth: Path
    kind: Literal["kitti", "classes"]  # what the ground truth is: KITTI's colours, or a simulated drive's classes

    def pixels(self) -> NDArray[np.uint8]:
        """RGB (H, W, 3)."""
        return read_image(self.image)

    def labels(self) -> NDArray[np.uint8]:
        """(H, W) of ``BACKGROUND``, ``ROAD`` and ``NEITHER``. Raises ``FrameError`` for what is no ground truth."""
        if self.kind == "classes":
            classes = read_image(self.ground_truth, cv2.IMREAD_UNCHANGED)
            if classes.ndim != 2 or classes.max() > SIMULATED_VOID:
                raise FrameError(f"{self.ground_truth} is no image of classes 0 to {SIMULATED_VOID}")
            road = np.where(classes == SIMULATED_ROAD, ROAD, BACKGROUND)
            return np.where(classes == SIMULATED_VOID, NEITHER, road).astype(np.uint8)
        colours = read_image(self.ground_truth, cv2.IMREAD_COLOR_RGB)
        valid, road = colours[..., 0] > 0, colours[..., 2] > 0
        return np.where(valid, np.where(road, ROAD, BACKGROUND), NEITHER).astype(np.uint8)


@dataclass(frozen=True)
class CarFrame:
    """An image with the boxes in it."""

    key: str
    image: Path
    labels: Path
    annotations: tuple[Annotation, ...]

    def pixels(self) -> NDArray[np.uint8]:
        """RGB (H, W, 3)."""
        return read_image(self.image)


def road_frames(folder: Path, names: Path | None = None) -> list[RoadFrame]:
    """The frames of the road benchmark or of simulated drives; of those in the list ``names`` where it is given.

    The list is CSV with the columns ``image,ground_truth``, relative to the folder. Raises ``FrameError`` where there
    is no such data, or a file of it is missing.
    """
    if (folder / "training" / "gt_image_2").is_dir():
        listed = _listed(names, "image", "ground_truth") if names else _road_pairs(folder)
        frames = [RoadFrame(Path(i).stem, folder / i, folder / truth, "kitti") for i, truth in listed]
    else:
        frames = _of_drives(folder, names, "classes", "training/gt_image_2", _simulated_road)
    _require(folder, frames, [path for frame in frames for path in (frame.image, frame.ground_truth)])
    return frames


def car_frames(folder: Path, names: Path | None = None) -> list[CarFrame]:
    """The frames of the object benchmark or of simulated drives; of those in the list ``names`` where it is given.

    The list is CSV with the column ``image``, such as 000042. Raises ``ValueError`` where there is no such data, a file
    of it is missing, or a label file is wrong.
    """
    labels = folder / "training" / "label_2"
    if labels.is_dir():
        listed = [row[0] for row in _listed(names, "image")] if names else sorted(p.stem for p in labels.glob("*.txt"))
        images = folder / "training" / "image_2"
        frames = [_car_frame(key, images / key, labels / f"{key}.txt", False) for key in map(_plain, listed)]
    else:
        frames = _of_drives(folder, names, "label_2", "training/label_2", _simulated_cars)
    _require(folder, frames, [frame.image for frame in frames])
    return frames


def _road_pairs(folder: Path) -> list[tuple[str, ...]]:
    found = sorted((folder / "training" / "gt_image_2").glob("*_road_*.png"))
    return [
        (f"training/image_2/{path.name.replace('_road_', '_')}", f"training/gt_image_2/{path.name}") for path in found
    ]


def _of_drives(
    folder: Path, names: Path | None, needed: str, benchmark: str, read: Callable[[Path, str], list[Frame]]
) -> list[Frame]:
    drives = drives_with(folder, needed)
    if not drives:
        raise FrameError(
            f"{folder} is no data that is known: it has neither {benchmark}/, nor {needed}/ as a simulated drive has "
            "it (python -m simulation render D --ground-truth), nor folders with that"
        )
    if names is not None:
        raise FrameError(f"{names} is a list for KITTI's benchmarks, but {folder} is a simulated drive; leave it out")
    return [frame for drive, prefix in drives for frame in read(drive, prefix)]


def _simulated_road(drive: Path, prefix: str) -> list[RoadFrame]:
    found = sorted((drive / "classes").glob("*.png"))
    return [RoadFrame(prefix + path.stem, drive / "image_2" / path.name, path, "classes") for path in found]


def _simulated_cars(drive: Path, prefix: str) -> list[CarFrame]:
    found = sorted((drive / "label_2").glob("*.txt"))
    return [_car_frame(prefix + path.stem, drive / "image_2" / path.stem, path, True) for path in found]


def _car_frame(key: str, image: Path, labels: Path, may_be_empty: bool) -> CarFrame:
    return CarFrame(key, find_image(image), labels, read_annotations(labels, may_be_empty))


def _listed(names: Path, *columns: str) -> list[tuple[str, ...]]:
    try:
        with names.open(newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise FrameError(f"{names} cannot be read: {error}") from None
    if not rows or not all(rows[0].get(column) for column in columns):
        raise FrameError(f"{names} is no list of frames: it needs the columns {','.join(columns)} and a row")
    listed = [tuple(row[column] or "" for column in columns) for row in rows]
    for number, row in enumerate(listed, 2):
        if any(not name or Path(name).is_absolute() or ".." in Path(name).parts for name in row):
            raise FrameError(f"{names} line {number}: {','.join(row)} leads out of the folder of the data")
    return listed


def _plain(key: str) -> str:
    return Path(key).stem


def _require(folder: Path, frames: list[RoadFrame] | list[CarFrame], files: list[Path]) -> None:
    if not frames:
        raise FrameError(f"{folder} has no frames")
    missing = [path for path in files if not path.exists()]
    if missing:
        raise FrameError(f"{folder} lacks {len(missing)} of {len(files)} files of its frames, the first {missing[0]}")
