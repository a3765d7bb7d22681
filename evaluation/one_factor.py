"""The shortest way from relative to metric depth, which does not lead there: one factor for all images.

Jiang et al. multiply predicted percentiles by one factor and get an RMSE of 11.08 m on KITTI: percentiles tell the
order of a scene, not its extent. Any network for metric depth must do clearly better.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from evaluation.depth import Rule, Scores, cropped, mean, score_image

PAPER_RMSE = 11.08
"""Metres."""
RULE = Rule("garg")


def best_factor(percentiles: Iterable[NDArray[np.floating]], depths: Iterable[NDArray[np.floating]]) -> float:
    """Metres a unit of percentile, the factor with the least squared error over the pixels that count of all images.

    ``percentiles`` are 0 near ... 1 far, ``depths`` metres, 0 where unknown, both (H, W). Raises ``ValueError`` where
    no pixel counts, or all that do are predicted as 0, and where shapes differ.
    """
    product = square = 0.0
    for z, depth in zip(percentiles, depths, strict=True):
        if z.shape != depth.shape:
            raise ValueError(f"the prediction has shape {z.shape}, the ground truth {depth.shape}; resize it")
        kept = cropped(depth.shape, RULE.crop)
        counts = (depth[kept] > RULE.minimum) & (depth[kept] < RULE.maximum)
        inside, true = z[kept][counts].astype(np.float64), depth[kept][counts].astype(np.float64)
        product, square = product + float(inside @ true), square + float(inside @ inside)
    if not square:
        raise ValueError("no factor fits: no pixel with ground truth has a percentile above 0")
    return product / square


def score_one_factor(
    percentiles: Iterable[NDArray[np.floating]], depths: Iterable[NDArray[np.floating]], factor: float
) -> Scores:
    """Means over images of the errors of ``factor`` times percentiles as metric depth, by ``RULE``.

    Raises ``ValueError`` as ``evaluation.depth.score_image`` does.
    """
    return mean([score_image(depth, factor * z, RULE) for z, depth in zip(percentiles, depths, strict=True)])
