"""How noisy the flow of a video is, from what the fits of its first pass leave (LABELS section 7.5).

``noise_scale(pairs, focal, width)`` takes a ``(Samples, Egomotion)`` of each pair and returns two parameters of
``EgomotionParameters``, with which the pairs are then fitted again, once::

    pairs.append(observed(flow, support, (image1, image2), focal, centre, parameters, usable))
    ...
    parameters = replace(parameters, **noise_scale(pairs, focal, width, parameters)._asdict())

The samples must be free to leave the epipolar lines. Those of a dense flow are not: the ``census`` engine holds its
flow on the lines of its own first fit, whose residual says nothing about noise, and any pair would come out at the
least noise allowed. ``observed`` therefore takes samples that are measured anew in the frames.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labels.egomotion import Egomotion, EgomotionParameters, Samples, derotated, fit
from labels.flow import grey
from labels.flow_samples import deviation, epipolar_directions, measured_anew

SMALL_PX, LARGE_PX = 4.0, 16.0  # lengths of flow that tell the floor and the relative part, at a width of 640
FLOOR_PX, RELATIVE = (0.1, 1.0), (0.005, 0.05)  # what may be returned
FEWEST_PAIRS, FEWEST_SAMPLES = 5, 30
TO_DEVIATION = 1.4826  # standard deviation of a normal variable over the median of its absolute value


class NoiseScale(NamedTuple):
    """Deviation of the flow across its direction: ``sigma^2 = noise_floor_px^2 + (noise_relative |flow|)^2``."""

    noise_floor_px: float  # at a working width of 640
    noise_relative: float


def observed(
    flow: NDArray[np.float32],
    support: NDArray[np.uint8],
    images: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    focal: float,
    principal_point: tuple[float, float],
    parameters: EgomotionParameters | None = None,
    usable: NDArray[np.bool_] | None = None,
) -> tuple[Samples, Egomotion]:
    """What ``noise_scale`` wants of a pair; arguments as of ``egomotion.fit``, whose result is the second."""
    parameters = parameters or EgomotionParameters()
    camera = focal, principal_point
    motion = fit(flow, support, *camera, parameters, usable=usable, images=images)
    frames = grey(images[0]), grey(images[1])
    samples = measured_anew(flow, support, frames, motion.T, *camera, parameters, usable)
    # what is an inlier is for the noise that is assumed to say, not for what the frames promise
    length = focal * np.hypot(samples.u, samples.v)
    return replace(samples, inverse_sigma=focal / deviation(length, flow.shape[1], parameters)), motion


def noise_scale(
    pairs: Iterable[tuple[Samples, Egomotion]],
    focal: float,
    width: int,
    parameters: EgomotionParameters | None = None,
) -> NoiseScale:
    """The noise of a video's flow.

    ``pairs`` are those of its first pass with their fits, which ``parameters`` made; only accepted ones count. They are
    gone through once and not kept. ``focal`` is in pixels of images of ``width``. Each part is a median over pairs of
    1.48 times the median residual of the pair's inliers whose flow is small (large), within 0.1 to 1 px (0.005 to 0.05
    of the flow); a part that fewer than five pairs tell stays as in ``parameters``.
    """
    parameters = parameters or EgomotionParameters()
    to_working = focal * 640 / width
    floors, relatives, lengths = [], [], []
    for samples, motion in pairs:
        if not motion.accepted:
            continue
        length, residual = (to_working * each for each in _inliers(samples, motion, parameters.robust_scale))
        small, large = length < SMALL_PX, length > LARGE_PX
        if np.count_nonzero(small) >= FEWEST_SAMPLES:
            floors.append(_deviation(residual[small]))
        if np.count_nonzero(large) >= FEWEST_SAMPLES:
            relatives.append(_deviation(residual[large] / length[large]))
            lengths.append(float(np.median(length[large])))
    floor = _typical(np.array(floors), parameters.noise_floor_px, *FLOOR_PX)
    # large flow has the floor's noise too
    own = np.sqrt(np.maximum(np.square(relatives) - np.square(floor / np.array(lengths)), 0))
    return NoiseScale(floor, _typical(own, parameters.noise_relative, *RELATIVE))


def _inliers(
    samples: Samples, motion: Egomotion, robust_scale: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Length of translational flow and distance from the epipolar line, both normalised, of what the fit explains."""
    translational = derotated(samples, motion.R)
    tau = epipolar_directions(samples, motion.T)
    toward = np.hypot(tau[:, 0], tau[:, 1]) + 1e-18
    residual = np.abs(translational[:, 1] * tau[:, 0] - translational[:, 0] * tau[:, 1]) / toward
    along = (translational[:, 0] * tau[:, 0] + translational[:, 1] * tau[:, 1]) / toward
    inlier = (residual * samples.inverse_sigma < robust_scale) & (along * samples.inverse_sigma > -robust_scale)
    return np.hypot(translational[:, 0], translational[:, 1])[inlier], residual[inlier]


def _deviation(residual: NDArray[np.float64]) -> float:
    return TO_DEVIATION * float(np.median(residual))


def _typical(values: NDArray[np.float64], otherwise: float, least: float, most: float) -> float:
    return float(np.clip(np.median(values), least, most)) if len(values) >= FEWEST_PAIRS else otherwise
