"""The label of one pair of frames: flow, egomotion, inverse depth, percentile (LABELS section 17.1)."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labels import codec
from labels.dense_depth import MEASURED, NONE, PROPAGATED, SKY, DenseDepth, DenseParameters, complete
from labels.depth import DepthParameters, InverseDepth, inverse_depth
from labels.edge_channels import Detector
from labels.egomotion import Egomotion, EgomotionParameters, fit, sample
from labels.flow import INSIDE, INTERPOLATED, MATCHED, TEXTURED, FlowParameters, flow, grey
from labels.focal_length import sensitivity
from labels.fusion import FusionParameters, carried, fuse
from labels.motion_segmentation import SegmentationParameters, segment
from labels.paper import Before, PaperParameters, tell
from labels.percentile import percentile
from labels.sequential_segmentation import Components
from labels.sky import SkyParameters, sky
from labels.sunken import SunkenParameters, upside_down

LATER = {"later": True}
"""Marks parameters that came after labels were made: at their default, a label's fingerprint leaves them out."""

RECIPES = "ours", "paper"
"""The ways from a flow to a label."""


@dataclass(frozen=True)
class LabelParameters:
    """All that decides a label."""

    flow: FlowParameters = field(default_factory=FlowParameters)
    egomotion: EgomotionParameters = field(default_factory=EgomotionParameters)
    segmentation: SegmentationParameters = field(default_factory=SegmentationParameters)
    depth: DepthParameters = field(default_factory=DepthParameters)
    fusion: FusionParameters = field(default_factory=FusionParameters)
    sky: SkyParameters = field(default_factory=SkyParameters)
    dense: DenseParameters = field(default_factory=DenseParameters)
    sunken: SunkenParameters = field(default_factory=SunkenParameters)
    min_valid_fraction: float = 0.35  # of the frame with a depth, else the pair gives no label
    percentile_over: str = "valid"  # the pixels with a depth, or area: the whole frame but what is fixed to the car
    max_focal_sensitivity: float = 0.1  # mean change of the percentiles from 0.75 to 1.35 of a focal length not known
    recipe: str = field(default="ours", metadata=LATER)  # or paper: see ``labels.paper``
    paper: PaperParameters = field(default_factory=PaperParameters, metadata=LATER)


@dataclass(frozen=True)
class PairLabel:
    """The label of the first frame of a pair.

    ``reason`` is empty for a label that is kept; else ``low_texture``, one of ``Egomotion.reason``, ``f_sensitive``
    (``labels.focal_length.sensitivity``), ``too_few_valid``, or ``upside_down`` (``labels.sunken``). Sky is beyond
    the order of depths and has percentile 1. ``codes`` and ``confidence`` are (H, W) ``uint8`` (``labels.codec``), zero
    where there is none.
    """

    reason: str
    codes: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    origin: NDArray[np.uint8]  # of each pixel's depth, see ``labels.dense_depth``
    moving: NDArray[np.bool_]
    egomotion: Egomotion
    valid_fraction: float
    flow: NDArray[np.float32]
    support: NDArray[np.uint8]
    measured: InverseDepth | None = None  # by this pair and, where they are fused, by those before
    depth: DenseDepth | None = None
    components: Components | None = None  # of the paper's recipe alone


POPULATIONS = "valid", "area"
"""What percentiles may be taken over (LABELS 10.4)."""

MIN_TEXTURED = 0.15
"""Share of the frame that must have texture or a match (LABELS 11.12)."""


def label_pair(
    image1: NDArray[np.uint8],
    image2: NDArray[np.uint8],
    focal: float,
    parameters: LabelParameters | None = None,
    previous: "PairLabel | None" = None,
    frame_ratio: float = 1.0,
    principal_point: tuple[float, float] | None = None,
    usable: NDArray[np.bool_] | None = None,
    heading: NDArray[np.float64] | None = None,
    focal_known: bool = True,
    elapsed: float = 1.0,
    detector: Detector | None = None,
) -> PairLabel:
    """Label ``image1`` from its flow to ``image2``.

    Images are (H, W) grey or (H, W, 3) RGB ``uint8`` of one size, ``focal`` and ``principal_point`` (x, y; by default
    the centre) in their pixels. ``previous`` is the label of a pair shortly before, one that was kept, and
    ``frame_ratio`` the duration of this pair over that one's; ``elapsed`` is the time from its first frame to
    ``image1``, over its duration too. ``usable`` (H, W) is false on what is fixed to the car,
    ``heading`` (3,) is the usual one of the video; turns give no label where not
    ``focal_known``. ``detector`` tells learned edges to the flow. Raises ``ValueError`` for images that are none; what
    they show never raises, it only gives ``PairLabel.reason``.
    """
    parameters = parameters or LabelParameters()
    height, width = image1.shape[:2]
    centre = principal_point or ((width - 1) / 2, (height - 1) / 2)
    if parameters.recipe == "paper":
        return _by_paper((image1, image2), focal, centre, parameters, previous, frame_ratio, elapsed, detector)
    if parameters.recipe not in RECIPES:
        raise ValueError(f"label: unknown recipe {parameters.recipe!r}; known: {', '.join(RECIPES)}")
    motion_before, slope_before = None, None
    if previous is not None and previous.depth is not None:
        motion_before, slope_before = previous.egomotion, previous.depth.ground_slope
    frames = grey(image1), grey(image2)
    slope = slope_before and slope_before * frame_ratio
    field_, support = flow(image1, image2, parameters.flow, slope, detector)
    motion = fit(
        field_, support, focal, centre, parameters.egomotion, motion_before, frame_ratio, usable, heading, frames
    )
    reason = motion.reason
    if np.count_nonzero(support & (TEXTURED | MATCHED)) < MIN_TEXTURED * support.size:
        reason = "low_texture"
    if reason:
        return _without(reason, motion, field_, support)
    if not focal_known and _turns(field_, support, motion, focal, centre, parameters, usable):
        return _without("f_sensitive", motion, field_, support)
    noise = parameters.egomotion.noise_floor_px * width / 640, parameters.egomotion.noise_relative
    moving = segment(field_, support, motion, focal, centre, noise, parameters.segmentation, frames, usable)
    measured = inverse_depth(field_, support, motion, focal, centre, *noise, parameters.depth, usable)
    horizon = motion.focus_of_expansion(focal, centre)[1]
    if not measured.typical > 0:
        return _without("too_few_valid", motion, field_, support)
    own = measured.valid
    if previous is not None:
        measured = _fused(measured, motion, previous, elapsed, focal, centre, parameters.fusion)
    nearness = measured.inverse_depth / np.float32(measured.typical)
    above = sky(image1, horizon, nearness, measured.valid & ~moving, parameters.sky)
    moving &= ~above  # clouds drift
    if usable is not None:
        above &= usable
    barred = moving if usable is None else moving | ~usable
    depth = complete(measured, above, horizon, _continued(support), barred, parameters.dense, parameters.sunken, own)
    valid = depth.origin != NONE
    if np.count_nonzero(valid) < parameters.min_valid_fraction * valid.size:
        return _without("too_few_valid", motion, field_, support)
    if upside_down(depth.inverse_depth, depth.ranked, horizon, parameters.sunken) > parameters.sunken.max_upside_down:
        return _without("upside_down", motion, field_, support)
    z = percentile(depth.inverse_depth, depth.ranked, depth.typical, _unknown(valid, usable, parameters))
    z[depth.origin == SKY] = 1.0
    return PairLabel(
        "",
        codec.encode(z, valid),
        codec.encode_confidence(depth.deviation, depth.typical, valid),
        depth.origin,
        moving,
        motion,
        float(np.count_nonzero(valid) / valid.size),
        field_,
        support,
        measured,
        depth,
    )


