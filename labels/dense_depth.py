"""Inverse depth of the pixels that flow alone does not tell: surfaces go on, nothing lies under the ground, sky is far.

Measured pixels are those that ``labels.depth`` believes. Asphalt, walls and whatever leaves the frame have no texture
or no partner, but lie on surfaces that have: the flow engine goes on in planes between its matches, and the pixel takes
that depth with a lower confidence. What would lie deep under the ground takes the ground's (a network must not learn
that asphalt which a coder copied from the frame before is the farthest thing). Sky is farther than all else. Each
pixel's origin is told (LABELS 10, 11.5, 17.5, 19).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.depth import InverseDepth
from labels.sunken import SunkenParameters, ground_slope, lift

NONE, MEASURED, PROPAGATED, PLANE, SKY = range(5)
"""Origins of a pixel's depth."""


@dataclass(frozen=True)
class DenseParameters:
    """What is labelled beside what was measured; lengths in pixels at a working width of 640."""

    propagate: bool = True  # go on along surfaces, and take the ground's depth where it was found
    sky_far: bool = True  # label the sky as farthest; else it has no label
    max_step: float = 0.02  # change of inverse depth to the next pixel, relative: what depth edges hide is not known
    spread_px: float = 30.0  # at this distance from measured pixels the depth is uncertain by as much as it is large
    firmness: float = 0.25  # standard deviation of inverse depth about that around, over the typical one


@dataclass(frozen=True)
class DenseDepth:
    """Inverse depth of a frame with its origin. All arrays are (H, W)."""

    inverse_depth: NDArray[np.float32]  # >= 0, in units of one over the forward step between the frames; 0 in the sky
    deviation: NDArray[np.float32]  # standard deviation of it
    origin: NDArray[np.uint8]  # NONE, MEASURED, PROPAGATED, PLANE or SKY
    typical: float  # median over the measured pixels
    ground_slope: float | None  # growth of the ground's inverse depth with each pixel row; None where none was found

    @property
    def ranked(self) -> NDArray[np.bool_]:
        """Pixels whose depth has a place in the order of the frame: all that have one but the sky."""
        return (self.origin != NONE) & (self.origin != SKY)


def complete(
    depth: InverseDepth,
    above: NDArray[np.bool_],
    horizon: float,
    interpolated: NDArray[np.bool_],
    barred: NDArray[np.bool_],
    parameters: DenseParameters | None = None,
    ground: SunkenParameters | None = None,
    own: NDArray[np.bool_] | None = None,
) -> DenseDepth:
    """Depth for the pixels of a frame that were not measured.

    ``depth`` is what was measured (``depth.valid``), with an estimate of the flow elsewhere, ``above`` (H, W) the sky,
    ``horizon`` the row of the focus of expansion, ``interpolated`` (H, W) where the flow goes on along surfaces,
    ``barred`` (H, W) what gets no depth: what moves or is fixed to the car. Of what was measured, only ``own`` (H, W)
    was by the pair itself (all without); the rest, which earlier pairs told, counts as propagated.
    """
    parameters, ground = parameters or DenseParameters(), ground or SunkenParameters()
    unit = above.shape[1] / 640
    free = ~(barred | above)
    measured = depth.valid & free
    origin = measured.view(np.uint8) * np.uint8(MEASURED)
    if own is not None:
        np.copyto(origin, PROPAGATED, where=measured & ~own)
    if parameters.propagate:
        rho, deviation = _propagated(depth, origin, measured, interpolated & free, unit, parameters)
    else:
        rho, deviation = depth.inverse_depth.copy(), depth.deviation.copy()
    slope = ground_slope(rho, measured, horizon, ground)
    if parameters.propagate and slope is not None:
        sunken = lift(rho, deviation, origin == MEASURED, origin == PROPAGATED, slope, horizon, ground)
        np.copyto(origin, PLANE, where=sunken)
    np.copyto(origin, SKY if parameters.sky_far else NONE, where=above)
    np.copyto(rho, 0, where=above)
    return DenseDepth(rho, deviation, origin, depth.typical, slope)


