"""What moves by itself: matches that agree among each other but lie off the epipolar lines of the camera's motion.

They are looked for before the still scene is fitted: lines, planes and the road would take them for its own. A car
ahead shows up below the road instead: what stands still never lies there.
"""

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels import edge_filter, interpolation
from labels.edge_filter import EdgeParameters
from labels.interpolation import AffineParameters
from labels.regions import large
from labels.seeds import GREY, Pair, Seeds, agreeing

CLIP_PX = 6.0
"""Distances from the line beyond this count as this: one stray match does not make its neighbours move."""


@dataclass(frozen=True)
class MoverParameters:
    """What counts as moving."""

    off_line_px: float = 0.6
    """Matches whose neighbourhood lies farther off its lines than this, all to one side, move."""
    agreed: float = 0.7
    """Share of the distances from the line that must be left when those to both sides cancel."""
    texture: float = 2.0
    """Contrast across the line, squared grey levels, at which a match has half its say."""
    least_told: float = 0.2
    """Mean say of the matches around below which they tell nothing: clouds."""
    sunken: float = 0.3
    """Share of the parallax that is usual at its height below which a match would lie under the road,"""
    sunken_px: float = 1.5
    """asked where the usual parallax moves a point by so much;"""
    sunken_texture: float = 16.0
    """contrast both ways, squared grey levels, of matches that are no copied asphalt,"""
    sunken_share: float = 0.4
    """and their share among the matches around."""
    least_matches: int = 20
    """Fewer matches in a group are none."""
    edges: EdgeParameters = field(default_factory=lambda: EdgeParameters(reach_px=8.0))
    """How far matches speak for others."""
    still_prior: float = 0.1
    """Vote of every seed for the still scene, which counts where no match is near."""
    affine: AffineParameters = field(default_factory=AffineParameters)


@dataclass(frozen=True)
class Movers:
    """Matches that move, as they were found; all arrays over the grid of the seeds."""

    moving: NDArray[np.bool_]
    matches: NDArray[np.int32]
    displacements: NDArray[np.float32]
    weights: NDArray[np.float32]
    told: NDArray[np.float64]
    """What matches of the still scene have to say, 0 to 1."""
    along: edge_filter.Decays


def find(
    pair: Pair, seeds: Seeds, parallaxes: NDArray[np.float64], texture: NDArray[np.float32], horizon: float,
    parameters: MoverParameters,
) -> Movers:  # fmt: skip
    """Matches that move. ``parallaxes`` (rows, columns, 3) of ``seeds``, ``texture`` (rows, columns, 2) along and
    across their lines, ``horizon`` the row below which there is road.
    """
    along = edge_filter.decays(pair.guide, seeds.grid, parameters.edges, pair.edges)
    off = _off_line(seeds, parallaxes[..., 2], texture[..., 1], along, parameters)
    least, most = np.minimum(texture[..., 0], texture[..., 1]), np.maximum(texture[..., 0], texture[..., 1])
    sunken, firm = _sunken(seeds, parallaxes, least, along, horizon, pair.grey1.shape[0], parameters)
    moving = large((seeds.weights > 0) & np.where(sunken, firm, off), parameters.least_matches, connectivity=8)
    told = most / (most + parameters.texture)
    return Movers(moving, seeds.matches.copy(), seeds.displacements, seeds.weights, told.astype(np.float64), along)


def _off_line(
    seeds: Seeds, off: NDArray[np.float64], across: NDArray[np.float32], along: edge_filter.Decays,
    parameters: MoverParameters,
) -> NDArray[np.bool_]:  # fmt: skip
    off = np.clip(off, -CLIP_PX, CLIP_PX)
    say = seeds.weights * (across / (across + parameters.texture)).astype(np.float64)
    sums = np.stack([say, say * off, say * np.abs(off), seeds.weights], -1)
    edge_filter.accumulate(sums, along)
    mean = sums[..., 1] / (sums[..., 0] + 1e-100)
    agreed = np.abs(sums[..., 1]) > parameters.agreed * sums[..., 2]
    told = sums[..., 0] > parameters.least_told * sums[..., 3]
    own = off * np.sign(mean) > 0.5 * parameters.off_line_px
    return (np.abs(mean) > parameters.off_line_px) & agreed & told & own