def _by_paper(
    frames: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    focal: float,
    centre: tuple[float, float],
    parameters: LabelParameters,
    previous: PairLabel | None,
    frame_ratio: float,
    elapsed: float,
    detector: Detector | None,
) -> PairLabel:
    """The label by the paper's recipe: percentiles over all pixels that it gives a depth."""
    before = None
    if previous is not None and previous.components is not None:
        before = Before(previous.flow, previous.egomotion, previous.components, frame_ratio, elapsed)
    told = tell(frames, focal, centre, parameters.flow, parameters.egomotion, parameters.paper, before, detector)
    if told.components is None or told.depth is None:
        return _without(told.motion.reason, told.motion, told.flow, told.support)
    depth = told.depth
    valid_fraction = np.count_nonzero(depth.valid) / depth.valid.size
    if valid_fraction < parameters.min_valid_fraction or not depth.typical > 0:
        return _without("too_few_valid", told.motion, told.flow, told.support)
    z = percentile(depth.inverse_depth, depth.valid, depth.typical)
    return PairLabel(
        "",
        codec.encode(z, depth.valid),
        codec.encode_confidence(depth.deviation, depth.typical, depth.valid),
        np.where(depth.valid, np.uint8(MEASURED), np.uint8(NONE)),
        told.components.labels > 0,
        told.motion,
        float(valid_fraction),
        told.flow,
        told.support,
        components=told.components,
    )


def _fused(
    measured: InverseDepth,
    motion: Egomotion,
    previous: PairLabel,
    elapsed: float,
    focal: float,
    centre: tuple[float, float],
    parameters: FusionParameters,
) -> InverseDepth:
    """What was measured, with what the pairs before told of surfaces that stand still."""
    if not parameters.carry or previous.measured is None or previous.depth is None or elapsed > parameters.farthest:
        return measured
    origin = previous.depth.origin
    told = previous.measured.valid & ((origin == MEASURED) | (origin == PROPAGATED))
    earlier = carried(previous.measured, told, previous.egomotion, elapsed, focal, centre)
    return fuse(measured, float(motion.T[2]), earlier, parameters)


def _unknown(
    valid: NDArray[np.bool_], usable: NDArray[np.bool_] | None, parameters: LabelParameters
) -> NDArray[np.bool_] | None:
    """Pixels without a depth that have their place in the order all the same."""
    if parameters.percentile_over not in POPULATIONS:
        known = ", ".join(POPULATIONS)
        raise ValueError(f"label: percentiles over {parameters.percentile_over!r} are not known; known: {known}")
    if parameters.percentile_over == "valid":
        return None
    return ~valid if usable is None else ~valid & usable


def _turns(
    flow: NDArray[np.float32],
    support: NDArray[np.uint8],
    motion: Egomotion,
    focal: float,
    centre: tuple[float, float],
    parameters: LabelParameters,
    usable: NDArray[np.bool_] | None,
) -> bool:
    """Whether another focal length would give other percentiles."""
    samples = sample(flow, support, focal, centre, parameters.egomotion, usable)
    return sensitivity(samples, motion, parameters.egomotion) > parameters.max_focal_sensitivity


def _continued(support: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the flow goes on from matches around: not where texture should have had a match of its own."""
    unmatched = support & (TEXTURED | INSIDE) == (TEXTURED | INSIDE)
    return (support & INTERPOLATED != 0) & (~unmatched | (support & MATCHED != 0))


def _without(reason: str, motion: Egomotion, flow: NDArray[np.float32], support: NDArray[np.uint8]) -> PairLabel:
    nothing = np.zeros(support.shape, np.uint8)
    return PairLabel(reason, nothing, nothing, nothing, nothing.view(np.bool_), motion, 0.0, flow, support)
