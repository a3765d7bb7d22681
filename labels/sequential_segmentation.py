"""Moving things over consecutive pairs, as the paper's line of work tells them (LABELS 8.3).

The sequential Bayesian segmentation of Bideau and Learned-Miller (ECCV 2016, CVPR 2018): posteriors of the background
and of every moving component are carried along the flow and become the priors of the next pair. It starts, and starts
again where the background is lost, with the regions that are peeled off the map of the flow's errors as priors. Their
networks and random fields are left out. Once a component, a thing keeps its own direction, even where that has become
the still scene's.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.egomotion import Egomotion
from labels.flow import CONSISTENT, TEXTURED
from labels.motion_peeling import peeled
from labels.motion_segmentation import SegmentationParameters, still_log_ratio
from labels.object_depth import own_heading, translational
from labels.regions import labelled

FLOATS = NDArray[np.float32]
Camera = tuple[float, tuple[float, float], tuple[float, float]]
"""Focal length, principal point, noise of the flow."""


@dataclass(frozen=True)
class SequentialParameters:
    """How components are found and carried; lengths in pixels at a working width of 640 where no unit is given."""

    moving_likelihood: str = "laplace"  # model of LABELS 8.1: laplace (2018), von_mises (2016) or mixture
    effectiveness: float = 0.7  # share of the errors' variance that a threshold must explain in the first pair
    most_components: int = 15
    least_share: float = 1e-4  # of the frame: smaller components are dropped
    location_range: float = 0.05  # of (H + W) / 2: how far a component may be from where it is expected
    prior_blur_px: float = 1.75
    carried_blur_px: float = 1.0


@dataclass(frozen=True)
class Components:
    """What a pair says of its first frame, with what was believed before."""

    labels: NDArray[np.uint8]  # (H, W), 0 still, 1 ... the moving components
    posteriors: FLOATS  # (components, H, W)


def carried(found: Components, flow: FLOATS, elapsed: float, parameters: SequentialParameters) -> FLOATS:
    """Posteriors (components, H, W) in a later frame, ``elapsed`` durations of their pair after its first frame.

    ``flow`` (H, W, 2) pixels is the pair's; things are taken to move on evenly.
    """
    if not len(found.posteriors):
        return found.posteriors
    step = flow * np.float32(elapsed)
    return np.stack([_carry(each, found.labels > 0, step, parameters.carried_blur_px) for each in found.posteriors])


def background(expected: FLOATS) -> NDArray[np.bool_]:
    """Where no component is expected (H, W): the pixels that the camera's motion is fitted to."""
    return ~np.any(expected > 0.5, axis=0, keepdims=True)[0]


def components(
    flow: FLOATS,
    motion: Egomotion,
    focal: float,
    principal_point: tuple[float, float],
    noise: tuple[float, float],
    expected: FLOATS | None = None,
    parameters: SequentialParameters | None = None,
) -> Components:
    """The moving components of a pair's first frame.

    ``flow`` (H, W, 2) pixels, ``motion`` the camera's, ``focal`` and ``principal_point`` in pixels, ``noise`` the floor
    in pixels of this image and the relative part (for the likelihood ``mixture``), ``expected`` what ``carried`` gave.
    Raises ``ValueError`` for an unknown likelihood.
    """
    parameters = parameters or SequentialParameters()
    camera = focal, principal_point, noise
    if expected is None or expected.shape[1:] != flow.shape[:2]:
        return _started(flow, motion, camera, parameters)
    found = _continued(flow, motion, camera, expected, parameters)
    lost = np.count_nonzero(found.labels == 0) < _least(flow, parameters)
    return _started(flow, motion, camera, parameters) if lost else found


def _least(flow: FLOATS, parameters: SequentialParameters) -> float:
    return parameters.least_share * flow.shape[0] * flow.shape[1]


def _started(flow: FLOATS, motion: Egomotion, camera: Camera, parameters: SequentialParameters) -> Components:
    least = _least(flow, parameters)
    error = projection_error(flow, motion, camera[0], camera[1])
    found = peeled(error, least, parameters.effectiveness, parameters.most_components)
    labels = _numbered(found, least, parameters.most_components)
    return _continued(flow, motion, camera, _masks(labels), parameters)


def projection_error(flow: FLOATS, motion: Egomotion, focal: float, principal_point: tuple[float, float]) -> FLOATS:
    """How far translational flow misses the direction of a still point's, px, (H, W); NaN where flow is."""
    start, t = translational(flow, np.ones(flow.shape[:2], np.bool_), motion.R, focal, principal_point)
    tau = start * motion.T[2] - focal * motion.T[:2]
    along, across = (t * tau).sum(axis=1), t[:, 1] * tau[:, 0] - t[:, 0] * tau[:, 1]
    error = np.where(along >= 0, np.abs(across) / (np.hypot(*tau.T) + 1e-9), np.hypot(*t.T))
    return error.reshape(flow.shape[:2]).astype(np.float32)


