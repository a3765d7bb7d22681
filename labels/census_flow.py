"""The census engine: matching, epipolar geometry, a second search, interpolation, refinement (LABELS section 4.8).

Most of what a driving camera sees stands still. The engine matches seeds freely, fits the camera's motion to the
matches, and then treats the still scene as what it is: lost seeds are searched for along their epipolar lines, the flow
between seeds comes from planes in space, asphalt that shows nothing takes the plane of the road, and the refinement
moves points along their lines only. Matches that agree among each other but lie off their lines are things that move:
there, and in pairs without a dominant motion of the camera, the flow comes from affine fits.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels import epipolar, interpolation, likeness, movers, seeds, still_scene
from labels.edge_filter import EdgeParameters
from labels.matching import Grid, MatchingParameters
from labels.movers import MoverParameters
from labels.refinement import RefinementParameters, refine
from labels.seeds import GREY, Pair, SeedParameters
from labels.still_scene import StillParameters


@dataclass(frozen=True)
class CensusParameters:
    """Effort of the census engine; lengths in pixels of the image at hand."""

    seeds: SeedParameters = field(default_factory=SeedParameters)
    edges: EdgeParameters = field(default_factory=EdgeParameters)
    still: StillParameters = field(default_factory=StillParameters)
    movers: MoverParameters = field(default_factory=MoverParameters)
    guide_grey: float = 12.0
    """Grey-level difference at which a seed loses weight by e in a pixel."""
    refinement: RefinementParameters = field(default_factory=RefinementParameters)
    refinement_blur_px: float = 0.8
    line_weight: float = 100.0
    """How firmly the refinement keeps still points on their lines."""


_SPARSE = MatchingParameters(step=6)
_DENSE = MatchingParameters(step=3, passes=8, last_passes=4)
PRESETS = {
    "fast": CensusParameters(SeedParameters(_SPARSE, _SPARSE), refinement=RefinementParameters(iterations=0)),
    "balanced": CensusParameters(),
    "accurate": CensusParameters(
        SeedParameters(_DENSE, _DENSE),
        edges=EdgeParameters(reach_px=15.0),
        refinement=RefinementParameters(iterations=3, sweeps=6),
    ),
}
"""One curve of quality against time (``benchmarks/README.md``)."""


def census_flow(
    grey1: GREY,
    grey2: GREY,
    parameters: CensusParameters,
    ground_slope: float | None = None,
    edges: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Flow (H, W, 2) float32 px from ``grey1`` to ``grey2``, (H, W) uint8, and where surviving matches carry it.

    ``ground_slope`` as in ``labels.flow.flow``; ``edges`` (H, W) in [0, 1] take the place of the frame's grey levels.
    """
    pair = Pair.of(grey1, grey2, edges)
    found = seeds.match(pair, parameters.seeds, parameters.edges)
    alike = likeness.of_differences(parameters.guide_grey)
    camera = still_scene.camera(pair, found, parameters.still)
    normals = None
    if camera is None:
        models, robust = interpolation.fit_affine(
            found.displacements, found.weights, found.along, parameters.movers.affine
        )
        trusted = seeds.agreeing(robust, found.weights)
        flow = np.empty((*grey1.shape, 2), np.float32)
        interpolation.interpolate(models, pair.guide, found.grid, alike, flow, np.ones(grey1.shape, np.bool_))
    else:
        levels = likeness.of_levels(parameters.guide_grey)
        camera = still_scene.measured_anew(pair, found, camera, levels, parameters.still, ground_slope)
        parallaxes = epipolar.parallaxes(found.displacements, *found.place, camera.line)
        move = movers.find(pair, found, parallaxes, camera.texture, camera.horizon, parameters.movers)
        flow, robust = still_scene.still_flow(
            pair, found, parallaxes, camera, levels, parameters.still, parameters.seeds, move.moving, ground_slope
        )
        moving, carriers = movers.draw(pair, found, move, flow, alike, parameters.movers)
        firm = found.weights >= parameters.still.least_weight
        trusted = carriers | (firm & seeds.agreeing(robust, found.weights))
        if parameters.refinement.iterations:
            normals = epipolar.normals(flow, moving, camera.line, parameters.line_weight)
    if parameters.refinement.iterations:
        smooth1, smooth2 = (
            cv2.GaussianBlur(image, (0, 0), parameters.refinement_blur_px) for image in (pair.float1, pair.float2)
        )
        flow = refine(smooth1, smooth2, flow, parameters.refinement, normals)
    return flow, _near(trusted, found.grid, *grey1.shape)


def _near(trusted: NDArray[np.bool_], grid: Grid, height: int, width: int) -> NDArray[np.bool_]:
    """Pixels within a grid step and a half of a seed to be trusted."""
    result = np.zeros((height, width), np.uint8)
    _paint(trusted, *grid.place, result)
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