def _sunken(
    seeds: Seeds, parallaxes: NDArray[np.float64], texture: NDArray[np.float32], along: edge_filter.Decays,
    horizon: float, height: int, parameters: MoverParameters, least: int = 30,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:  # fmt: skip
    """Matches that would lie under the road, and which of them are no asphalt that a coder copied."""
    depth = seeds.y - horizon
    below = depth > 0.04 * height
    slope = parallaxes[..., 0] / np.maximum(depth, 1.0)
    firm = texture > parameters.sunken_texture
    strong = slope[below & (seeds.weights > 0) & firm]
    if len(strong) < least:
        return np.zeros(slope.shape, np.bool_), np.zeros(slope.shape, np.bool_)
    typical = np.quantile(strong, 0.75)
    expected = typical * depth * parallaxes[..., 1] > parameters.sunken_px
    sunken = below & expected & (slope < parameters.sunken * typical) & (seeds.weights > 0)
    sums = np.stack([(sunken & firm).astype(np.float64), seeds.weights.astype(np.float64)], -1)
    edge_filter.accumulate(sums, along)
    return sunken, sums[..., 0] > parameters.sunken_share * sums[..., 1]


def draw(
    pair: Pair, seeds: Seeds, movers: Movers, flow: NDArray[np.float32], likeness: NDArray[np.float32],
    parameters: MoverParameters,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:  # fmt: skip
    """Write affine fits into ``flow`` (H, W, 2) where things move; returns these pixels and the seeds they stand on.

    ``seeds`` are those of the still scene: one that was found again on its line does not move after all.
    """
    moving = movers.moving & (seeds.matches == movers.matches).all(axis=2)
    if not moving.any():
        return np.zeros(flow.shape[:2], np.bool_), moving
    weights = np.where(moving, movers.weights, np.float32(0))
    models, robust = interpolation.fit_affine(movers.displacements, weights, seeds.along, parameters.affine)
    votes = np.where(moving, weights, seeds.weights * movers.told)
    shares = np.stack([votes + parameters.still_prior, votes * moving], -1)
    edge_filter.accumulate(shares, movers.along)
    share = (shares[..., 1] / (shares[..., 0] + 1e-100)).astype(np.float32)
    pixels = _vote(share, pair.guide, *seeds.place, likeness)
    interpolation.interpolate(models, pair.guide, seeds.grid, likeness, flow, pixels)
    return pixels, agreeing(robust, weights)


@njit(cache=True, nogil=True, error_model="numpy")
def _vote(
    share: NDArray[np.float32], guide: GREY, step: int, x0: int, y0: int, likeness: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Pixels where the four seeds around, weighted by nearness and likeness of grey level, share more than half."""
    height, width = guide.shape
    rows, columns = share.shape
    result = np.zeros((height, width), np.bool_)
    for y in range(height):
        j = (y - y0 + step) // step - 1
        top, bottom = min(max(j, 0), rows - 1), min(max(j + 1, 0), rows - 1)
        down = (y - y0 - j * step) / step
        for i in range(-((x0 + step - 1) // step), (width - 1 - x0) // step + 1):
            left, right = min(max(i, 0), columns - 1), min(max(i + 1, 0), columns - 1)
            s00, s01, s10, s11 = share[top, left], share[top, right], share[bottom, left], share[bottom, right]
            if max(s00, s01, s10, s11) < 0.5:
                continue
            g00, g01 = (
                np.int64(guide[y0 + top * step, x0 + left * step]),
                np.int64(guide[y0 + top * step, x0 + right * step]),
            )
            g10, g11 = (
                np.int64(guide[y0 + bottom * step, x0 + left * step]),
                np.int64(guide[y0 + bottom * step, x0 + right * step]),
            )
            for x in range(max(x0 + i * step, 0), min(x0 + (i + 1) * step, width)):
                grey = np.int64(guide[y, x])
                across = (x - x0 - i * step) / step
                w00 = ((1 - across) * (1 - down) + 0.02) * likeness[abs(grey - g00)]
                w01 = (across * (1 - down) + 0.02) * likeness[abs(grey - g01)]
                w10 = ((1 - across) * down + 0.02) * likeness[abs(grey - g10)]
                w11 = (across * down + 0.02) * likeness[abs(grey - g11)]
                votes = w00 * s00 + w01 * s01 + w10 * s10 + w11 * s11
                result[y, x] = votes > 0.5 * (w00 + w01 + w10 + w11)
    return result