def _numbered(mask: NDArray[np.bool_], least: float, most: int) -> NDArray[np.uint8]:
    """Connected regions from 1 on, the largest first, as many as there is room for."""
    regions, statistics = labelled(mask, connectivity=8)
    area = statistics[:, -1]
    table = np.zeros(len(area), np.uint8)
    for number, region in enumerate([k for k in np.argsort(-area, kind="stable") if area[k] > least][:most]):
        table[region] = number + 1
    return table[regions]


def _masks(labels: NDArray[np.uint8]) -> FLOATS:
    return (labels == np.arange(1, int(labels.max()) + 1)[:, None, None]).astype(np.float32)


def _continued(
    flow: FLOATS, motion: Egomotion, camera: Camera, expected: FLOATS, parameters: SequentialParameters
) -> Components:
    """Posteriors from the expected ones; new regions become components."""
    least = _least(flow, parameters)
    kept, evidence = [], [_evidence(flow, motion, camera, parameters)]
    for each in expected:
        if np.count_nonzero(each > 0.5) <= least:
            continue
        heading = own_heading(flow, each > FIRMLY, motion.R, *camera[:2])
        if heading is not None:
            kept.append(each)
            evidence.append(_evidence(flow, replace(motion, T=heading), camera, parameters))
    priors = _priors(kept, flow.shape[:2], parameters)
    weights = np.stack([*(p * np.exp(e) for p, e in zip(priors, evidence)), priors[-1]])
    posterior = weights / weights.sum(axis=0)
    best, runner_up = posterior.argmax(axis=0), posterior[:-1].argmax(axis=0)
    unlike = best == len(kept) + 1
    labels = np.where(unlike, runner_up, best).astype(np.uint8)
    regions = _numbered(unlike, least, parameters.most_components)
    beside = np.unique(regions[runner_up == 0])  # against the background: what else is new belongs to a component
    posteriors = list(posterior[1:-1])
    for number in beside[beside > 0][: parameters.most_components - len(kept)]:
        region = regions == number
        posteriors.append(np.where(region, np.float32(1), np.float32(0)))
        labels[region] = len(posteriors)
    return Components(labels, np.stack(posteriors) if posteriors else np.zeros((0, *labels.shape), np.float32))


FIRMLY = 0.75
"""A component's own direction is told by the pixels where it is expected so firmly: a few others turn it far."""


def _evidence(flow: FLOATS, motion: Egomotion, camera: Camera, parameters: SequentialParameters) -> FLOATS:
    """Log likelihood of each pixel's flow for something that moves so, over that of a new motion; (H, W)."""
    told = np.full(flow.shape[:2], CONSISTENT | TEXTURED, np.uint8)  # the paper's flow is not checked
    rule = SegmentationParameters(likelihood=parameters.moving_likelihood, max_log_ratio=MOST_EVIDENCE)
    return still_log_ratio(flow, told, motion, *camera, rule)[0]


MOST_EVIDENCE = 60.0
"""Limit of a pixel's evidence, for the sake of ``float32`` only."""


def _priors(kept: list[FLOATS], shape: tuple[int, ...], parameters: SequentialParameters) -> list[FLOATS]:
    """Of the background, the components and a new motion, (H, W) each; they sum to one."""
    new = 1 / (len(kept) + 2)
    reach = parameters.location_range * sum(shape) / 2
    fields = [np.clip(1 - sum(kept, np.zeros(shape, np.float32)), 0, 1)]
    for each in kept:
        distance = cv2.distanceTransform((each <= 0.5).astype(np.uint8), cv2.DIST_L2, 3)
        fields.append(each * np.square(1 - np.minimum(distance, reach) / reach))
    blurred = [cv2.GaussianBlur(each, (7, 7), parameters.prior_blur_px) + np.float32(1e-6) for each in fields]
    total = sum(blurred[1:], blurred[0].copy())
    return [*(np.float32(1 - new) * each / total for each in blurred), np.full(shape, new, np.float32)]


def _carry(posterior: FLOATS, moving: NDArray[np.bool_], flow: FLOATS, blur_px: float) -> FLOATS:
    """A posterior in a later frame: moved by the rounded flow, collisions averaged, holes filled from around.

    What something moving uncovers is background: there the filled holes are zero.
    """
    total, count = _splat(posterior, flow)
    spread = {"ksize": (7, 7), "sigmaX": 1.75}
    filled = cv2.GaussianBlur(total, **spread) / np.maximum(cv2.GaussianBlur(count, **spread), 1e-3)
    around = np.where(moving, 0, np.minimum(filled, 1))
    moved = np.where(count > 0, total / np.maximum(count, 1), around)
    return cv2.GaussianBlur(moved.astype(np.float32), (3, 3), blur_px)


@njit(cache=True, nogil=True)
def _splat(posterior: FLOATS, flow: FLOATS) -> tuple[FLOATS, FLOATS]:
    height, width = posterior.shape
    total, count = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            x2, y2 = x + flow[y, x, 0], y + flow[y, x, 1]
            if x2 > -0.5 and y2 > -0.5 and x2 < width - 0.5 and y2 < height - 0.5:  # not NaN
                column, row = int(x2 + 0.5), int(y2 + 0.5)
                total[row, column] += posterior[y, x]
                count[row, column] += 1
    return total, count
