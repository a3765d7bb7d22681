"""Batches of crops of labelled images, and whole images to validate on."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.classes import VOID
from training.frame_loader import FrameLoader, FrameLoaderParameters
from training.segmentation.images import Pair, crop, read, scaled
from training.segmentation.layouts import LabelledImage, LabelledImages
from training.shard_order import AUGMENTATION, uniform

DRAWS = 7
"""Random numbers that a sample gets: flip, four of the jitter, the place of its crop."""


@dataclass(frozen=True)
class CropParameters:
    """What the network is trained on; it is validated on whole images of this scale."""

    height: int = 512
    """pixels, after scaling"""
    width: int = 512
    """pixels"""
    scale: float = 1.0
    """factor on the size of images before they are cropped"""


@dataclass
class CropBatch:
    """A rank's part of a step: N rows; those without a sample have key "" and are void."""

    images: torch.Tensor  # uint8 (N, 3, H, W) RGB, channels_last
    labels: torch.Tensor  # uint8 (N, H, W) training ids
    draws: torch.Tensor  # float32 (N, DRAWS) in [0, 1): each sample's own random numbers in this epoch
    keys: list[str]

    def pin_memory(self) -> "CropBatch":
        """The batch in page-locked memory; torch calls this."""
        return CropBatch(self.images.pin_memory(), self.labels.pin_memory(), self.draws.pin_memory(), self.keys)


class Crops:
    """Makes batches of random crops; see ``frame_loader.Make``."""

    def __init__(self, data: LabelledImages, crops: CropParameters, seed: int) -> None:
        self.data, self.crops, self.seed = data, crops, seed

    def __call__(self, epoch: int, numbers: NDArray[np.int64], rows: int) -> CropBatch:
        """Raises ``FrameError`` that names a file that cannot be used."""
        height, width = self.crops.height, self.crops.width
        images = torch.zeros(rows, height, width, 3, dtype=torch.uint8)
        labels = torch.full((rows, height, width), VOID, dtype=torch.uint8)
        draws, keys = torch.zeros(rows, DRAWS), [""] * rows
        found = uniform(self.seed, epoch, AUGMENTATION, numbers[:, None], np.arange(DRAWS))
        draws[: len(numbers)] = torch.from_numpy(found.astype(np.float32))
        for row, number in enumerate(numbers):
            labelled = self.data.images[number]
            frame, label = self._crop(labelled, found[row])
            images[row], labels[row] = torch.from_numpy(frame.copy()), torch.from_numpy(label.copy())
            keys[row] = labelled.key
        return CropBatch(images.permute(0, 3, 1, 2), labels, draws, keys)

    def _crop(self, labelled: LabelledImage, draws: NDArray[np.float64]) -> Pair:
        pair = scaled(read(labelled, self.data.layout), self.crops.scale)
        return crop(pair, (self.crops.height, self.crops.width), (draws[-2], draws[-1]), labelled.image)


def whole_images(
    data: LabelledImages, limit: int, parameters: FrameLoaderParameters, rank: int, size: int
) -> FrameLoader[list[Pair]]:
    """The first ``limit`` images at their full size, every ``size``-th from ``rank`` on, one in a batch or none."""

    def make(epoch: int, numbers: NDArray[np.int64], rows: int) -> list[Pair]:
        return [read(data.images[number], data.layout) for number in numbers]

    one = FrameLoaderParameters(size, parameters.workers, parameters.prefetch)
    return FrameLoader(make, min(limit, len(data.images)), one, data.fingerprint, 0, (rank, size), shuffle=False)
