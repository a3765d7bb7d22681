"""How right a predicted order of depths is: mean absolute error, rank correlation, ordinal error.

All take one image's ``prediction`` and ``truth``, arrays of one shape, 0 near ... 1 far, and where the truth is
``valid``, ``bool`` of that shape. With no valid pixel there is nothing to score: NaN.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

PAIRS = 5000
"""Pairs of pixels drawn for the ordinal error of an image: its standard error is below .007."""
MARGIN = 0.02
"""Pairs whose true percentiles differ by less say nothing of the order: labels are off by more than that."""


@dataclass(frozen=True)
class Scores:
    """Scores of one image, or means over images."""

    l1: float  # mean |prediction - truth| over valid pixels
    spearman: float  # rank correlation over valid pixels, -1 ... 1
    ordinal_error: float  # share of pairs in the wrong order, 0 ... 1


def score(
    prediction: NDArray[np.floating], truth: NDArray[np.floating], valid: NDArray[np.bool_], seed: int = 0
) -> Scores:
    """All scores of one image; ``seed`` of the draw of pairs. Raises ``ValueError`` where shapes differ."""
    if not prediction.shape == truth.shape == valid.shape:
        raise ValueError(f"score: shapes differ: {prediction.shape}, {truth.shape}, {valid.shape}")
    predicted, true = prediction[valid].astype(np.float64), truth[valid].astype(np.float64)
    if not len(true):
        return Scores(np.nan, np.nan, np.nan)
    return Scores(
        float(np.abs(predicted - true).mean()), spearman(predicted, true), ordinal_error(predicted, true, seed)
    )


def score_against_depth(
    prediction: NDArray[np.floating], predicted: NDArray[np.bool_], depth: NDArray[np.floating], seed: int = 0
) -> Scores:
    """Scores of one image against metric ``depth`` in metres, 0 where nothing was measured.

    Prediction and depth both become percentiles among the measured pixels, as LiDAR sees a part of the frame, whose
    percentiles are not the whole frame's. Raises ``ValueError`` where shapes differ, and where measured pixels are not
    ``predicted``: leaving out what is hard must not pay.
    """
    if not prediction.shape == predicted.shape == depth.shape:
        raise ValueError(f"the prediction is {prediction.shape}, the ground truth {depth.shape}; resize it")
    measured = depth > 0
    if missing := int((measured & ~predicted).sum()):
        raise ValueError(f"nothing is predicted for {missing} of {int(measured.sum())} measured pixels")
    return score(percentiles(prediction[measured]), percentiles(depth[measured]), measured[measured], seed)


def mean(scores: list[Scores]) -> Scores:
    """Means over images, leaving out those with nothing to score; NaN of none."""
    table = np.array([[s.l1, s.spearman, s.ordinal_error] for s in scores], dtype=np.float64).reshape(-1, 3)
    return Scores(
        *(float(column[~np.isnan(column)].mean()) if (~np.isnan(column)).any() else np.nan for column in table.T)
    )


def spearman(predicted: NDArray[np.floating], true: NDArray[np.floating]) -> float:
    """Spearman's rank correlation of two vectors, with midranks; 0 where one is constant, as it tells no order."""
    ranks = [rankdata(values) - (len(values) + 1) / 2 for values in (predicted, true)]
    norm = float(np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    return float(ranks[0] @ ranks[1]) / norm if norm > 0 else 0.0


def ordinal_error(predicted: NDArray[np.floating], true: NDArray[np.floating], seed: int = 0) -> float:
    """Share of randomly drawn pairs, at least ``MARGIN`` apart in truth, that are predicted in the wrong order.

    After the weighted human disagreement rate of Chen et al., NIPS 2016, with equal weights and a margin of percentiles
    in place of a ratio of depths. Equal predictions count as half wrong, so that a constant scores .5. NaN where no
    drawn pair is far enough apart.
    """
    drawn = np.random.default_rng(seed).integers(0, len(true), size=(2, PAIRS))
    apart = true[drawn[0]] - true[drawn[1]]
    found = predicted[drawn[0]] - predicted[drawn[1]]
    clear = np.abs(apart) >= MARGIN
    if not clear.any():
        return float("nan")
    agreement = np.sign(found[clear]) * np.sign(apart[clear])
    return float((1 - agreement).mean() / 2)


def percentiles(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """``(midrank - 0.5) / n`` of each value of a vector."""
    return np.asarray((rankdata(values) - 0.5) / max(len(values), 1), np.float64)
