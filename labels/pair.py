"""The label of one pair of frames: flow, egomotion, inverse depth, percentile (LABELS section 17.1)."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labels import codec
from labels.depth import DepthParameters, InverseDepth, inverse_depth
from labels.egomotion import Egomotion, EgomotionParameters, fit
from labels.flow import MATCHED, TEXTURED, FlowParameters, flow
from labels.percentile import percentile


@dataclass(frozen=True)
class LabelParameters:
    """All that decides a label."""

    flow: FlowParameters = field(default_factory=FlowParameters)
    egomotion: EgomotionParameters = field(default_factory=EgomotionParameters)
    depth: DepthParameters = field(default_factory=DepthParameters)


@dataclass(frozen=True)
class PairLabel:
    """The label of the first frame of a pair.

    ``reason`` is empty for a label that is kept; else ``low_texture``, one of ``Egomotion.reason``, or
    ``too_few_valid``. ``codes`` and ``confidence`` are (H, W) ``uint8`` (``labels.codec``), zero where there is none.
    """

    reason: str
    codes: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    egomotion: Egomotion
    valid_fraction: float
    flow: NDArray[np.float32]
    support: NDArray[np.uint8]
    depth: InverseDepth | None = None


MIN_TEXTURED = 0.15
"""Share of the frame that must have texture or a match (LABELS 11.12)."""


def label_pair(
    image1: NDArray[np.uint8],
    image2: NDArray[np.uint8],
    focal: float,
    parameters: LabelParameters | None = None,
    previous: Egomotion | None = None,
    frame_ratio: float = 1.0,
    principal_point: tuple[float, float] | None = None,
    usable: NDArray[np.bool_] | None = None,
) -> PairLabel:
    """Label ``image1`` from its flow to ``image2``.

    Images are (H, W) grey or (H, W, 3) RGB ``uint8`` of one size, ``focal`` and ``principal_point`` (x, y; by default
    the centre) in their pixels. ``previous`` is the egomotion of a pair shortly before and ``frame_ratio`` the duration
    of this pair over that one's. ``usable`` (H, W) is false on what is fixed to the car. Raises ``ValueError`` for
    images that are none; what they show never raises, it only gives ``PairLabel.reason``.
    """
    parameters = parameters or LabelParameters()
    height, width = image1.shape[:2]
    centre = principal_point or ((width - 1) / 2, (height - 1) / 2)
    field_, support = flow(image1, image2, parameters.flow)
    motion = fit(field_, support, focal, centre, parameters.egomotion, previous, frame_ratio, usable)
    reason = motion.reason
    if np.count_nonzero(support & (TEXTURED | MATCHED)) < MIN_TEXTURED * support.size:
        reason = "low_texture"
    depth = None
    if not reason:
        noise = parameters.egomotion.noise_floor_px * width / 640, parameters.egomotion.noise_relative
        depth = inverse_depth(field_, support, motion, focal, centre, *noise, parameters.depth, usable)
        if np.count_nonzero(depth.valid) < parameters.depth.min_valid_fraction * depth.valid.size:
            reason = "too_few_valid"
    if reason or depth is None:
        nothing = np.zeros((height, width), np.uint8)
        return PairLabel(reason, nothing, nothing, motion, 0.0, field_, support, depth)
    z = percentile(depth.inverse_depth, depth.valid, depth.typical)
    return PairLabel(
        "",
        codec.encode(z, depth.valid),
        codec.encode_confidence(depth.deviation, depth.typical, depth.valid),
        motion,
        float(np.count_nonzero(depth.valid) / depth.valid.size),
        field_,
        support,
        depth,
    )
