"""Takes the road's plane for seeds on asphalt whose own match tells next to nothing (LABELS section 19)."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labels import edge_filter, epipolar, ground_plane, parallax_interpolation
from labels.edge_filter import EdgeParameters
from labels.epipolar import Epipolar
from labels.ground_plane import Expectation, GroundParameters
from labels.seeds import Pair, Seeds

ON_PX, OFF_PX = 1.0, 2.0
"""Distances from the plane, on the image, up to which a match lies on it, and from which it does not."""
BIN = 0.1
"""Of the histogram of slopes: a step of their natural logarithm."""


@dataclass(frozen=True)
class RoadParameters:
    """When there is a road, and where."""

    weak_share: float = 0.5
    """Share of the seeds below the horizon that must tell little for a road to be looked for."""
    weight: float = 0.25
    """Weight of the plane at seeds whose own match has less than that."""
    telling: float = 0.1
    """Weight from which a match tells of the ground's slope,"""
    below: float = 0.06
    """so far below the horizon, as a share of the height,"""
    off_line_px: float = 1.5
    """no farther from its line than this."""
    least_telling: int = 30
    """So many must tell."""
    spread: float = 0.6
    """Slopes that differ from the most frequent one by more, in their logarithm, are not asked."""
    lower: float = 0.2
    """The ground is at this quantile of the others: what stands on it shows more parallax."""
    share: float = 0.4
    """Share of the good matches around a seed that must lie on the plane for the seed to be road."""
    sunken: float = 0.5
    """Share of the ground's parallax below which a point would lie under it,"""
    sunken_px: float = 1.5
    """where the ground moves by so much."""
    prior: float = 0.01
    """Vote of every seed below the horizon for the road, which counts where no good match is near."""
    edges: EdgeParameters = field(default_factory=lambda: EdgeParameters(reach_px=30.0))
    """How far matches speak for the road around them."""
    search: GroundParameters = field(default_factory=GroundParameters)


def slope(
    seeds: Seeds, parallaxes: NDArray[np.float64], horizon: float, height: int, parameters: RoadParameters
) -> float | None:
    """Parallax of the ground a pixel row below the horizon, from the matches beside the road; None if few tell.

    The lower edge of the slopes ``parallax / (y - horizon)``: kerbs, verges and the feet of what stands there lie on
    the ground, and nothing that stands still lies below it. On rendered drives it errs by a tenth.
    """
    depth = np.broadcast_to(seeds.y - horizon, seeds.weights.shape)
    telling = (depth > parameters.below * height) & (seeds.weights > parameters.telling)
    telling &= (np.abs(parallaxes[..., 2]) < parameters.off_line_px) & (parallaxes[..., 0] > 0)
    if np.count_nonzero(telling) < parameters.least_telling:
        return None
    slopes, weights = np.log(parallaxes[telling, 0] / depth[telling]), seeds.weights[telling]
    bins = np.floor(slopes / BIN).astype(np.int64)
    counts = np.bincount(bins - bins.min(), weights)
    smooth = np.convolve(counts, (0.25, 0.5, 1.0, 0.5, 0.25))[2:-2]
    mode = (bins.min() + int(np.argmax(smooth)) + 0.5) * BIN
    near = np.abs(slopes - mode) < parameters.spread
    order = np.argsort(slopes[near])
    shares = np.cumsum(weights[near][order])
    return math.exp(float(np.interp(parameters.lower * shares[-1], shares, slopes[near][order])))


def drop_sunken(
    seeds: Seeds, parallaxes: NDArray[np.float64], horizon: float, ground: float, parameters: RoadParameters
) -> None:
    """Take the weight from seeds that would lie below the ground, of slope ``ground``: nothing that stands still does.

    What shows far less parallax is fixed to the car, or moves along with it, or is asphalt that the coder of the video
    copied from the frame before.
    """
    expected = ground * np.maximum(seeds.y - horizon, 0.0)
    told = expected * parallaxes[..., 1] > parameters.sunken_px
    sunken = told & (parallaxes[..., 0] < parameters.sunken * expected)
    seeds.weights = np.where(sunken, np.float32(0), seeds.weights)


def take(
    pair: Pair,
    seeds: Seeds,
    parallaxes: NDArray[np.float64],
    line: Epipolar,
    horizon: float,
    parameters: RoadParameters,
) -> float:
    """Look for the road below the row ``horizon`` and put its plane where the good matches around lie on it.

    Changes ``parallaxes`` (rows, columns, 3), and displacements and weights of ``seeds``. Returns the greatest parallax
    on the road, 0 where there is none.
    """
    height = pair.grey1.shape[0]
    expected = slope(seeds, parallaxes, horizon, height, parameters)
    if expected is None:
        return 0.0
    drop_sunken(seeds, parallaxes, horizon, expected, parameters)
    below = seeds.y > horizon + 0.02 * height
    weak = seeds.weights < parameters.weight
    if not below.any() or weak[below[:, 0]].mean() <= parameters.weak_share:
        return 0.0
    ground = ground_plane.find(pair.float1, pair.float2, line, horizon, Expectation(expected), parameters.search)
    if ground is None:
        return 0.0
    k = ground.at(seeds.x, seeds.y)
    off = np.abs(parallaxes[..., 0] - k) * parallaxes[..., 1]
    votes = np.stack([off < ON_PX, off > OFF_PX], -1) * (seeds.weights * (below & ~weak))[..., None].astype(np.float64)
    votes[..., 0] += parameters.prior * below
    edge_filter.accumulate(votes, edge_filter.decays(pair.guide, seeds.grid, parameters.edges))
    taken = below & weak & (votes[..., 0] > parameters.share * votes.sum(-1))
    planes = np.zeros((*taken.shape, 3), np.float32)
    planes[..., 0] = k
    there = parallax_interpolation.predicted(planes, *seeds.place, line, -np.inf, np.inf)
    parallaxes[taken] = epipolar.parallaxes(there, *seeds.place, line)[taken]
    seeds.weights = np.where(taken, np.float32(parameters.weight), seeds.weights)
    seeds.displacements = np.where(taken[..., None], there, seeds.displacements)
    return float(ground.at(line.cx, height - 1.0))
