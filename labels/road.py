"""Takes the road's plane for seeds on asphalt whose own match tells next to nothing (LABELS section 19)."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labels import edge_filter, epipolar, ground_plane, parallax_interpolation
from labels.edge_filter import EdgeParameters
from labels.epipolar import Epipolar
from labels.ground_plane import Expectation, GroundParameters
from labels.ground_slope import lower_edge
from labels.seeds import Pair, Seeds

BELOW = 0.02
"""The road begins so far below the horizon, as a share of the height."""
ON_PX, OFF_PX = 1.0, 2.0
"""Distances from the plane, on the image, up to which a match lies on it, and from which it does not."""


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
    drift: float = 0.7
    """Where the slope is known from pairs before, those farther from it, in the logarithm, do not tell."""
    before_sd: float = 0.3
    """Standard deviation of the logarithm of a slope known from pairs before."""
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


def expected(
    seeds: Seeds, parallaxes: NDArray[np.float64], horizon: float, height: int, parameters: RoadParameters,
    before: float | None = None,
) -> Expectation | None:  # fmt: skip
    """The ground by the matches beside the road, and its slope ``before``; None if nothing is known of it.

    What stands above the horizon has its foot on the ground in sight, mostly, and is no nearer than the ground at the
    lower border: asphalt that a coder copied from frame to frame shows less parallax than that, and is not asked.
    """
    depth = np.broadcast_to(seeds.y - horizon, seeds.weights.shape)
    firm = (seeds.weights > parameters.telling) & (parallaxes[..., 0] > 0)
    firm &= np.abs(parallaxes[..., 2]) < parameters.off_line_px
    telling, above = firm & (depth > parameters.below * height), firm & (depth < 0)
    if before is not None:
        factor = math.exp(parameters.drift)
        telling &= (parallaxes[..., 0] > before / factor * depth) & (parallaxes[..., 0] < before * factor * depth)
    elif np.count_nonzero(above) >= parameters.least_telling:
        telling &= parallaxes[..., 0] > np.median(parallaxes[above, 0]) / (height - horizon) * depth
    if np.count_nonzero(telling) < parameters.least_telling:
        return None if before is None else Expectation(before, parameters.before_sd)
    told = Expectation(lower_edge(parallaxes[telling, 0] / depth[telling], seeds.weights[telling]))
    return told if before is None else told.with_another(before, parameters.before_sd)


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


def weak_share(seeds: Seeds, horizon: float, height: int, parameters: RoadParameters) -> float:
    """Share of the seeds below the row ``horizon`` whose match tells little; 0 where there are none."""
    below = _below(seeds, horizon, height)[:, 0]
    return float((seeds.weights[below] < parameters.weight).mean()) if below.any() else 0.0


def _below(seeds: Seeds, horizon: float, height: int) -> NDArray[np.bool_]:
    """Rows of seeds on which a road can be, (rows, 1)."""
    return seeds.y > horizon + BELOW * height


def take(
    pair: Pair,
    seeds: Seeds,
    parallaxes: NDArray[np.float64],
    line: Epipolar,
    horizon: float,
    parameters: RoadParameters,
    slope_before: float | None = None,
) -> float:
    """Look for the road below the row ``horizon`` and put its plane where the good matches around lie on it.

    ``slope_before``: parallax a pixel row of the ground, as earlier pairs let expect it.

    Changes ``parallaxes`` (rows, columns, 3), and displacements and weights of ``seeds``. Returns the greatest parallax
    on the road, 0 where there is none.
    """
    height = pair.grey1.shape[0]
    guess = expected(seeds, parallaxes, horizon, height, parameters, slope_before)
    if guess is None:
        return 0.0
    drop_sunken(seeds, parallaxes, horizon, guess.slope, parameters)
    if weak_share(seeds, horizon, height, parameters) <= parameters.weak_share:
        return 0.0
    below, weak = _below(seeds, horizon, height), seeds.weights < parameters.weight
    ground = ground_plane.find(pair.float1, pair.float2, line, horizon, guess, parameters.search)
    if ground is None:
        return 0.0
    k = ground.at(seeds.x, seeds.y)
    off = np.abs(parallaxes[..., 0] - k) * parallaxes[..., 1]
    votes = np.stack([off < ON_PX, off > OFF_PX], -1) * (seeds.weights * (below & ~weak))[..., None].astype(np.float64)
    votes[..., 0] += parameters.prior * below
    edge_filter.accumulate(votes, edge_filter.decays(pair.guide, seeds.grid, parameters.edges, pair.edges))
    taken = below & weak & (votes[..., 0] > parameters.share * (votes[..., 0] + votes[..., 1]))
    planes = np.zeros((*taken.shape, 3), np.float32)
    planes[..., 0] = k
    there = parallax_interpolation.predicted(planes, *seeds.place, line, -np.inf, np.inf)
    parallaxes[taken] = epipolar.parallaxes(there, *seeds.place, line)[taken]
    seeds.weights = np.where(taken, np.float32(parameters.weight), seeds.weights)
    seeds.displacements = np.where(taken[..., None], there, seeds.displacements)
    return float(ground.at(line.cx, height - 1.0))
