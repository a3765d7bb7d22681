"""The census engine: matching, epipolar geometry, a second search, interpolation, refinement (LABELS section 4.8).

Most of what a driving camera sees stands still. The engine matches seeds freely, fits the epipolar geometry of the
camera's motion to the matches, and then treats the still scene as what it is: lost seeds are searched for along their
epipolar lines, the flow between seeds comes from planes in space, and the refinement moves points along their lines
only. Matches that agree among each other but lie off their lines are things that move: there, and in pairs without a
dominant motion of the camera, the flow comes from affine fits.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels import (
    census,
    edge_filter,
    epipolar,
    ground_plane,
    interpolation,
    line_texture,
    matching,
    parallax_interpolation,
    rematching,
    subpixel,
)
from labels.edge_filter import Decays, EdgeParameters
from labels.epipolar import CameraMotion, Epipolar
from labels.ground_plane import GroundParameters, GroundPlane
from labels.interpolation import AffineParameters
from labels.matching import Grid, MatchingParameters
from labels.parallax_interpolation import PlaneParameters
from labels.refinement import RefinementParameters, refine
from labels.rematching import RematchingParameters

GREY = NDArray[np.uint8]
CLIP_PX = 6.0
"""Distances from the line beyond this count as this: one stray match does not make its neighbours move."""
PRIOR = 0.01
"""Vote of every seed below the horizon for the road, which counts where no good match is near."""
AGREED = 0.7
"""Share of the distances from the line that must be left when those to both sides cancel."""


@dataclass(frozen=True)
class CensusParameters:
    """Effort of the census engine; lengths in pixels of the image at hand."""

    forward: MatchingParameters = field(default_factory=MatchingParameters)
    backward: MatchingParameters = field(default_factory=MatchingParameters)
    agreement_px: float = 3.0
    """Distance within which a backward match must lead back."""
    border_px: int = 5
    """Matches nearer to the border than this are dropped."""
    subpixel_iterations: int = 4
    subpixel_limit_px: float = 2.0
    min_still: float = 0.6
    """Share of the matches that must lie on the epipolar lines of one motion for it to be the camera's."""
    min_matches: int = 200
    moving_px: float = 0.8
    """Matches whose neighbourhood lies farther off its epipolar lines than this, all to one side, move."""
    min_moving: float = 0.005
    """Share of the matches that must move for moving things to be looked for."""
    stray_px: float = 2.5
    """Single matches farther off their line are errors and searched again."""
    min_texture: float = 4.0
    """Contrast along the epipolar line, squared grey levels, at which a match has half its weight."""
    least_weight: float = 0.08
    """Weight below which a match supports no pixel."""
    weak_ground: float = 0.5
    """Share of the seeds below the horizon that must tell little for the road's plane to be looked for."""
    ground_weight: float = 0.25
    """Weight of the road's plane at seeds whose own match has less than that."""
    ground_share: float = 0.4
    """Share of the good matches around a seed that must lie on the road's plane for the seed to be road."""
    decisive_px: float = 3.0
    """Motion on the road from which a match speaks for or against it."""
    min_ground_votes: float = 0.2
    """Share of the good matches below the horizon that must lie on the road's plane."""
    ground_edges: EdgeParameters = field(default_factory=lambda: EdgeParameters(reach_px=30.0))
    """How far such matches speak for the road around them."""
    rematching: RematchingParameters | None = field(default_factory=RematchingParameters)
    ground: GroundParameters | None = field(default_factory=GroundParameters)
    edges: EdgeParameters = field(default_factory=EdgeParameters)
    planes: PlaneParameters = field(default_factory=PlaneParameters)
    affine: AffineParameters = field(default_factory=AffineParameters)
    guide_grey: float = 12.0
    """Grey-level difference at which a seed loses weight by e in a pixel."""
    refinement: RefinementParameters = field(default_factory=RefinementParameters)
    refinement_blur_px: float = 0.8
    line_weight: float = 100.0
    """How firmly the refinement keeps still points on their lines."""


