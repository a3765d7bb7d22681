"""Dense optical flow between two frames, and where it can be trusted (LABELS sections 4.1, 4.5, 4.6)."""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.census_flow import PRESETS, census_flow
from labels.edge_channels import Detector
from labels.edges import METHODS, edge_map
from labels.flow_rows import split_row
from labels.ric_flow import ric_flow
from labels.structure_tensor import smaller_eigenvalue

CONSISTENT = 1
"""Support bit: the backward flow at the end point leads back to the start."""
INSIDE = 2
"""Support bit: the end point lies inside frame 2, two pixels from its border or more."""
TEXTURED = 4
"""Support bit: the neighbourhood has texture in two directions (no aperture problem)."""
MATCHED = 8
"""Support bit: a sparse match of the engine supports the pixel (engines without matches leave it unset)."""
INTERPOLATED = 16
"""Support bit: the flow continues that of matches on the same surface (not set by engines that only smooth)."""

OWN = "own"
EDGES = OWN, *METHODS
"""What interpolated flow may stop at: the engine's own edges, or those of ``labels.edges``."""
_LEARNED_STEPS = 8.0
"""Steps from black to white that a sure learned edge counts as to census: it is a share of votes, seldom above 0.2."""


@dataclass(frozen=True)
class FlowParameters:
    """How flow is computed and checked; lengths in pixels at a working width of 640."""

    engine: str = "census"  # ours, for large motion and faint texture; dis is OpenCV's, quick; ric the paper's
    preset: str = "balanced"
    """Effort of the census engine: ``fast``, ``balanced`` or ``accurate``."""
    consistency_px: float = 1.0
    consistency_relative: float = 0.05
    border_px: float = 2.0
    texture_grey2: float = 2.0
    edges: str = field(default=OWN, metadata={"later": True})  # or gradient, thinned, learned: where flow may break
    edge_model: str = field(default="", metadata={"later": True})  # of learned edges: the name that TrainEdges gave it


Engine = Callable[
    [NDArray[np.uint8], NDArray[np.uint8], FlowParameters, float | None, NDArray[np.float32] | None],
    tuple[NDArray[np.float32], NDArray[np.uint8]],
]


