"""A joint step: both sets of images through shared weights, and the sum of what the decoders lose."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from training.multinet.losses import CarTargets, car_losses, road_loss
from training.multinet.rows import RowBatch
from training.objectives import Losses


@dataclass
class JointRow:
    """A ``Row`` on the device: images ``float32`` in [0, 1]."""

    road: Tensor
    labels: Tensor  # int64
    cars: Tensor
    truth: CarTargets


@dataclass
class JointExample:
    """What a step trains on; road frames differ in size, so that rows go through the network one at a time."""

    rows: list[JointRow]
    keys: list[str]

    def part(self, rows: slice) -> "JointExample":
        """Some of the rows."""
        return JointExample(self.rows[rows], self.keys[rows])


def prepare(batch: RowBatch, device: torch.device) -> JointExample:
    """The batch on a device; it is augmented already."""

    def pixels(images: Tensor) -> Tensor:
        return images.to(device, non_blocking=True).float().div_(255)

    rows = []
    for row in batch.rows:
        truth = CarTargets(*(each.to(device) for each in (row.truth.box, row.truth.positive, row.truth.mask)))
        rows.append(JointRow(pixels(row.road), row.labels.to(device).long(), pixels(row.cars), truth))
    return JointExample(rows, batch.keys)


def losses() -> Losses:
    """Road cross-entropy and the four losses of FastBox, unweighted, means over the images of each set."""

    def joint(forward: Callable[..., Any], example: JointExample, noise: Tensor) -> Tensor:
        (row,) = example.rows
        road, cars = forward(row.road, row.cars, noise)
        total = noise.new_zeros(1, dtype=torch.float32)
        if road is not None:
            total = total + road_loss(road, row.labels).mean()
        if cars is not None:
            total = total + car_losses(cars, row.truth).sum().mean()
        return total

    return joint
