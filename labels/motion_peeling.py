"""Moving regions of one pair, peeled from the map of its flow's errors one after another (LABELS 8.3, first frame)."""

import numpy as np
from numpy.typing import NDArray

from labels.regions import labelled

BINS = 256
"""Levels at which the threshold may lie, between the least and the greatest error."""


def peeled(error: NDArray[np.floating], least: float, effectiveness: float, most: int) -> NDArray[np.bool_]:
    """Pixels (H, W) that err apart from the others: Otsu's threshold, again and again.

    ``error`` (H, W) is how far each flow vector misses that of a still point, px; NaN counts as none. While the
    threshold explains more than ``effectiveness`` of the variance, the connected region above it with the largest mean
    error is taken, and left out of the next round with all that have no more than ``least`` pixels; ``most`` are taken.
    """
    rest = np.isfinite(error)
    error = np.where(rest, error, 0)
    found = np.zeros(error.shape, np.bool_)
    taken = 0
    while taken < most:
        threshold, explained = otsu(error[rest])
        above = rest & (error > threshold)
        if explained <= effectiveness or not above.any():
            break
        regions, statistics = labelled(above, connectivity=8)
        area = statistics[:, -1]
        mean = np.bincount(regions.ravel(), error.ravel(), len(area)) / np.maximum(area, 1)
        large = area > least
        large[0] = False
        out = ~large
        out[0] = False
        if large.any():
            best = int(np.where(large, mean, -1).argmax())
            found |= regions == best
            out[best] = True
            taken += 1
        rest &= ~out[regions]
    return found


def otsu(values: NDArray[np.floating]) -> tuple[float, float]:
    """The threshold that parts values (N,) best in two, and the share of their variance between the two parts."""
    if not values.size or not values.max() > values.min():
        return np.inf, 0.0
    counts, borders = np.histogram(values, BINS)
    middles = (borders[:-1] + borders[1:]) / 2
    share = np.cumsum(counts) / counts.sum()
    moment = np.cumsum(counts * middles) / counts.sum()
    mean = moment[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.nan_to_num((mean * share - moment) ** 2 / (share * (1 - share)), nan=0.0, posinf=0.0)
    best = int(between[:-1].argmax())
    variance = float(np.sum(counts * (middles - mean) ** 2) / counts.sum())
    return float(borders[best + 1]), float(between[best] / variance)
