"""Errors of metric depth on the Eigen split, and how its benchmarks differ (EVALUATION 3.6).

Pixels count where the ground truth lies strictly between ``minimum`` and ``maximum``, in the crop. There the prediction
is scaled, where medians are, then clamped to that range. Means are taken per image, then over images.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from itertools import zip_longest
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Crop = Literal["garg", "eigen"]
CROPS: dict[str, tuple[float, float, float, float]] = {
    "garg": (0.40810811, 0.99189189, 0.03594771, 0.96405229),
    "eigen": (0.3324324, 0.91351351, 0.0359477, 0.96405229),
}
"""First and last row over the height, first and last column over the width."""
THRESHOLD = 1.25


@dataclass(frozen=True)
class Scores:
    """Scores of an image, or means over images."""

    abs_rel: float  # mean |g - p| / g
    sq_rel: float  # mean (g - p)^2 / g, metres
    rmse: float  # metres
    rmse_log: float  # natural logarithm
    delta1: float  # share with max(g / p, p / g) < 1.25
    delta2: float  # ... < 1.25^2
    delta3: float  # ... < 1.25^3
    silog: float  # 100 sqrt(E[d^2] - E[d]^2), d = ln p - ln g: KITTI's, also ZoeDepth's, AdaBins' and DINOv3's
    silog_half: float  # sqrt(E[d^2] - E[d]^2 / 2): that of Depth Anything V2 and mmsegmentation


@dataclass(frozen=True)
class Rule:
    """Which pixels count, and what is done to the prediction there."""

    crop: Crop | None = "garg"
    median_scaling: bool = False  # multiply the prediction by the ratio of the medians over the pixels that count
    minimum: float = 1e-3  # metres
    maximum: float = 80.0
    nan_as_minimum: bool = False  # the mend of ZoeDepth and AdaBins; elsewhere what is no number is refused
    all_truth: bool = False  # truth beyond the range counts too: monodepth2 on improved ground truth


def score(
    ground_truth: Iterable[NDArray[np.floating]],
    prediction: Iterable[NDArray[np.floating]],
    crop: Crop | None = "garg",
    median_scaling: bool = False,
    minimum: float = 1e-3,
    maximum: float = 80.0,
    nan_as_minimum: bool = False,
) -> Scores:
    """Means over a stream of images, taken one at a time; sizes may differ from image to image.

    ``ground_truth`` and ``prediction`` give depth in metres (H, W), 0 where the truth knows none; the rest is that of
    ``Rule``. Raises ``ValueError`` as ``score_image`` does, naming the image, and where the streams differ in length.
    """
    rule = Rule(crop, median_scaling, minimum, maximum, nan_as_minimum)
    scores = []
    for number, (truth, predicted) in enumerate(zip_longest(ground_truth, prediction)):
        if truth is None or predicted is None:
            raise ValueError(f"ground truth and predictions differ in number; one ends after {number} images")
        try:
            scores.append(score_image(truth, predicted, rule))
        except ValueError as error:
            raise ValueError(f"image {number}: {error}") from None
    return mean(scores)


def score_image(truth: NDArray[np.floating], predicted: NDArray[np.floating], rule: Rule) -> Scores:
    """Scores of one image, (H, W) both, metres.

    Raises ``ValueError`` for a rule that cannot be, for sizes that differ, where no pixel counts, and where the
    prediction is no number or cannot be scaled.
    """
    if not 0 < rule.minimum < rule.maximum:
        raise ValueError(f"a range of {rule.minimum} to {rule.maximum} m; give a positive minimum below the maximum")
    if truth.ndim != 2 or truth.shape != predicted.shape:
        raise ValueError(f"the prediction has shape {predicted.shape}, the ground truth {truth.shape}; resize it")
    kept = cropped(truth.shape, rule.crop)
    g, p = (depth[kept].astype(np.float64) for depth in (truth, predicted))
    counts = (g > 0) if rule.all_truth else (g > rule.minimum) & (g < rule.maximum)
    if not counts.any():
        raise ValueError(f"no ground truth between {rule.minimum} and {rule.maximum} m in the crop ({rule.crop})")
    g, p = g[counts], p[counts]
    if rule.nan_as_minimum:
        p = np.where(np.isnan(p), rule.minimum, p)
    if np.isnan(p).any():
        raise ValueError(f"the prediction is not a number at {np.isnan(p).sum()} of {len(p)} pixels with ground truth")
    return _errors(g, np.clip(p * _median_ratio(g, p) if rule.median_scaling else p, rule.minimum, rule.maximum))


def cropped(shape: tuple[int, ...], crop: Crop | None) -> tuple[slice, slice]:
    """Rows and columns that a crop keeps of an image of that shape, truncated to whole pixels."""
    if crop is None:
        return slice(None), slice(None)
    if crop not in CROPS:
        raise ValueError(f"{crop} is no crop; give one of {', '.join(CROPS)}, or none")
    top, bottom, left, right = CROPS[crop]
    height, width = shape
    return slice(int(top * height), int(bottom * height)), slice(int(left * width), int(right * width))


def mean(scores: list[Scores]) -> Scores:
    """Means over images. Raises ``ValueError`` of none."""
    if not scores:
        raise ValueError("there are no images to score")
    return Scores(*(float(np.mean(column)) for column in zip(*map(astuple, scores))))


def _median_ratio(g: NDArray[np.float64], p: NDArray[np.float64]) -> float:
    median = float(np.median(p))
    if not 0 < median < np.inf:
        raise ValueError(f"the median of the prediction is {median}; medians scale what is positive and finite")
    return float(np.median(g)) / median


def _errors(g: NDArray[np.float64], p: NDArray[np.float64]) -> Scores:
    error, ratio = g - p, np.maximum(g / p, p / g)
    logarithm = np.log(p) - np.log(g)
    square, bias = float((logarithm**2).mean()), float(logarithm.mean()) ** 2
    return Scores(
        abs_rel=float((np.abs(error) / g).mean()),
        sq_rel=float((error**2 / g).mean()),
        rmse=float(np.sqrt((error**2).mean())),
        rmse_log=float(np.sqrt(square)),
        delta1=float((ratio < THRESHOLD).mean()),
        delta2=float((ratio < THRESHOLD**2).mean()),
        delta3=float((ratio < THRESHOLD**3).mean()),
        silog=100 * float(np.sqrt(max(square - bias, 0.0))),  # rounding may fall below 0
        silog_half=float(np.sqrt(square - bias / 2)),
    )