def flow(
    image1: NDArray[np.uint8],
    image2: NDArray[np.uint8],
    parameters: FlowParameters | None = None,
    ground_slope: float | None = None,
    detector: Detector | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Flow from ``image1`` to ``image2`` and its support.

    Both images are (H, W) grey or (H, W, 3) RGB ``uint8`` of one size, at least 64x64. ``ground_slope``, if known from
    pairs before: by how much the ground's inverse depth, in units of one over the distance travelled, grows with each
    pixel row; it helps where a coder left nothing of the asphalt. ``detector`` tells learned edges. Returns the flow,
    (H, W, 2) ``float32`` in pixels, channel 0 = u to the right, and the support, (H, W) ``uint8``, an OR of the bits
    ``CONSISTENT``, ``INSIDE``, ``TEXTURED``, ``MATCHED`` and ``INTERPOLATED``. Raises ``ValueError`` for other inputs.
    """
    parameters = parameters or FlowParameters()
    grey1, grey2 = grey(image1), grey(image2)
    if grey1.shape != grey2.shape:
        raise ValueError(f"flow: the images have different sizes, {grey1.shape} and {grey2.shape}")
    if min(grey1.shape) < 64:
        raise ValueError(f"flow: images must be at least 64x64 pixels, got {grey1.shape[1]}x{grey1.shape[0]}")
    forward, support = _engine(parameters)(grey1, grey2, parameters, ground_slope, _edges(image1, parameters, detector))
    support |= (texture(grey1) > parameters.texture_grey2).view(np.uint8) * np.uint8(TEXTURED)
    return forward, support


def grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image as (H, W) ``uint8`` luma. Raises ``ValueError`` unless it is ``uint8``, grey or RGB."""
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(f"flow: images must be uint8 of shape (H, W) or (H, W, 3), got {image.dtype} {image.shape}")
    return np.ascontiguousarray(image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def consistency(
    forward: NDArray[np.float32], backward: NDArray[np.float32], parameters: FlowParameters
) -> NDArray[np.uint8]:
    """Support bits ``CONSISTENT`` (``|f + b| < 1 + 0.05 |f|``) and ``INSIDE`` for two flows of opposite direction."""
    height, width = forward.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x2, y2 = columns + forward[..., 0], rows + forward[..., 1]
    returned = cv2.remap(backward, x2, y2, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    gap = np.hypot(forward[..., 0] + returned[..., 0], forward[..., 1] + returned[..., 1])
    limit = parameters.consistency_px + parameters.consistency_relative * np.hypot(forward[..., 0], forward[..., 1])
    border = parameters.border_px
    inside = (x2 >= border) & (x2 <= width - 1 - border) & (y2 >= border) & (y2 <= height - 1 - border)
    return (np.where(inside & (gap < limit), CONSISTENT, 0) | np.where(inside, INSIDE, 0)).astype(np.uint8)


def texture(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Smaller eigenvalue of the structure tensor, (H, W) ``float32``, grey levels squared (7x7 mean, LABELS 4.5)."""
    return smaller_eigenvalue(cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1.0))


def _engine(parameters: FlowParameters) -> Engine:
    if parameters.engine not in ENGINES:
        raise ValueError(f"flow: unknown engine {parameters.engine!r}; known: {', '.join(ENGINES)}")
    if parameters.preset not in PRESETS:
        raise ValueError(f"flow: unknown preset {parameters.preset!r}; known: {', '.join(PRESETS)}")
    return ENGINES[parameters.engine]


def _edges(
    image: NDArray[np.uint8], parameters: FlowParameters, detector: Detector | None
) -> NDArray[np.float32] | None:
    """The map of edges that the parameters name; None where the engine has its own."""
    if parameters.edges == OWN or parameters.engine == "dis":
        return None
    return edge_map(image, parameters.edges, detector)


def _checked_dis(
    grey1: NDArray[np.uint8], grey2: NDArray[np.uint8], parameters: FlowParameters, *_: object
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    forward, backward = _dis(grey1, grey2), _dis(grey2, grey1)
    return forward, consistency(forward, backward, parameters)


def _checked_census(
    grey1: NDArray[np.uint8],
    grey2: NDArray[np.uint8],
    parameters: FlowParameters,
    ground_slope: float | None,
    edges: NDArray[np.float32] | None,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    if edges is not None and parameters.edges == "learned":
        edges = edges * np.float32(_LEARNED_STEPS)
    forward, matched = census_flow(grey1, grey2, PRESETS[parameters.preset], ground_slope, edges)
    return forward, _support(forward, matched, parameters.border_px)


def _checked_ric(
    grey1: NDArray[np.uint8],
    grey2: NDArray[np.uint8],
    parameters: FlowParameters,
    _: float | None,
    edges: NDArray[np.float32] | None,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    found = ric_flow(grey1, grey2, edge_map=edges)
    if found is None:  # nothing to interpolate
        forward = _dis(grey1, grey2)
        return forward, _support(forward, np.zeros(grey1.shape, np.bool_), parameters.border_px) & np.uint8(INSIDE)
    return found[0], _support(*found, parameters.border_px)


def _support(forward: NDArray[np.float32], matched: NDArray[np.bool_], border_px: float) -> NDArray[np.uint8]:
    """Bits ``INTERPOLATED``, ``MATCHED``, ``INSIDE``, and ``CONSISTENT`` where both hold: matches were checked."""
    return _supported(np.ascontiguousarray(forward), matched.view(np.uint8), border_px)


@njit(cache=True, nogil=True)
def _supported(forward: NDArray[np.float32], matched: NDArray[np.uint8], border_px: float) -> NDArray[np.uint8]:
    height, width = matched.shape
    us, vs = np.empty(width, np.float32), np.empty(width, np.float32)
    support = np.empty((height, width), np.uint8)
    right, bottom = width - 1 - border_px, height - 1 - border_px
    for y in range(height):
        split_row(forward[y], us, vs)
        for x in range(width):
            x2, y2 = np.int32(x) + np.float64(us[x]), np.int32(y) + np.float64(vs[x])
            inside = np.uint8((border_px <= x2) & (x2 <= right) & (border_px <= y2) & (y2 <= bottom))
            there = matched[y, x]
            told = np.uint8(INTERPOLATED) | inside * np.uint8(INSIDE) | there * np.uint8(MATCHED)
            support[y, x] = told | (inside & there) * np.uint8(CONSISTENT)
    return support


def _dis(grey1: NDArray[np.uint8], grey2: NDArray[np.uint8]) -> NDArray[np.float32]:
    engine = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return engine.calc(grey1, grey2, None)


ENGINES: dict[str, Engine] = {"dis": _checked_dis, "census": _checked_census, "ric": _checked_ric}
"""The engines by the names that ``FlowParameters.engine`` takes."""
