"""The losses of MultiNet (MODELS 4.1), one number an image: the loss of a batch is the mean over its images."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.models.fastbox import Cars

BOX_WEIGHT, CHANGE_WEIGHT, BOX_CHANGE_WEIGHT = 0.1, 0.1, 0.03
"""Of the boxes' loss, of both losses of the second look, and of that of its boxes once more."""
NEAR = 0.2
"""Widths and heights between centres of a first look that is right."""
LARGEST_SQUARE = 100.0
"""Square pixels at which the error of a corrected box stops to count."""
FLOOR = 1e-9
"""Added to probabilities before their logarithm."""


@dataclass
class CarTargets:
    """``Targets`` of N images."""

    box: Tensor  # float32 (N, R, C, 4)
    positive: Tensor  # bool (N, R, C)
    mask: Tensor  # bool (N, R, C)


@dataclass
class CarLosses:
    """The four losses of FastBox, each (N,) and weighted as it enters the sum."""

    confidence: Tensor
    box: Tensor
    confidence_change: Tensor
    box_change: Tensor

    def sum(self) -> Tensor:
        """(N,) what is minimised."""
        return self.confidence + self.box + self.confidence_change + self.box_change


def road_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """(N,) means over all pixels of -log(softmax + 1e-9) of the true class.

    ``scores`` (N, 2, H, W); ``labels`` (N, H, W) ``int64``: 0 background, 1 road, 2 neither, which adds nothing but
    counts in the mean.
    """
    probability = torch.softmax(scores, dim=1)
    true = probability.gather(1, labels.clamp(max=1)[:, None])[:, 0]
    return torch.where(labels < 2, -(true + FLOOR).log(), 0).mean(dim=(1, 2))


def car_losses(cars: Cars, truth: CarTargets) -> CarLosses:
    """Confidence and box of both looks. A second look's confidence is for boxes whose first look is near the truth."""
    cells = truth.positive[0].numel()
    positive = truth.positive[..., None]
    distance = (truth.box[..., :2] - cars.box[..., :2]) / truth.box[..., 2:].clamp_min(1)
    near = truth.positive & ((distance**2).sum(-1) < NEAR**2)
    off = (truth.box - cars.box).abs() * positive
    square = ((truth.box - cars.final_box) ** 2 * positive).clamp(max=LARGEST_SQUARE)
    return CarLosses(
        _cross_entropy(cars.scores, truth.positive, truth.mask) / cells,
        off.sum(dim=(1, 2, 3)) / cells * BOX_WEIGHT,
        _cross_entropy(cars.final_scores, near, truth.mask) / cells * CHANGE_WEIGHT,
        square.sum(dim=(1, 2, 3)) / cells * CHANGE_WEIGHT * BOX_CHANGE_WEIGHT,
    )


def _cross_entropy(scores: Tensor, car: Tensor, mask: Tensor) -> Tensor:
    """(N,) sums over the cells that count."""
    entropy = functional.cross_entropy(scores.permute(0, 3, 1, 2), car.long(), reduction="none")
    return (entropy * mask).sum(dim=(1, 2))
