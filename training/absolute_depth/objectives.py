"""What a network of metres minimises, over the pixels that a LiDAR point falls on.

Every objective takes ``prediction`` and ``truth`` (N, H, W) in metres, ``truth`` 0 where nothing is known, and gives a
number an image, (N,); an image without points gives 0.

The paper does not say which it uses. The default is the scale-invariant logarithm: errors are ratios, as those that are
scored (abs_rel, rmse_log, the deltas), so that the many near points and the few far ones count alike. L1 and berHu
count metres: an error of a tenth weighs ten times as much at 50 m as at 5 m.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from training import objectives


@dataclass(frozen=True)
class DepthObjective:
    """Which objective."""

    name: Literal["scale_invariant", "l1", "berhu"] = "scale_invariant"
    """error of logarithms less a share of their mean, of metres, or of metres with large ones squared"""
    variance_share: float = 0.5
    """lambda of the scale-invariant logarithm: 0 is plain squared error, 1 forgets the scale"""
    threshold: float = 0.2
    """of berHu: share of the largest error of an image at which squares begin"""


def objective(parameters: DepthObjective) -> Callable[[Tensor, Tensor], Tensor]:
    """The objective that the parameters name."""

    def measure(prediction: Tensor, truth: Tensor) -> Tensor:
        weight = (truth > 0).to(prediction.dtype)
        if parameters.name == "l1":
            return objectives.l1(prediction, truth, weight)
        if parameters.name == "berhu":
            return berhu(prediction, truth, parameters.threshold)
        return objectives.scale_invariant(prediction, truth, weight, parameters.variance_share)

    return measure


def berhu(prediction: Tensor, truth: Tensor, threshold: float) -> Tensor:
    """|e| up to c, beyond (e^2 + c^2) / 2c; c = ``threshold`` max |e| (Laina et al., 3DV 2016, eq. 1).

    The largest error is that of the image and not of the batch, so that the objective is the same however a batch is
    split.
    """
    weight = (truth > 0).to(prediction.dtype)
    error = (prediction - truth).abs() * weight
    # the threshold is a constant of the loss, not a way to lower it
    c = (threshold * error.detach().amax(dim=(1, 2), keepdim=True)).clamp_min(1e-6)
    value = torch.where(error <= c, error, (error**2 + c**2) / (2 * c))
    return (value * weight).sum(dim=(1, 2)) / weight.sum(dim=(1, 2)).clamp_min(1)
