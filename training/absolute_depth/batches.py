"""What a network of metres trains on: batches of frames with sparse depth."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.absolute_depth.examples import depth_example
from training.absolute_depth.frames import DepthFrame
from training.input import AugmentationParameters, jitter
from training.shard_order import AUGMENTATION, uniform

DRAWS = 5
"""Random numbers of an example: of its flip, and four of its colours."""


@dataclass
class DepthBatch:
    """A rank's part of a step: N rows; those without a sample have key "" and no depth."""

    images: Tensor  # uint8 (N, 3, H, W) RGB
    metres: Tensor  # float32 (N, H, W), 0 = unknown
    draws: Tensor  # float32 (N, DRAWS) in [0, 1): each sample's own random numbers in this epoch
    keys: list[str]


@dataclass
class DepthExample:
    """What a step trains on."""

    images: Tensor  # float32 (N, 3, H, W) RGB in [0, 1]
    metres: Tensor  # float32 (N, H, W), 0 = unknown
    keys: list[str]

    def part(self, rows: slice) -> "DepthExample":
        """Some of the rows."""
        return DepthExample(self.images[rows], self.metres[rows], self.keys[rows])


@dataclass(frozen=True)
class DepthBatches:
    """Makes batches of frames at ``size`` = (H, W), mirrored with probability ``flip``."""

    frames: list[DepthFrame]
    size: tuple[int, int]
    flip: float
    seed: int

    def batch(self, epoch: int, numbers: NDArray[np.int64], rows: int) -> DepthBatch:
        """See ``frame_loader.Make``."""
        images = np.zeros((rows, *self.size, 3), np.uint8)
        metres = np.zeros((rows, *self.size), np.float32)
        draws = np.zeros((rows, DRAWS), np.float32)
        keys = [""] * rows
        for row, number in enumerate(numbers):
            frame = self.frames[number]
            draws[row] = uniform(self.seed, epoch, AUGMENTATION, int(number), np.arange(DRAWS))
            images[row], metres[row] = depth_example(frame, self.size, bool(draws[row, 0] < self.flip))
            keys[row] = frame.key
        channels_first = torch.from_numpy(images).permute(0, 3, 1, 2)
        return DepthBatch(channels_first, torch.from_numpy(metres), torch.from_numpy(draws), keys)


def prepare(batch: DepthBatch, device: torch.device, augmentation: AugmentationParameters) -> DepthExample:
    """The batch on a device, its colours jittered with its own random numbers."""
    images = batch.images.to(device, non_blocking=True).float().div_(255)
    amounts = 2 * batch.draws.to(device, non_blocking=True)[:, 1:] - 1
    return DepthExample(jitter(images, amounts, augmentation), batch.metres.to(device, non_blocking=True), batch.keys)
