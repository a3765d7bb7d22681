"""Road against background as the KITTI road benchmark counts it (EVALUATION 3.5).

Pixels are pooled over images before any ratio is taken. In perspective with the network's own probabilities this is
what KittiSeg, MultiNet and the paper score; with probabilities of 8 bits in bird's-eye view it is the benchmark.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

THRESHOLDS = np.arange(256) / 255
"""A pixel is road where its probability is at least that."""
RECALLS = np.arange(11) * 0.1
"""Where precision is sampled. Its multiples of 0.1 are the benchmark's, rounding and all."""
TINY = 1e-10
"""Added to denominators by the benchmark."""


@dataclass(frozen=True)
class Scores:
    """Scores over all valid pixels, 0 ... 1; NaN where no valid pixel is road."""

    max_f: float  # largest F1 of all thresholds
    average_precision: float  # mean over 11 recalls of the best precision at that recall or any higher
    ceiling: float  # of the average precision, where one pixel of road is below 1/255 (EVALUATION section 0)
    best_threshold: float  # of the largest F1; the figures below are at this threshold
    precision: float
    recall: float
    fpr: float  # share of the background taken for road
    fnr: float  # share of the road missed


class Tally:
    """Counts over a stream of images; ``scores`` of what was added so far."""

    def __init__(self) -> None:
        # pixels by how many thresholds they reach, 0 ... 256
        self.road = np.zeros(len(THRESHOLDS) + 1, np.int64)
        self.background = np.zeros(len(THRESHOLDS) + 1, np.int64)

    def add(
        self, road: NDArray[np.bool_], valid: NDArray[np.bool_], probability: NDArray[np.floating] | NDArray[np.uint8]
    ) -> None:
        """Count an image: where road is, where that is known, and the probability of road, all of one shape.

        Probabilities are 0 ... 1, or ``uint8`` for multiples of 1/255. Raises ``ValueError`` for other probabilities
        of valid pixels and where shapes differ.
        """
        if not road.shape == valid.shape == probability.shape:
            raise ValueError(f"the prediction is {probability.shape}, the ground truth {road.shape}")
        known = valid.astype(bool)
        reached = _reached(probability[known])
        bins = len(THRESHOLDS) + 1
        self.road += np.bincount(reached[road[known].astype(bool)], minlength=bins)
        self.background += np.bincount(reached[~road[known].astype(bool)], minlength=bins)

    def scores(self) -> Scores:
        """Scores of all pixels so far."""
        positives, negatives = int(self.road.sum()), int(self.background.sum())
        if not positives:
            return Scores(*[float("nan")] * 8)
        missed = np.cumsum(self.road)[:-1]  # by threshold: road below it
        alarms = negatives - np.cumsum(self.background)[:-1]
        found = positives - missed
        recall, precision = found / positives, found / (found + alarms + TINY)
        f = 2 * precision * recall / (precision + recall + TINY)
        best = int(f.argmax())
        # the benchmark keeps the counts at the best threshold in single precision
        tp, fn, fp = np.float32(found[best]), np.float32(missed[best]), np.float32(alarms[best])
        tn = np.float32(negatives - alarms[best])
        return Scores(
            max_f=float(f[best]),
            average_precision=float(np.mean([precision[recall >= level].max() for level in RECALLS])),
            ceiling=(10 + positives / (positives + negatives)) / 11,
            best_threshold=float(THRESHOLDS[best]),
            precision=float(tp / (tp + fp)),
            recall=float(tp / (tp + fn)),
            fpr=float(fp / (fp + tn)) if negatives else float("nan"),
            fnr=float(fn / (tp + fn)),
        )


def score(
    road: Iterable[NDArray[np.bool_]],
    valid: Iterable[NDArray[np.bool_]],
    probability: Iterable[NDArray[np.floating] | NDArray[np.uint8]],
) -> Scores:
    """Scores over images, which may differ in size; each argument is an array (N, H, W) or any stream of (H, W).

    Raises ``ValueError`` as ``Tally.add`` does, and where there are not as many of each.
    """
    tally = Tally()
    for image in zip(road, valid, probability, strict=True):
        tally.add(*image)
    return tally.scores()


def quantised(probability: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Probabilities as the benchmark's files hold them: to the nearest 1/255."""
    return np.rint(255 * probability).astype(np.uint8)


def _reached(probability: NDArray[np.floating] | NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many thresholds each probability of a vector reaches."""
    if probability.dtype == np.uint8:
        return probability.astype(np.int64) + 1
    if not np.issubdtype(probability.dtype, np.floating):
        raise ValueError(f"probabilities are 0 ... 1 or uint8, not {probability.dtype}")
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("a probability is not within 0 ... 1; give what softmax or sigmoid returns")
    return np.searchsorted(THRESHOLDS, probability.astype(np.float64), side="right")
