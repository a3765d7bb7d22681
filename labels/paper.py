"""The label of one pair as the paper makes it, for who compares with it (LABELS 6, 8.3, 10.1, 10.2).

One focal length for every video, the reference camera motion on the background, the sequential segmentation, and its
Eq. 3, ``Z = |tau| / |t|``, at every pixel that stands still: no flow is checked, nothing is masked, carried or
completed, and around the focus of expansion, where ``tau`` vanishes and noise does not, a disc is near that is far.
What moves by itself has no depth: the paper does not say whether it has.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labels.depth import InverseDepth
from labels.edge_channels import Detector
from labels.egomotion import Egomotion, EgomotionParameters, fit
from labels.flow import FlowParameters, flow
from labels.object_depth import translational
from labels.sequential_segmentation import Components, SequentialParameters, background, carried, components


@dataclass(frozen=True)
class PaperParameters:
    """What only the paper's recipe has; the method of its egomotion and its flow are chosen as all others'."""

    focal: float = 0.812  # of the width, for every video
    sequential: SequentialParameters = field(default_factory=SequentialParameters)


@dataclass(frozen=True)
class Before:
    """What an earlier pair left: its flow, motion and components, and how long it is ago (see ``label_pair``)."""

    flow: NDArray[np.float32]
    motion: Egomotion
    components: Components
    frame_ratio: float
    elapsed: float


@dataclass(frozen=True)
class Told:
    """What the paper's recipe tells of a pair; without a depth where the motion has a reason."""

    flow: NDArray[np.float32]
    support: NDArray[np.uint8]
    motion: Egomotion
    components: Components | None = None
    depth: InverseDepth | None = None


def tell(
    frames: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    focal: float,
    centre: tuple[float, float],
    flow_parameters: FlowParameters,
    motion_parameters: EgomotionParameters,
    parameters: PaperParameters,
    before: Before | None = None,
    detector: Detector | None = None,
) -> Told:
    """Flow, motion, components and inverse depth of a pair of frames, ``focal`` and ``centre`` in their pixels.

    ``detector`` tells learned edges to the flow.
    """
    field_, support = flow(*frames, flow_parameters, detector=detector)
    moving, start, ratio = None, None, 1.0
    if before is not None:
        moving = carried(before.components, before.flow, before.elapsed, parameters.sequential)
        start, ratio = before.motion, before.frame_ratio
    still = None if moving is None else background(moving)
    motion = fit(field_, support, focal, centre, motion_parameters, start, ratio, still)
    if motion.reason:
        return Told(field_, support, motion)
    noise = motion_parameters.noise_floor_px * support.shape[1] / 640, motion_parameters.noise_relative
    found = components(field_, motion, focal, centre, noise, moving, parameters.sequential)
    depth = equation_3(field_, motion, focal, centre, noise, found.labels > 0)
    return Told(field_, support, motion, found, depth)


def equation_3(
    vectors: NDArray[np.float32],
    motion: Egomotion,
    focal: float,
    principal_point: tuple[float, float],
    noise: tuple[float, float],
    moving: NDArray[np.bool_],
) -> InverseDepth:
    """Inverse depth ``|t| / |tau|`` of every pixel with a flow that does not move by itself.

    ``vectors`` (H, W, 2), ``focal`` and ``principal_point`` in pixels, ``noise`` the floor in pixels of this image and
    the relative part, which tell the standard deviation.
    """
    start, t = translational(vectors, np.ones(moving.shape, np.bool_), motion.R, focal, principal_point)
    tau = start * motion.T[2] - focal * motion.T[:2]
    distance = np.hypot(*tau.T) + 1e-6
    rho = (np.hypot(*t.T) / distance).reshape(moving.shape).astype(np.float32)
    sigma = np.hypot(noise[0], noise[1] * np.hypot(vectors[..., 0], vectors[..., 1]))
    deviation = (sigma / distance.reshape(moving.shape)).astype(np.float32)
    valid = np.isfinite(rho) & np.isfinite(deviation) & ~moving
    typical = float(np.median(rho[valid])) if valid.any() else np.nan
    return InverseDepth(rho, deviation, valid, typical)
