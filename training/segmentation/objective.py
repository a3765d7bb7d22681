"""Cross-entropy of classes, void left out."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from evaluation.classes import VOID
from training.input import AugmentationParameters, flip, jitter
from training.objectives import Losses
from training.segmentation.loader import CropBatch


@dataclass(frozen=True)
class CrossEntropyParameters:
    """The objective of fine-tuning."""

    class_weights: list[float] = field(default_factory=list)
    """factor on the loss of each class, by training id; none: all alike"""


@dataclass
class CropExample:
    """What a step trains on."""

    images: Tensor  # float32 (N, 3, H, W) RGB in [0, 1]
    labels: Tensor  # int64 (N, H, W) training ids
    keys: list[str]  # as in the batch

    def part(self, rows: slice) -> "CropExample":
        """Some of the rows."""
        return CropExample(self.images[rows], self.labels[rows], self.keys[rows])


def prepare(batch: CropBatch, device: torch.device, augmentation: AugmentationParameters) -> CropExample:
    """The batch on a device, flipped and jittered with its own random numbers."""
    images = batch.images.to(device, non_blocking=True).float().div_(255)
    labels = batch.labels.to(device, non_blocking=True)
    draws = batch.draws.to(device, non_blocking=True)
    flipped = draws[:, 0] < augmentation.flip
    images, labels = flip(images, flipped), flip(labels, flipped)
    images = jitter(images, 2 * draws[:, 1:5] - 1, augmentation)
    return CropExample(images, labels.long(), batch.keys)


def losses(parameters: CrossEntropyParameters) -> Losses:
    """``cross_entropy`` over networks and crops."""

    def rows(forward: Callable[..., Tensor], example: CropExample, noise: Tensor) -> Tensor:
        scores = forward(example.images, noise)
        weights = scores.new_tensor(parameters.class_weights) if parameters.class_weights else None
        return cross_entropy(scores, example.labels, weights)

    return rows


def cross_entropy(scores: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """(N,) mean of -w log softmax over the pixels of each image that are not void, w summing to 1; 0 without any.

    ``scores`` (N, C, H, W) ``float32``, ``labels`` (N, H, W) ``int64`` training ids, ``weights`` (C,) of classes.
    """
    each = functional.cross_entropy(scores, labels, weights, ignore_index=VOID, reduction="none").flatten(1)
    valid = labels != VOID
    weight = valid.float() if weights is None else torch.where(valid, weights[torch.where(valid, labels, 0)], 0)
    total = weight.flatten(1).sum(1)
    return each.sum(1) / torch.where(total > 0, total, 1)
