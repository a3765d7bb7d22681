"""What MultiNet trains on: rows of a road frame and frames with cars, as the network gets them.

A row is a joint step of the reference: one road frame at its own size, and several frames with cars, drawn from two
sets of images. Which frames a row has follows from its number alone, counted over all epochs.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.models.fastbox import CELL
from training.multinet.annotations import Targets
from training.multinet.data import MultiNetData
from training.multinet.examples import DRAWS, car_example, road_example
from training.multinet.frames import NEITHER, CarFrame, RoadFrame
from training.multinet.losses import CarTargets
from training.shard_order import random_bits, uniform

ROAD_ORDER, CAR_ORDER, ROAD_LOOK, CAR_LOOK = 11, 12, 13, 14
"""What random numbers are for; each has its own stream."""


@dataclass
class Row:
    """Images ``uint8`` RGB; none, (0, 3, 32, 32), of a set that the network has no decoder for."""

    road: Tensor  # (1, 3, H, W)
    labels: Tensor  # uint8 (1, H, W), as ``RoadFrame.labels``
    cars: Tensor  # (N, 3, h, w)
    truth: CarTargets


@dataclass
class RowBatch:
    """A rank's part of a step; a row without a sample has key "" and nothing to learn."""

    rows: list[Row]
    keys: list[str]


class Rows:
    """Makes rows of two sets of frames; ``road`` or ``cars`` is empty where there is no decoder for it."""

    def __init__(self, data: MultiNetData, road: list[RoadFrame], cars: list[CarFrame], seed: int) -> None:
        self.data, self.road, self.cars, self.seed = data, road, cars, seed

    def __len__(self) -> int:
        """Rows of an epoch: each road frame as it is and flipped; without road, each frame with cars once."""
        return 2 * len(self.road) if self.road else -(-len(self.cars) // self.data.cars_per_row)

    def batch(self, epoch: int, numbers: NDArray[np.int64], rows: int) -> RowBatch:
        """See ``frame_loader.Make``."""
        made = [self.row(epoch * len(self) + int(number)) for number in numbers]
        made += [(self._nothing(), "")] * (rows - len(made))
        return RowBatch([row for row, _ in made], [key for _, key in made])

    def row(self, number: int) -> tuple[Row, str]:
        """A row and its key."""
        row, keys = self._nothing(), []
        if self.road:
            row.road, row.labels, key = self._road_frame(number)
            keys.append(key)
        if self.cars:
            row.cars, row.truth, more = self._car_frames(number)
            keys += more
        return row, "+".join(keys)

    def _road_frame(self, number: int) -> tuple[Tensor, Tensor, str]:
        """Each frame of an epoch comes twice in a row, as it is and flipped."""
        frame, mirrored = self.road[nth(len(self.road), self.seed, ROAD_ORDER, number // 2)], number % 2 == 1
        draws = uniform(self.seed, ROAD_LOOK, number, np.arange(DRAWS))
        image, labels = road_example(frame, self.data.road_size, self.data.augmentation, draws, mirrored)
        key = frame.key + "-flipped" * mirrored
        return _channels_first([image]), torch.from_numpy(labels)[None], key

    def _car_frames(self, number: int) -> tuple[Tensor, CarTargets, list[str]]:
        count = self.data.cars_per_row
        images, found, keys = [], [], []
        for place in range(number * count, (number + 1) * count):
            frame = self.cars[nth(len(self.cars), self.seed, CAR_ORDER, place)]
            draws = uniform(self.seed, CAR_LOOK, place, np.arange(DRAWS))
            image, truth = car_example(frame, self.data.car_size, self.data.augmentation, draws)
            images.append(image)
            found.append(truth)
            keys.append(frame.key)
        return _channels_first(images), stacked(found), keys

    def _nothing(self) -> Row:
        """Images that teach nothing, of the sets that there are decoders for."""
        rows, columns = self.data.car_height // CELL, self.data.car_width // CELL
        cars = self.data.cars_per_row if self.cars else 0
        grid = cars, rows, columns
        truth = CarTargets(
            torch.zeros(*grid, 4), torch.zeros(grid, dtype=torch.bool), torch.zeros(grid, dtype=torch.bool)
        )
        road = torch.zeros(1 if self.road else 0, 3, CELL, CELL, dtype=torch.uint8)
        labels = torch.full((len(road), CELL, CELL), NEITHER, dtype=torch.uint8)
        return Row(road, labels, torch.zeros(cars, 3, *self.data.car_size, dtype=torch.uint8), truth)


def nth(count: int, seed: int, purpose: int, place: int) -> int:
    """The frame, of ``count``, at a place of an endless order: each epoch of it is a shuffle of its own.

    ``purpose`` keeps the orders of several sets of frames apart.
    """
    epoch, within = divmod(place, count)
    return int(np.argsort(random_bits(seed, epoch, purpose, np.arange(count)), kind="stable")[within])


def stacked(found: list[Targets]) -> CarTargets:
    """The targets of several images."""
    return CarTargets(
        *(torch.from_numpy(np.stack([getattr(t, n) for t in found])) for n in ("box", "positive", "mask"))
    )


def _channels_first(images: list[NDArray[np.uint8]]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2)))
