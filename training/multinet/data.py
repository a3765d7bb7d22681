"""Which frames MultiNet trains on and is validated on, and how it sees them."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.frame_files import validation_folder
from training.models.fastbox import CELL
from training.multinet.drive_split import drive_split
from training.multinet.examples import MultiNetAugmentation
from training.multinet.frames import CarFrame, RoadFrame, car_frames, road_frames
from training.subset import SubsetParameters, chosen


@dataclass(frozen=True)
class FrameSet:
    """Frames of one kind; folders are below ``--data``."""

    folder: str = "."
    """root of the benchmark, of a simulated drive, or of several"""
    frames: str | None = None
    """CSV list of the frames in it, as data_manifests has them; default: all"""
    validation_folder: str | None = None
    """root of the frames for validation; default: ``folder``"""
    validation_frames: str | None = None
    """CSV list of those"""
    mapping: str | None = None
    """the object devkit's mapping folder, in place of lists: split by drives"""


@dataclass(frozen=True)
class MultiNetData:
    """The two sets of frames."""

    road: FrameSet = field(default_factory=FrameSet)
    cars: FrameSet = field(default_factory=FrameSet)
    cars_per_row: int = 5
    """frames with cars that go with each road frame"""
    road_height: int | None = None
    """pixels; default: as high as the file"""
    road_width: int | None = None
    """pixels; default: as wide as the file"""
    car_height: int = 384
    """pixels, a multiple of 32"""
    car_width: int = 1248
    """pixels, a multiple of 32"""
    augmentation: MultiNetAugmentation = field(default_factory=MultiNetAugmentation)

    @property
    def road_size(self) -> tuple[int, int] | None:
        """Height and width of road frames, or None for their own."""
        return (self.road_height, self.road_width) if self.road_height and self.road_width else None

    @property
    def car_size(self) -> tuple[int, int]:
        """Height and width of frames with cars."""
        return self.car_height, self.car_width

    def check(self) -> None:
        """Raise ``ValueError`` for sizes that cannot be."""
        if self.cars_per_row < 1:
            raise ValueError(f"dataset.cars_per_row must be positive, not {self.cars_per_row}")
        if (self.road_height is None) != (self.road_width is None):
            raise ValueError("dataset: give both road_height and road_width, or neither")
        if any(side < CELL or side % CELL for side in self.car_size):
            size = f"{self.car_height}x{self.car_width}"
            raise ValueError(f"dataset: car_height and car_width must be multiples of 32, not {size}")
        if self.road.mapping:
            raise ValueError("dataset.road.mapping: the mapping is of the object benchmark; give it for dataset.cars")


@dataclass(frozen=True)
class Split:
    """Frames for one purpose; none of a kind that the network has no decoder for."""

    road: list[RoadFrame]
    cars: list[CarFrame]


def open_split(root: Path, data: MultiNetData, heads: str, subset: SubsetParameters, validation: bool) -> Split:
    """The frames for training, or those for validation, of which there is no subset.

    Raises ``ValueError`` where a file is missing or wrong, or nothing keeps the two purposes apart.
    """
    road = road_frames(*_place(root, data.road, "road", validation)) if heads != "cars" else []
    cars = _cars(root, data.cars, validation) if heads != "road" else []
    if not validation:
        road, cars = ([frames[number] for number in _kept(frames, subset)] for frames in (road, cars))
    return Split(road, cars)


def _cars(root: Path, frames: FrameSet, validation: bool) -> list[CarFrame]:
    if frames.mapping is None:
        return car_frames(*_place(root, frames, "cars", validation))
    train, held_out = drive_split(Path(frames.mapping))
    wanted = set(held_out if validation else train)
    return [frame for frame in car_frames(root / frames.folder) if frame.key in wanted]


def _place(root: Path, frames: FrameSet, name: str, validation: bool) -> tuple[Path, Path | None]:
    folder, listed = frames.folder, frames.frames
    if validation:
        listed = frames.validation_frames
        folder = validation_folder(f"dataset.{name}", frames.validation_folder, listed, frames.folder)
    return root / folder, Path(listed) if listed else None


def _kept(frames: list[RoadFrame] | list[CarFrame], subset: SubsetParameters) -> NDArray[np.int64]:
    return chosen(len(frames), subset) if frames else np.empty(0, np.int64)
