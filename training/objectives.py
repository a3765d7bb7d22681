"""What training minimises: the distance of predicted percentiles from the labels.

Every objective takes ``prediction`` (N, H, W) ``float32``, ``truth`` of that shape in [0, 1], ``weight`` of that shape
(0 where there is no label, else 1 or the label's confidence) and ``noise`` (N,) ``int64``, and gives one number an
image, (N,) ``float32``. The loss of a batch is the mean over its images, each of equal weight: then it is the same
however the batch is split over devices. An image without labels gives 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from training.input import Example
from training.models.dropout import words


@dataclass(frozen=True)
class ObjectiveParameters:
    """Which objective."""

    name: Literal["l1", "ordinal", "scale_invariant"] = "l1"
    """what the error of a frame is: of each pixel, of the order of pairs of pixels, or of depth up to a scale"""
    confidence: bool = False
    """weigh each pixel by the confidence of its label"""
    pairs: int = 3000
    """pairs of pixels drawn in an image, ordinal"""
    margin: float = 0.02
    """pairs whose labels differ by less count as equal, ordinal"""
    sharpness: float = 10.0
    """factor on differences of percentiles, which span but 1, ordinal"""
    variance_share: float = 0.5
    """lambda of the scale-invariant error: 0 is plain squared error, 1 forgets the scale"""


Objective = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
Losses = Callable[[Callable[..., Any], Any, Tensor], Tensor]
"""From the network's forward pass, rows of an example, and their noise numbers to a loss for each row, (n,)."""


def losses(parameters: ObjectiveParameters) -> Losses:
    """The objective over networks and examples of ``training.input``."""
    compare = objective(parameters)

    def rows(forward: Callable[..., Tensor], example: Example, noise: Tensor) -> Tensor:
        weight = example.valid.to(torch.float32)
        if parameters.confidence:
            assert example.confidence is not None, "the configuration asks for confidence"
            weight = weight * example.confidence
        return compare(forward(example.images, noise).float(), example.z, weight, noise)

    return rows


def objective(parameters: ObjectiveParameters) -> Objective:
    """The objective that the parameters name."""
    if parameters.name == "l1":
        return l1
    if parameters.name == "scale_invariant":
        return lambda prediction, truth, weight, noise: scale_invariant(
            prediction, truth, weight, parameters.variance_share
        )
    return lambda prediction, truth, weight, noise: ordinal(prediction, truth, weight, noise, parameters)


def l1(prediction: Tensor, truth: Tensor, weight: Tensor, noise: Tensor | None = None) -> Tensor:
    """Weighted mean of |p - z| over valid pixels: the objective of Jiang et al., ECCV 2018, section 4.1."""
    return _mean((prediction - truth).abs(), weight)


def scale_invariant(prediction: Tensor, truth: Tensor, weight: Tensor, variance_share: float) -> Tensor:
    """With d = log p - log z: mean d^2 - lambda (mean d)^2 (Eigen et al., NIPS 2014, eq. 4).

    Predictions are held above 1/510, the least label, where the logarithm would run off.
    """
    floor = 0.5 / 255
    difference = prediction.clamp_min(floor).log() - truth.clamp_min(floor).log()
    return _mean(difference**2, weight) - variance_share * _mean(difference, weight) ** 2


def ordinal(
    prediction: Tensor, truth: Tensor, weight: Tensor, noise: Tensor, parameters: ObjectiveParameters
) -> Tensor:
    """The ranking loss of Chen et al., NIPS 2016, eq. 2, over pairs of pixels drawn by the samples' noise numbers.

    log(1 + exp(-r s (p_i - p_j))) where the label orders the pair (r = 1 if i is farther, else -1), (s (p_i - p_j))^2
    where it calls them equal; s is ``sharpness``. A pair weighs as its less trusted pixel.
    """
    pixels = prediction[0].numel()
    pairs = words(noise, 2 * parameters.pairs, stream=100).remainder(pixels).view(len(prediction), 2, -1)
    first, second = pairs[:, 0], pairs[:, 1]

    def apart(values: Tensor) -> Tensor:
        flat = values.flatten(1)
        return flat.gather(1, first) - flat.gather(1, second)

    predicted, true = parameters.sharpness * apart(prediction), apart(truth)
    flat = weight.flatten(1)
    trust = torch.minimum(flat.gather(1, first), flat.gather(1, second))
    ordered = functional.softplus(-true.sign() * predicted)
    return _mean(torch.where(true.abs() < parameters.margin, predicted**2, ordered), trust)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """(N,) weighted means of each image; 0 where nothing has weight."""
    values, weight = values.flatten(1), weight.flatten(1)
    total = weight.sum(1)
    # an image without labels has no gradient: 0 / 1
    return (torch.where(weight > 0, values, 0) * weight).sum(1) / torch.where(total > 0, total, 1)
