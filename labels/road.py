"""Takes the road's plane for seeds on asphalt whose own match tells next to nothing (LABELS section 19)."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labels import edge_filter, epipolar, ground_plane, parallax_interpolation
from labels.edge_filter import EdgeParameters
from labels.epipolar import Epipolar
from labels.ground_plane import GroundParameters
from labels.seeds import Pair, Seeds

ON_PX, OFF_PX = 1.0, 2.0
"""Distances from the plane, on the image, up to which a match lies on it, and from which it does not."""


@dataclass(frozen=True)
class RoadParameters:
    """When there is a road, and where."""

    weak_share: float = 0.5
    """Share of the seeds below the horizon that must tell little for a road to be looked for."""
    weight: float = 0.25
    """Weight of the plane at seeds whose own match has less than that."""
    decisive_px: float = 3.0
    """Motion on the plane from which a match speaks for or against it: near the horizon all planes agree."""
    least_votes: float = 0.16
    """Share of the decisive matches that must lie on the plane."""
    share: float = 0.4
    """Share of the good matches around a seed that must lie on the plane for the seed to be road."""
    sunken: float = 0.3
    """Share of the parallax that is usual at a seed's height below which it would lie under the road;"""
    sunken_from: float = 0.04
    """asked from so far below the horizon, as a share of the height,"""
    sunken_px: float = 1.5
    """where the usual parallax moves a point by so much,"""
    sunken_least: int = 30
    """if so many matches tell what is usual."""
    prior: float = 0.01
    """Vote of every seed below the horizon for the road, which counts where no good match is near."""
    edges: EdgeParameters = field(default_factory=lambda: EdgeParameters(reach_px=30.0))
    """How far matches speak for the road around them."""
    search: GroundParameters = field(default_factory=GroundParameters)


def drop_sunken(
    seeds: Seeds, parallaxes: NDArray[np.float64], horizon: float, height: int, parameters: RoadParameters
) -> None:
    """Take the weight from seeds that would lie below the road: nothing that stands still does.

    Below the horizon parallax grows at least as on the road. What shows far less is fixed to the car, or moves along
    with it, or is asphalt that the coder of the video copied from the frame before.
    """
    depth = seeds.y - horizon
    below = depth > parameters.sunken_from * height
    slope = parallaxes[..., 0] / np.maximum(depth, 1.0)
    strong = slope[below & (seeds.weights >= parameters.weight)]
    if len(strong) < parameters.sunken_least:
        return
    typical = np.quantile(strong, 0.75)
    told = typical * depth * parallaxes[..., 1] > parameters.sunken_px
    sunken = below & told & (slope < parameters.sunken * typical)
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
    below = seeds.y > horizon + 0.02 * pair.grey1.shape[0]
    weak = seeds.weights < parameters.weight
    if not below.any() or weak[below[:, 0]].mean() <= parameters.weak_share:
        return 0.0
    ground = ground_plane.find(pair.float1, pair.float2, line, horizon, parameters.search)
    if ground is None:
        return 0.0
    k = ground.at(seeds.x, seeds.y)
    off = np.abs(parallaxes[..., 0] - k) * parallaxes[..., 1]
    votes = np.stack([off < ON_PX, off > OFF_PX], -1) * (seeds.weights * (below & ~weak))[..., None].astype(np.float64)
    decisive = votes[k * parallaxes[..., 1] > parameters.decisive_px]
    if decisive[:, 0].sum() < parameters.least_votes * decisive.sum():
        return 0.0
    votes[..., 0] += parameters.prior * below
    edge_filter.accumulate(votes, edge_filter.decays(pair.guide, seeds.grid, parameters.edges))
    taken = below & weak & (votes[..., 0] > parameters.share * votes.sum(-1))
    planes = np.zeros((*taken.shape, 3), np.float32)
    planes[..., 0] = k
    there = parallax_interpolation.predicted(planes, *seeds.place, line, -np.inf, np.inf)
    parallaxes[taken] = epipolar.parallaxes(there, *seeds.place, line)[taken]
    seeds.weights = np.where(taken, np.float32(parameters.weight), seeds.weights)
    seeds.displacements = np.where(taken[..., None], there, seeds.displacements)
    return float(ground.at(line.cx, pair.grey1.shape[0] - 1.0))
