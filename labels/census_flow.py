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

from labels import census, edge_filter, epipolar, interpolation, matching, parallax_interpolation, rematching, subpixel
from labels.edge_filter import Decays, EdgeParameters
from labels.epipolar import Epipolar
from labels.interpolation import AffineParameters
from labels.matching import Grid, MatchingParameters
from labels.parallax_interpolation import PlaneParameters
from labels.refinement import RefinementParameters, refine
from labels.rematching import RematchingParameters

GREY = NDArray[np.uint8]


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
    moving_px: float = 2.5
    """Matches farther off their line move, where enough others around them do."""
    min_moving: float = 0.003
    """Share of the matches that must move for moving things to be looked for."""
    rematching: RematchingParameters | None = field(default_factory=RematchingParameters)
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
        refinement=RefinementParameters(iterations=5, sweeps=8),
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
    F = camera_motion(seeds, parameters)
    if F is None:
        models, robust = interpolation.fit_affine(seeds.displacements, seeds.weights, along, parameters.affine)
        flow = interpolation.interpolate(models, pair.guide, seeds.grid, likeness)
        normals = None
    else:
        line = epipolar.split(F, *grey1.shape)
        still = _still_flow(pair, seeds, F, line, along, likeness, parameters)
        flow, robust, free = _with_movers(pair, seeds, line, along, likeness, parameters, *still)
        normals = epipolar.normals(flow, free, line, parameters.line_weight)
    if parameters.refinement.iterations:
        smooth1, smooth2 = (
            cv2.GaussianBlur(image, (0, 0), parameters.refinement_blur_px) for image in (pair.float1, pair.float2)
        )
        flow = refine(smooth1, smooth2, flow, parameters.refinement, normals)
    return flow, _near(robust, seeds.grid, *grey1.shape)


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


def camera_motion(seeds: Seeds, parameters: CensusParameters, most: int = 2000) -> NDArray[np.float64] | None:
    """The fundamental matrix of the camera's motion, from at most so many matches; None where there is no such."""
    rows, columns = np.nonzero(seeds.weights)
    if len(rows) < parameters.min_matches:
        return None
    chosen = np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)
    rows, columns = rows[chosen], columns[chosen]
    starts = np.stack([seeds.grid.x0 + columns * seeds.grid.step, seeds.grid.y0 + rows * seeds.grid.step], 1).astype(
        float
    )
    F, near = epipolar.fundamental_matrix(starts, starts + seeds.displacements[rows, columns])
    return F if near >= parameters.min_still else None


def _still_flow(
    pair: Pair,
    seeds: Seeds,
    F: NDArray[np.float64],
    line: Epipolar,
    along: Decays,
    likeness: NDArray[np.float32],
    parameters: CensusParameters,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """Flow of the still scene, robust weights and parallaxes of the seeds, among them those found again."""
    parallaxes = epipolar.parallaxes(seeds.displacements, *seeds.place, line)
    planes, robust = parallax_interpolation.fit_planes(parallaxes, seeds.weights, along, parameters.planes)
    range_ = rematching.limits(parallaxes, robust)
    if parameters.rematching:
        line_back = epipolar.split(F.T, *pair.grey1.shape)
        back = rematching.parallaxes_back(seeds.displacements, *seeds.place, line_back)
        predicted = parallax_interpolation.predicted(planes, *seeds.place, line, *range_)
        off = np.abs(parallaxes[..., 2]) > parameters.moving_px
        lost = (seeds.weights == 0) | (off & (robust < 0.25))
        found = rematching.rematch(
            pair.census1[0], pair.census2[0], pair.guide, seeds.matches, lost, predicted, seeds.grid, line, line_back,
            range_, rematching.limits(back, robust), parameters.rematching,
        )  # fmt: skip
        kept = found | (seeds.weights > 0)
        again = _to_subpixels(pair, seeds, found, parameters)
        seeds.displacements = np.where(found[..., None], again, seeds.displacements)
        seeds.weights = matching.without_isolated(seeds.displacements, kept, seeds.grid.step)
        parallaxes = epipolar.parallaxes(seeds.displacements, *seeds.place, line)
        planes, robust = parallax_interpolation.fit_planes(parallaxes, seeds.weights, along, parameters.planes)
    flow = parallax_interpolation.interpolate(planes, pair.guide, seeds.grid, line, range_, likeness)
    return flow, robust, parallaxes


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
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """The flow with affine fits where matches lie off their lines, the seeds' robust weights, and where that is."""
    off = (seeds.weights > 0) & (np.abs(parallaxes[..., 2]) > parameters.moving_px)
    off_weights = matching.without_isolated(seeds.displacements, off, seeds.grid.step)
    if np.count_nonzero(off_weights) < parameters.min_moving * np.count_nonzero(seeds.weights):
        return flow, robust, np.zeros(flow.shape[:2], np.bool_)
    models, off_robust = interpolation.fit_affine(seeds.displacements, off_weights, along, parameters.affine)
    shares = np.stack([robust, off_robust], -1).astype(np.float64)
    edge_filter.accumulate(shares, along)
    share = shares[..., 1] / (shares.sum(-1) + 1e-30)
    moving = _vote(share.astype(np.float32), pair.guide, *seeds.place, likeness)
    affine = interpolation.interpolate(models, pair.guide, seeds.grid, likeness)
    return np.where(moving[..., None], affine, flow), np.maximum(robust, off_robust), moving


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
        for x in range(width):
            i = (x - x0 + step) // step - 1
            total, votes = np.float32(0), np.float32(0)
            for down in range(2):
                row = min(max(j + down, 0), rows - 1)
                near_y = 1 - abs(y - y0 - (j + down) * step) / step
                for right in range(2):
                    column = min(max(i + right, 0), columns - 1)
                    near_x = 1 - abs(x - x0 - (i + right) * step) / step
                    other = guide[y0 + row * step, x0 + column * step]
                    weight = (near_x * near_y + 0.02) * likeness[abs(np.int64(guide[y, x]) - np.int64(other))]
                    total += weight
                    votes += weight * share[row, column]
            result[y, x] = votes > np.float32(0.5) * total
    return result


def _near(robust: NDArray[np.float32], grid: Grid, height: int, width: int) -> NDArray[np.bool_]:
    """Pixels within a grid step and a half of a match that agrees with the model fitted around it."""
    result = np.zeros((height, width), np.uint8)
    _paint(robust, grid.step, grid.x0, grid.y0, result)
    return result.astype(np.bool_)


@njit(cache=True, nogil=True)
def _paint(robust: NDArray[np.float32], step: int, x0: int, y0: int, result: NDArray[np.uint8]) -> None:
    height, width = result.shape
    reach = step + step // 2
    for j in range(robust.shape[0]):
        for i in range(robust.shape[1]):
            if robust[j, i] > np.float32(0.25):
                x, y = x0 + i * step, y0 + j * step
                left, right = max(x - reach, 0), min(x + reach + 1, width)
                result[max(y - reach, 0) : min(y + reach + 1, height), left:right] = 1
