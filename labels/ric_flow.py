"""The reference engine: coarse-to-fine matches, robust interpolation, variational refinement (LABELS 4.2 to 4.4).

The flow of the paper, for who compares with it. It knows nothing of cameras: what stands still and what moves are
treated alike.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from labels import census, edges, matching, patch_matching, robust_interpolation, subpixel
from labels.descriptors import descriptors
from labels.matching import Grid
from labels.patch_matching import PatchParameters
from labels.refinement import RefinementParameters, refine
from labels.robust_interpolation import RobustParameters
from labels.superpixels import SuperpixelParameters, superpixels

GREY = NDArray[np.uint8]


@dataclass(frozen=True)
class RicParameters:
    """Steps of the reference engine; lengths in pixels of the image at hand."""

    patches: PatchParameters = field(default_factory=PatchParameters)
    agreement_px: float = 3.0
    """Distance within which a backward match must lead back."""
    border_px: int = 5
    """Matches nearer to the border than this are dropped."""
    least_matched: float = 0.0117
    """Share of the seeds that must have a match."""
    subpixel_iterations: int = 4
    subpixel_limit_px: float = 1.5
    edges: str = "thinned"
    """Edges that interpolation walks round (``labels.edges``)."""
    superpixels: SuperpixelParameters = field(default_factory=SuperpixelParameters)
    interpolation: RobustParameters = field(default_factory=RobustParameters)
    refinement: RefinementParameters = field(
        default_factory=lambda: RefinementParameters(iterations=1, sweeps=15, relaxation=1.9, alpha=2.4, zeta=0.1)
    )
    """A step of the refinement; ``alpha`` is that of LABELS 4.4 over ``gamma / sqrt(3)``: one channel counts thrice."""
    warps: int = 3
    """Times that frame 2 is warped and the flow refined."""
    blur_px: float = 1.1
    """Smoothing of the frames before the refinement."""


def ric_flow(
    grey1: GREY,
    grey2: GREY,
    parameters: RicParameters | None = None,
    edge_map: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
    """Flow (H, W, 2) float32 px from ``grey1`` to ``grey2``, (H, W) uint8, and where matches support it.

    ``edge_map`` (H, W) in [0, 1] takes the place of the parameters' edges. None where too few seeds have a match
    (LABELS 4.2, edge cases).
    """
    parameters = parameters or RicParameters()
    grid, displacements, kept = _matched(grey1, grey2, parameters)
    if np.count_nonzero(kept) < max(parameters.least_matched * kept.size, 1):
        return None
    rows, columns = np.nonzero(kept)
    places = np.stack([grid.x0 + grid.step * columns, grid.y0 + grid.step * rows], axis=1).astype(np.int32)
    flow, trusted = robust_interpolation.interpolate(
        superpixels(grey1, parameters.superpixels),
        edges.edge_map(grey1, parameters.edges) if edge_map is None else edge_map,
        places,
        displacements[kept],
        parameters.interpolation,
    )
    smooth = [cv2.medianBlur(np.ascontiguousarray(flow[..., k]), 5) for k in range(2)]
    return _refined(grey1, grey2, np.stack(smooth, axis=-1), parameters), trusted


def _matched(
    grey1: GREY, grey2: GREY, parameters: RicParameters
) -> tuple[Grid, NDArray[np.float32], NDArray[np.bool_]]:
    """Displacements of a grid of seeds (rows, columns, 2), and which of them can be trusted."""
    count = matching.levels(*grey1.shape)
    levels1, levels2 = ([descriptors(image) for image in census.pyramid(grey, count)] for grey in (grey1, grey2))
    grid, matches = patch_matching.match(levels1, levels2, parameters.patches)
    _, back = patch_matching.match(levels2, levels1, parameters.patches)
    limits = parameters.agreement_px, parameters.border_px
    kept = matching.agreement(matches, *grid.place, back, *grid.place, *grey1.shape, *limits)
    kept = matching.without_isolated(matches[..., :2].astype(np.float32), kept, grid.step) > 0
    effort = parameters.subpixel_iterations, parameters.subpixel_limit_px
    frames = grey1.astype(np.float32), grey2.astype(np.float32)
    return grid, subpixel.refine_matches(*frames, matches, kept, *grid.place, *effort), kept


def _refined(grey1: GREY, grey2: GREY, flow: NDArray[np.float32], parameters: RicParameters) -> NDArray[np.float32]:
    """The flow after all steps of the refinement, smooth where the frame is."""
    smooth1, smooth2 = (
        cv2.GaussianBlur(image.astype(np.float32), (0, 0), parameters.blur_px) for image in (grey1, grey2)
    )
    across, down = (cv2.Sobel(smooth1, cv2.CV_32F, *axis, scale=1 / (8 * 255)) for axis in ((1, 0), (0, 1)))
    smoothness = np.exp(-5 * np.hypot(across, down))
    for _ in range(parameters.warps):
        flow = refine(smooth1, smooth2, flow, parameters.refinement, smoothness=smoothness)
    return flow