PRESETS = {
    "fast": CensusParameters(
        forward=MatchingParameters(step=6),
        backward=MatchingParameters(step=6),
        refinement=RefinementParameters(iterations=0),
    ),
    "balanced": CensusParameters(),
    "accurate": CensusParameters(
        forward=MatchingParameters(step=3, passes=8, last_passes=4),
        backward=MatchingParameters(step=3, passes=8, last_passes=4),
        edges=EdgeParameters(reach_px=15.0),
        refinement=RefinementParameters(iterations=3, sweeps=6),
    ),
}


@dataclass
class Seeds:
    """The matches of a pair: a grid of points of frame 1 and where they go."""

    grid: Grid
    matches: NDArray[np.int32]
    """(rows, columns, 3): displacement to the right, downwards, px; cost."""
    displacements: NDArray[np.float32]
    """(rows, columns, 2) px, to fractions of a pixel."""
    weights: NDArray[np.float32]
    """(rows, columns): 1 = a match that others support, 0 = none."""

    @property
    def place(self) -> tuple[int, int, int]:
        """Step and origin of the grid."""
        return self.grid.step, self.grid.x0, self.grid.y0


@dataclass
class Pair:
    """Two frames and what is computed of each once."""

    grey1: GREY
    grey2: GREY
    census1: list[NDArray[np.uint64]]
    census2: list[NDArray[np.uint64]]
    float1: NDArray[np.float32]
    float2: NDArray[np.float32]
    guide: GREY

    @classmethod
    def of(cls, grey1: GREY, grey2: GREY) -> "Pair":
        """Pyramids and descriptors of two (H, W) frames."""
        count = matching.levels(*grey1.shape)
        census1, census2 = (
            [census.descriptors(image) for image in census.pyramid(grey, count)] for grey in (grey1, grey2)
        )
        float1, float2 = grey1.astype(np.float32), grey2.astype(np.float32)
        return cls(grey1, grey2, census1, census2, float1, float2, edge_filter.smooth(grey1))


