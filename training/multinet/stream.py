"""Which frames a step of MultiNet trains on, and their examples."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.frame_stream import FrameStream, nth
from training.multinet.examples import DRAWS, MultiNetAugmentation, car_example, road_example
from training.multinet.frames import CarFrame, RoadFrame, car_frames, road_frames
from training.multinet.losses import CarTargets
from training.shard_order import uniform

ROAD_ORDER, CAR_ORDER, ROAD_LOOK, CAR_LOOK = 11, 12, 13, 14
"""What random numbers are for; each has its own stream."""


@dataclass(frozen=True)
class FrameSet:
    """Frames of one kind: a folder, and which of its frames."""

    data: str | None = None  # folder of the benchmark, of a simulated drive, or of several
    frames: str | None = None  # CSV list of the frames in it, as data_manifests has them; default: all
    validation_data: str | None = None  # folder of the frames for validation; default: ``data``
    validation_frames: str | None = None  # CSV list of those


@dataclass(frozen=True)
class MultiNetData:
    """What MultiNet trains on, and how it sees it."""

    road: FrameSet = field(default_factory=FrameSet)
    cars: FrameSet = field(default_factory=FrameSet)
    road_batch: int = 1  # road frames in a step
    car_batch: int = 5  # frames with cars in a step
    road_height: int | None = None  # pixels; default: as large as the file
    road_width: int | None = None
    car_height: int = 384  # pixels, multiples of 32
    car_width: int = 1248
    workers: int = 2  # processes that read and augment; 0: the trainer itself
    prefetch: int = 4  # steps that each worker prepares ahead
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
        for name in ("road_batch", "car_batch", "prefetch"):
            if getattr(self, name) < 1:
                raise ValueError(f"multinet_data.{name} must be positive, not {getattr(self, name)}")
        if (self.road_height is None) != (self.road_width is None):
            raise ValueError("multinet_data: give both road_height and road_width, or neither")
        if any(side < 32 or side % 32 for side in self.car_size):
            size = f"{self.car_height}x{self.car_width}"
            raise ValueError(f"multinet_data: car_height and car_width must be multiples of 32, not {size}")


@dataclass
class RoadImage:
    """A road frame as the network gets it."""

    image: Tensor  # uint8 (1, 3, H, W) RGB
    labels: Tensor  # uint8 (1, H, W)
    key: str


@dataclass
class CarImages:
    """Frames with cars as the network gets them."""

    images: Tensor  # uint8 (N, 3, H, W) RGB
    truth: CarTargets
    keys: list[str]


@dataclass
class JointBatch:
    """What a step trains on: road frames one by one, since each has its own size, and frames with cars."""

    road: list[RoadImage]
    cars: CarImages | None


class Stream(FrameStream[JointBatch]):
    """The steps of a run."""

    def __init__(self, data: MultiNetData, road: list[RoadFrame], cars: list[CarFrame], seed: int) -> None:
        """``road`` or ``cars`` is empty where the network does not have that decoder."""
        super().__init__(data.workers, data.prefetch)
        self.data, self.road, self.cars, self.seed = data, road, cars, seed

    def __getitem__(self, step: int) -> JointBatch:
        """The frames of a step."""
        road = (
            [self._road(step * self.data.road_batch + row) for row in range(self.data.road_batch)] if self.road else []
        )
        return JointBatch(road, self._cars(step) if self.cars else None)

    def _road(self, place: int) -> RoadImage:
        """Each frame of an epoch comes twice in a row, as it is and flipped."""
        frame = self.road[nth(len(self.road), self.seed, ROAD_ORDER, place // 2)]
        draws = uniform(self.seed, ROAD_LOOK, place, np.arange(DRAWS))
        image, labels = road_example(frame, self.data.road_size, self.data.augmentation, draws, place % 2 == 1)
        return RoadImage(_channels_first(image)[None], torch.from_numpy(labels)[None], frame.key)

    def _cars(self, step: int) -> CarImages:
        pictures, found, keys = [], [], []
        for place in range(step * self.data.car_batch, (step + 1) * self.data.car_batch):
            frame = self.cars[nth(len(self.cars), self.seed, CAR_ORDER, place)]
            draws = uniform(self.seed, CAR_LOOK, place, np.arange(DRAWS))
            image, own = car_example(frame, self.data.car_size, self.data.augmentation, draws)
            pictures.append(_channels_first(image))
            found.append(own)
            keys.append(frame.key)
        truth = CarTargets(*(_stacked([getattr(t, name) for t in found]) for name in ("box", "positive", "mask")))
        return CarImages(torch.stack(pictures), truth, keys)


def open_frames(data: MultiNetData, heads: str, validation: bool) -> tuple[list[RoadFrame], list[CarFrame]]:
    """The frames that the decoders need, for training or for validation.

    Raises ``ValueError`` where a set is not named, or not as it should be.
    """
    road = road_frames(*_place(data.road, "road", validation)) if heads != "cars" else []
    cars = car_frames(*_place(data.cars, "cars", validation)) if heads != "road" else []
    return road, cars


def _place(frames: FrameSet, name: str, validation: bool) -> tuple[Path, Path | None]:
    folder = frames.validation_data or frames.data if validation else frames.data
    if folder is None:
        raise ValueError(f"multinet_data.{name}.data is not given: a folder of KITTI or of simulated drives")
    listed = frames.validation_frames if validation else frames.frames
    if validation and frames.validation_data is None and listed is None:
        raise ValueError(
            f"multinet_data.{name}: give validation_data or validation_frames, to keep training and validation apart"
        )
    return Path(folder), Path(listed) if listed else None


def _channels_first(image: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))


def _stacked(arrays: list[NDArray[Any]]) -> Tensor:
    return torch.from_numpy(np.stack(arrays))
