"""What pre-training learns from the shards: depth, and controls that a gain from depth must be compared with.

``shuffled_depth`` gives each frame the label of another: all that can be learned from depth without looking. ``image``
is autoencoding: the frame itself, through the narrow features. ``colour`` is colorisation: chroma from a grey frame
(Larsson et al., ECCV 2016, who predict histograms; here, as for depth, a value by L1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training import windows
from training.input import AugmentationParameters, flip, jitter
from training.loader import Batch
from training.objectives import Losses
from training.shard_order import PARTNERS, random_bits
from training.windows import Windows

PICTURES = {"colour": 2, "image": 3}
"""Pretexts whose truth is made of the frame, and how many channels it has."""


@dataclass(frozen=True)
class PretextParameters:
    """What is learned; all but depth are controls."""

    name: Literal["depth", "shuffled_depth", "colour", "image"] = "depth"
    """depth: the label; shuffled_depth: that of another sample; colour: of a grey frame; image: the frame itself"""
    seed: int = 0
    """of who gets whose label, shuffled_depth"""


@dataclass
class PictureExample:
    """What a step of a picture pretext trains on."""

    images: Tensor  # float32 (N, 3, H, W), what the network sees
    truth: Tensor  # float32 (N, C, H, W) in [0, 1]
    present: Tensor  # float32 (N,), 0 for rows without a sample
    keys: list[str]

    def part(self, rows: slice) -> "PictureExample":
        """Some of the rows."""
        return PictureExample(self.images[rows], self.truth[rows], self.present[rows], self.keys[rows])


def partners(count: int, seed: int) -> NDArray[np.int64]:
    """(``count``,) the sample whose label each sample gets: one cycle through all, so that none keeps its own."""
    order = np.argsort(random_bits(seed, PARTNERS, np.arange(count)), kind="stable")
    found = np.empty(count, np.int64)
    found[order] = np.roll(order, -1)
    return found


def prepare(
    batch: Batch,
    device: torch.device,
    augmentation: AugmentationParameters | None,
    name: str,
    cut: Windows | None = None,
) -> PictureExample:
    """The frames on a device, cut and augmented as those of depth are, see ``training.input``."""
    images = batch.images.to(device, non_blocking=True).float().div_(255)
    draws = batch.draws.to(device, non_blocking=True)
    if cut is not None:
        images = windows.shown(images, cut.places(draws))
    if augmentation is not None:
        images = flip(images, draws[:, 0] < augmentation.flip)
        images = jitter(images, 2 * draws[:, 1:5] - 1, augmentation)
    present = torch.tensor([float(bool(key)) for key in batch.keys], device=device)
    if name == "image":
        return PictureExample(images, images, present, batch.keys)
    luma, chroma = split_colour(images)
    return PictureExample(luma.expand(-1, 3, -1, -1), chroma, present, batch.keys)


def split_colour(images: Tensor) -> tuple[Tensor, Tensor]:
    """RGB (N, 3, H, W) in [0, 1] to luma (N, 1, H, W) and chroma (N, 2, H, W), blue and red, grey .5 (ITU-R BT.601)."""
    red, green, blue = images.split(1, dim=1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return luma, torch.cat([0.5 + 0.5 * (blue - luma) / (1 - 0.114), 0.5 + 0.5 * (red - luma) / (1 - 0.299)], dim=1)


def losses() -> Losses:
    """Mean absolute difference from the truth over pixels and channels, (n,)."""

    def rows(forward: Callable[..., Tensor], example: PictureExample, noise: Tensor) -> Tensor:
        return distance(forward(example.images, noise), example)

    return rows


def distance(predicted: Tensor, example: PictureExample) -> Tensor:
    """(N,) mean absolute difference; 0 for rows without a sample."""
    return (predicted.float() - example.truth).abs().flatten(1).mean(1) * example.present