def census_flow(
    grey1: GREY, grey2: GREY, parameters: CensusParameters
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Flow (H, W, 2) float32 px from ``grey1`` to ``grey2``, (H, W) uint8, and where surviving matches carry it."""
    pair = Pair.of(grey1, grey2)
    seeds = match(pair, parameters)
    along = edge_filter.decays(pair.guide, seeds.grid, parameters.edges)
    likeness = (np.exp(-np.arange(256) / parameters.guide_grey) + 1e-4).astype(np.float32)
    motion, texture = camera_motion(pair, seeds, parameters)
    if motion is None:
        models, robust = interpolation.fit_affine(seeds.displacements, seeds.weights, along, parameters.affine)
        trusted = _agreeing(robust, seeds.weights)
        flow = np.empty((*grey1.shape, 2), np.float32)
        interpolation.interpolate(models, pair.guide, seeds.grid, likeness, flow, np.ones(grey1.shape, np.bool_))
    else:
        line = epipolar.geometry(motion, *grey1.shape)
        still = _still_flow(pair, seeds, motion, line, texture, along, likeness, parameters)
        flow, trusted, free = _with_movers(pair, seeds, line, along, likeness, parameters, *still)
    if parameters.refinement.iterations:
        normals = epipolar.normals(flow, free, line, parameters.line_weight) if motion else None
        smooth1, smooth2 = (
            cv2.GaussianBlur(image, (0, 0), parameters.refinement_blur_px) for image in (pair.float1, pair.float2)
        )
        flow = refine(smooth1, smooth2, flow, parameters.refinement, normals)
    return flow, _near(trusted, seeds.grid, *grey1.shape)


def match(pair: Pair, parameters: CensusParameters) -> Seeds:
    """Match both ways, keep what agrees, to fractions of a pixel, and what its neighbours support."""
    grid, matches = matching.match(pair.census1, pair.census2, parameters.forward)
    back, back_matches = matching.match(pair.census2, pair.census1, parameters.backward)
    seeds = Seeds(grid, matches, np.empty(0, np.float32), np.empty(0, np.float32))
    back_place = (back.step, back.x0, back.y0)
    limits = (parameters.agreement_px, parameters.border_px)
    kept = matching.agreement(matches, *seeds.place, back_matches, *back_place, *pair.grey1.shape, *limits)
    seeds.displacements = _to_subpixels(pair, seeds, kept, parameters)
    seeds.weights = matching.without_isolated(seeds.displacements, kept, grid.step)
    return seeds


def _to_subpixels(
    pair: Pair, seeds: Seeds, kept: NDArray[np.bool_], parameters: CensusParameters
) -> NDArray[np.float32]:
    effort = (parameters.subpixel_iterations, parameters.subpixel_limit_px)
    return subpixel.refine_matches(pair.float1, pair.float2, seeds.matches, kept, *seeds.place, *effort)


def camera_motion(
    pair: Pair, seeds: Seeds, parameters: CensusParameters
) -> tuple[CameraMotion | None, NDArray[np.float32]]:
    """The camera's motion from the matches, None where they do not share one; and their texture (``line_texture``).

    A second fit takes only matches with contrast both along and across their lines, if there are enough.
    """
    chosen = seeds.weights > 0
    if np.count_nonzero(chosen) < parameters.min_matches:
        return None, np.zeros((*chosen.shape, 2), np.float32)
    motion = _motion_of(pair, seeds, chosen)
    texture = line_texture.texture_along_lines(
        pair.guide, seeds.displacements, *seeds.place, epipolar.geometry(motion, *pair.grey1.shape)
    )
    textured = chosen & (texture.min(axis=2) > parameters.min_texture)
    if np.count_nonzero(textured) >= parameters.min_matches:
        motion = _motion_of(pair, seeds, textured)
    return (motion if motion.near >= parameters.min_still else None), texture


def _motion_of(pair: Pair, seeds: Seeds, chosen: NDArray[np.bool_], most: int = 1000) -> CameraMotion:
    rows, columns = np.nonzero(chosen)
    some = np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)
    rows, columns = rows[some], columns[some]
    step, x0, y0 = seeds.place
    starts = np.stack([x0 + columns * step, y0 + rows * step], 1).astype(float)
    return epipolar.camera_motion(starts, starts + seeds.displacements[rows, columns], *pair.grey1.shape)


def _still_flow(
    pair: Pair,
    seeds: Seeds,
    motion: CameraMotion,
    line: Epipolar,
    texture: NDArray[np.float32],
    along: Decays,
    likeness: NDArray[np.float32],
    parameters: CensusParameters,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """Flow of the still scene, robust weights and parallaxes of the seeds, among them those found again."""
    telling = texture[..., 0] / (texture[..., 0] + parameters.min_texture)
    parallaxes = epipolar.parallaxes(seeds.displacements, *seeds.place, line)
    weights = seeds.weights * telling
    planes, robust = parallax_interpolation.fit_planes(parallaxes, weights, along, parameters.planes)
    good = _agreeing(robust, weights) & (weights >= parameters.least_weight)
    range_ = rematching.limits(parallaxes, good)
    if parameters.rematching:
        _rematch(pair, seeds, motion, line, along, parallaxes, planes, good, range_, parameters)
        parallaxes = epipolar.parallaxes(seeds.displacements, *seeds.place, line)
    seeds.weights = seeds.weights * telling
    horizon = line.cy + motion.focal * motion.T[1] / max(motion.T[2], 1e-3)
    if parameters.ground and _weak_below(horizon, seeds, parameters) > parameters.weak_ground:
        ground = ground_plane.find(pair.float1, pair.float2, line, horizon, parameters.ground)
        if ground:
            _take_ground(pair, seeds, line, along, parallaxes, ground, parameters)
            range_ = min(range_[0], 0.0), max(range_[1], 1.2 * ground.at(line.cx, pair.grey1.shape[0] - 1.0))
    planes, robust = parallax_interpolation.fit_planes(parallaxes, seeds.weights, along, parameters.planes)
    flow = parallax_interpolation.interpolate(planes, pair.guide, seeds.grid, line, range_, likeness)
    return flow, robust, parallaxes


def _rematch(
    pair: Pair, seeds: Seeds, motion: CameraMotion, line: Epipolar, along: Decays, parallaxes: NDArray[np.float64],
    planes: NDArray[np.float32], good: NDArray[np.bool_], range_: tuple[float, float], parameters: CensusParameters,
) -> None:  # fmt: skip
    """Search for lost seeds again, and for those that stray from their lines alone; changes ``seeds``."""
    assert parameters.rematching
    line_back = epipolar.geometry(motion.back(), *pair.grey1.shape)
    back = rematching.parallaxes_back(seeds.displacements, *seeds.place, line_back)
    predicted = parallax_interpolation.predicted(planes, *seeds.place, line, *range_)
    stray = (np.abs(parallaxes[..., 2]) > parameters.stray_px) & (seeds.weights > 0)
    most = np.where((seeds.weights == 0) | stray, parameters.rematching.max_cost, -1).astype(np.int32)
    moving = stray & _moving(seeds, parallaxes, along, parameters)
    most[moving] = np.minimum(most[moving], seeds.matches[moving, 2] + parameters.rematching.mover_margin)
    found = rematching.rematch(
        pair.census1[0], pair.census2[0], pair.guide, seeds.matches, most, predicted, seeds.grid, line, line_back,
        range_, rematching.limits(back, good), parameters.rematching,
    )  # fmt: skip
    again = _to_subpixels(pair, seeds, found, parameters)
    seeds.displacements = np.where(found[..., None], again, seeds.displacements)
    kept = found | (seeds.weights > 0)
    seeds.weights = matching.without_isolated(seeds.displacements, kept, seeds.grid.step)


def _weak_below(horizon: float, seeds: Seeds, parameters: CensusParameters) -> float:
    """Share of the seeds below a row whose own match tells little."""
    weights = seeds.weights[max(int((horizon - seeds.grid.y0) / seeds.grid.step) + 1, 0) :]
    return float(np.count_nonzero(weights < parameters.ground_weight) / max(weights.size, 1))


def _take_ground(
    pair: Pair, seeds: Seeds, line: Epipolar, along: Decays, parallaxes: NDArray[np.float64], ground: GroundPlane,
    parameters: CensusParameters,
) -> None:  # fmt: skip
    """Put the road's plane where the good matches around lie on it and a seed's own match tells little.

    Changes ``parallaxes`` and the weights of ``seeds``.
    """
    step, x0, y0 = seeds.place
    x = x0 + step * np.arange(seeds.grid.columns, dtype=float)
    y = y0 + step * np.arange(seeds.grid.rows, dtype=float)[:, None]
    k = ground.at(x, y)
    off = np.abs(parallaxes[..., 0] - k) * parallaxes[..., 1]
    below = y > ground.horizon + 0.02 * pair.grey1.shape[0]
    telling = seeds.weights * (below & (seeds.weights >= parameters.ground_weight))
    votes = np.stack([off < 1.0, off > 2.0], -1) * telling[..., None]
    # near the horizon all planes agree
    decisive = votes[k * parallaxes[..., 1] > parameters.decisive_px]
    if decisive[:, 0].sum() < parameters.min_ground_votes * decisive.sum():
        return
    votes[..., 0] += PRIOR * below
    edge_filter.accumulate(votes, edge_filter.decays(pair.guide, seeds.grid, parameters.ground_edges))
    road = below & (votes[..., 0] > parameters.ground_share * (votes.sum(-1)))
    taken = road & (seeds.weights < parameters.ground_weight)
    planes = np.zeros((*taken.shape, 3), np.float32)
    planes[..., 0] = k
    there = parallax_interpolation.predicted(planes, *seeds.place, line, -np.inf, np.inf)
    on_plane = epipolar.parallaxes(there, *seeds.place, line)
    parallaxes[taken] = on_plane[taken]
    seeds.weights = np.where(taken, np.float32(parameters.ground_weight), seeds.weights)
    seeds.displacements = np.where(taken[..., None], there, seeds.displacements)


def _with_movers(
    pair: Pair,
    seeds: Seeds,
    line: Epipolar,
    along: Decays,
    likeness: NDArray[np.float32],
    parameters: CensusParameters,
    flow: NDArray[np.float32],
    robust: NDArray[np.float32],
    parallaxes: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """The flow with affine fits where matches lie off their lines, the seeds to be trusted, and where that is."""
    trusted = _agreeing(robust, seeds.weights) & (seeds.weights >= parameters.least_weight)
    off_weights = _moving(seeds, parallaxes, along, parameters).astype(np.float32)
    if np.count_nonzero(off_weights) < parameters.min_moving * np.count_nonzero(seeds.weights):
        return flow, trusted, np.zeros(flow.shape[:2], np.bool_)
    models, off_robust = interpolation.fit_affine(seeds.displacements, off_weights, along, parameters.affine)
    shares = np.stack([robust, off_robust], -1).astype(np.float64)
    edge_filter.accumulate(shares, along)
    share = shares[..., 1] / (shares.sum(-1) + 1e-30)
    moving = _vote(share.astype(np.float32), pair.guide, *seeds.place, likeness)
    interpolation.interpolate(models, pair.guide, seeds.grid, likeness, flow, moving)
    return flow, trusted | _agreeing(off_robust, off_weights), moving


def _moving(
    seeds: Seeds, parallaxes: NDArray[np.float64], along: Decays, parameters: CensusParameters
) -> NDArray[np.bool_]:
    """Matches that lie off their epipolar line like their neighbours do, (rows, columns)."""
    off = np.clip(parallaxes[..., 2], -CLIP_PX, CLIP_PX)
    sums = np.stack([np.ones_like(off), off, np.abs(off)], -1) * seeds.weights[..., None].astype(np.float64)
    edge_filter.accumulate(sums, along)
    mean = sums[..., 1] / (sums[..., 0] + 1e-100)
    agreed = np.abs(sums[..., 1]) > AGREED * sums[..., 2]
    own = off * np.sign(mean) > 0.5 * parameters.moving_px
    return (seeds.weights > 0) & (np.abs(mean) > parameters.moving_px) & agreed & own


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


def _agreeing(robust: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Seeds whose matches agree with the models fitted around them."""
    return (weights > 0) & (robust > 0.25 * weights)


def _near(trusted: NDArray[np.bool_], grid: Grid, height: int, width: int) -> NDArray[np.bool_]:
    """Pixels within a grid step and a half of a seed to be trusted."""
    result = np.zeros((height, width), np.uint8)
    _paint(trusted, grid.step, grid.x0, grid.y0, result)
    return result.astype(np.bool_)


@njit(cache=True, nogil=True)
def _paint(trusted: NDArray[np.bool_], step: int, x0: int, y0: int, result: NDArray[np.uint8]) -> None:
    height, width = result.shape
    reach = step + step // 2
    for j in range(trusted.shape[0]):
        for i in range(trusted.shape[1]):
            if trusted[j, i]:
                x, y = x0 + i * step, y0 + j * step
                left, right = max(x - reach, 0), min(x + reach + 1, width)
                result[max(y - reach, 0) : min(y + reach + 1, height), left:right] = 1