def _propagated(
    depth: InverseDepth, origin: NDArray[np.uint8], measured: NDArray[np.bool_], interpolated: NDArray[np.bool_],
    unit: float, parameters: DenseParameters,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:  # fmt: skip
    """Inverse depth and its deviation, also of pixels between and beside measured ones, which ``origin`` then tells."""
    rho, deviation, steps = _bridged(depth, measured | interpolated, parameters.firmness)
    changes = cv2.blur(steps, (5, 5))
    distance = cv2.distanceTransform((~measured).view(np.uint8), cv2.DIST_L2, 3)
    share = np.float32(1 / (parameters.spread_px * unit))
    asked = interpolated & ~measured
    _fill(deviation, origin, rho, distance, changes, asked, share, np.float32(parameters.max_step))
    return rho, deviation


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(
    deviation: NDArray[np.float32], origin: NDArray[np.uint8], rho: NDArray[np.float32], distance: NDArray[np.float32],
    changes: NDArray[np.float32], asked: NDArray[np.bool_], share: np.float32, most: np.float32,
) -> None:  # fmt: skip
    """Take, in place, pixels that are ``asked`` for where little changes, less surely the farther from what is known.

    To their deviation comes a ``share`` of the inverse depth for each pixel of distance.
    """
    propagated = np.uint8(PROPAGATED)
    for row in range(rho.shape[0]):
        for k in range(rho.shape[1]):
            filled = asked[row, k] & (changes[row, k] < most)
            known, grown = deviation[row, k], distance[row, k] * share * rho[row, k]
            total = np.sqrt(known * known + grown * grown)
            deviation[row, k] = total if filled else known
            origin[row, k] = propagated if filled else origin[row, k]


def _bridged(
    depth: InverseDepth, known: NDArray[np.bool_], firmness: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Near the focus of expansion, where flow tells no depth, take the depth of what is around, weighted by certainty.

    Sums over blocks of 2, 4, 8 ... pixels, and back: each block leans on the one around it with ``firmness``, a
    standard deviation of inverse depth in units of the typical one (pull-push; Gortler et al. 1996, as a prior).
    Returns inverse depth and its deviation where ``known``, elsewhere as they were, and the ``_settled`` steps.
    """
    typical = depth.typical
    levels = [_weighed(depth.inverse_depth, depth.deviation, known, np.float32(0.01 * typical))]
    while min(levels[-1][0].shape) > 4:
        levels.append(
            tuple(4 * cv2.resize(each, _half(each.shape), interpolation=cv2.INTER_AREA) for each in levels[-1])
        )
    prior = np.float32(1 / (firmness * typical) ** 2)
    total, sums = levels.pop()
    mean = sums / np.maximum(total, np.float32(1e-30))
    while len(levels) > 1:
        total, sums = levels.pop()
        mean = (sums + prior * _enlarged(mean, total)) / (total + prior)
    limits = prior, np.float32(0.5 * typical), np.float32(0.25 * typical)
    return _settled(depth.inverse_depth, depth.deviation, known, *levels[0], _enlarged(mean, known), *limits)


@njit(cache=True, nogil=True, error_model="numpy")
def _weighed(
    rho: NDArray[np.float32], deviation: NDArray[np.float32], known: NDArray[np.bool_], least: np.float32
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights of what is known, by the inverse square of its deviation and ``least``, and inverse depths times them."""
    weights, sums = np.empty(rho.shape, np.float32), np.empty(rho.shape, np.float32)
    zero, one = np.float32(0), np.float32(1)
    for row in range(rho.shape[0]):
        for k in range(rho.shape[1]):
            spread = deviation[row, k] + least
            weight = one / (spread * spread)
            weight = weight if known[row, k] else zero
            weights[row, k], sums[row, k] = weight, weight * rho[row, k]
    return weights, sums


@njit(cache=True, nogil=True, error_model="numpy")
def _settled(
    rho: NDArray[np.float32], deviation: NDArray[np.float32], known: NDArray[np.bool_], total: NDArray[np.float32],
    sums: NDArray[np.float32], around: NDArray[np.float32], prior: np.float32, most: np.float32, least: np.float32,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:  # fmt: skip
    """Where ``known``, the mean of what pixels tell and of what is ``around``, and no deviation above ``most``.

    Also returns by how much the mean changes with each pixel of a row, relative to itself or to ``least``: far away, as
    much as nearer. All are (H, W).
    """
    height, width = rho.shape
    mean, spread = np.empty((height, width), np.float32), np.empty((height, width), np.float32)
    steps, two = np.empty((height, width), np.float32), np.float32(2)
    for row in range(height):
        for k in range(width):
            settled = (sums[row, k] + prior * around[row, k]) / (total[row, k] + prior)
            mean[row, k] = settled if known[row, k] else rho[row, k]
            limited = most if deviation[row, k] > most else deviation[row, k]
            spread[row, k] = limited if known[row, k] else deviation[row, k]
        for k in range(1, width - 1):
            size = max(mean[row, k], least)
            steps[row, k] = abs(mean[row, k + 1] - mean[row, k - 1]) / (two * size)
        steps[row, 0], steps[row, width - 1] = steps[row, 1], steps[row, width - 2]
    return mean, spread, steps


def _enlarged(mean: NDArray[np.float32], to: NDArray[np.generic]) -> NDArray[np.float32]:
    return cv2.resize(mean, to.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _half(shape: tuple[int, ...]) -> tuple[int, int]:
    return (shape[1] + 1) // 2, (shape[0] + 1) // 2
