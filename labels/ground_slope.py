"""The ground's slope: how fast nearness grows downwards, told by all that stands on it (LABELS section 17.5)."""

import math

import numpy as np
from numpy.typing import NDArray

BIN = 0.1
"""Of the histogram of slopes: a step of their natural logarithm."""


def lower_edge(
    slopes: NDArray[np.floating], weights: NDArray[np.floating], spread: float = 0.6, quantile: float = 0.2
) -> float:
    """The slope of the ground among ``slopes`` (N,) > 0, nearness over rows below the horizon, N >= 1.

    Kerbs, verges and the feet of what stands there lie on the ground, what stands on it is nearer than the ground at
    its row, and nothing that stands still lies below. So the ground is at the lower edge of the slopes: a ``quantile``
    of those within ``spread`` (of the natural logarithm) of the most frequent one. On rendered drives it errs by a
    tenth.
    """
    logarithms = np.log(slopes)
    bins = np.floor(logarithms / BIN).astype(np.int64)
    counts = np.bincount(bins - bins.min(), weights)
    smooth = np.convolve(counts, (0.25, 0.5, 1.0, 0.5, 0.25))[2:-2]
    mode = (bins.min() + int(np.argmax(smooth)) + 0.5) * BIN
    near = np.abs(logarithms - mode) < spread
    order = np.argsort(logarithms[near])
    shares = np.cumsum(weights[near][order])
    return math.exp(float(np.interp(quantile * shares[-1], shares, logarithms[near][order])))
