"""The census engine: matching, sub-pixel step, affine interpolation, refinement (LABELS section 4.8)."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels import census, interpolation, matching, subpixel
from labels.interpolation import InterpolationParameters
from labels.matching import Grid, MatchingParameters


@dataclass(frozen=True)
class CensusParameters:
    """Effort of the census engine; lengths in pixels of the image at hand."""

    forward: MatchingParameters = field(default_factory=MatchingParameters)
    backward: MatchingParameters = field(default_factory=lambda: MatchingParameters(step=8))
    agreement_px: float = 3.0
    """Distance within which a backward match must lead back."""
    border_px: int = 5
    """Matches nearer to the border than this are dropped."""
    subpixel_iterations: int = 4
    subpixel_limit_px: float = 2.0
    interpolation: InterpolationParameters = field(default_factory=InterpolationParameters)
    refinement_iterations: int = 5
    """Outer iterations of the variational refinement; 0 leaves it out."""


PRESETS = {
    "fast": CensusParameters(
        forward=MatchingParameters(step=6), backward=MatchingParameters(step=12), refinement_iterations=0
    ),
    "balanced": CensusParameters(),
    "accurate": CensusParameters(forward=MatchingParameters(passes=6), backward=MatchingParameters(step=4)),
}


def census_flow(
    grey1: NDArray[np.uint8], grey2: NDArray[np.uint8], parameters: CensusParameters
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Flow (H, W, 2) float32 px from ``grey1`` to ``grey2``, (H, W) uint8, and where surviving matches carry it."""
    count = matching.levels(*grey1.shape)
    census1, census2 = ([census.descriptors(image) for image in census.pyramid(grey, count)] for grey in (grey1, grey2))
    grid, matches = matching.match(census1, census2, parameters.forward)
    back_grid, back_matches = matching.match(census2, census1, parameters.backward)
    place = (grid.step, grid.x0, grid.y0)
    back_place = (back_grid.step, back_grid.x0, back_grid.y0)
    limits = (parameters.agreement_px, parameters.border_px)
    kept = matching.agreement(matches, *place, back_matches, *back_place, *grey1.shape, *limits)
    displacements = subpixel.refine_matches(
        grey1.astype(np.float32),
        grey2.astype(np.float32),
        matches,
        kept,
        *place,
        parameters.subpixel_iterations,
        parameters.subpixel_limit_px,
    )
    weights = matching.without_isolated(displacements, kept, grid.step)
    guide = interpolation.smooth(grey1)
    flow, robust = interpolation.interpolate(displacements, weights, grid, guide, parameters.interpolation)
    if parameters.refinement_iterations:
        refinement = cv2.VariationalRefinement_create()
        refinement.setFixedPointIterations(parameters.refinement_iterations)
        flow = refinement.calc(grey1, grey2, flow)
    return flow, _near(robust, grid, *grey1.shape)


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
