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
    measured = depth.valid & ~barred & ~above
    origin = np.where(measured, MEASURED, NONE).astype(np.uint8)
    if own is not None:
        origin[measured & ~own] = PROPAGATED
    rho, deviation = depth.inverse_depth.copy(), depth.deviation.copy()
    if parameters.propagate:
        _propagate(rho, deviation, origin, measured, interpolated & ~barred & ~above, depth.typical, unit, parameters)
    slope = ground_slope(rho, measured, horizon, ground)
    if parameters.propagate and slope is not None:
        origin[lift(rho, deviation, origin == MEASURED, origin == PROPAGATED, slope, horizon, ground)] = PLANE
    origin[above] = SKY if parameters.sky_far else NONE
    rho[above] = 0
    return DenseDepth(rho, deviation, origin, depth.typical, slope)


def _propagate(
    rho: NDArray[np.float32], deviation: NDArray[np.float32], origin: NDArray[np.uint8], measured: NDArray[np.bool_],
    interpolated: NDArray[np.bool_], typical: float, unit: float, parameters: DenseParameters,
) -> None:  # fmt: skip
    """Give depth to pixels between and beside measured ones."""
    _bridge(rho, deviation, measured | interpolated, typical, parameters.firmness)
    filled = interpolated & ~measured & _smooth(rho, typical, parameters.max_step)
    origin[filled] = PROPAGATED
    distance = cv2.distanceTransform((~measured).view(np.uint8), cv2.DIST_L2, 3)
    _grow(deviation, distance, rho, filled, np.float32(1 / (parameters.spread_px * unit)))


@njit(cache=True, nogil=True, error_model="numpy")
def _grow(
    deviation: NDArray[np.float32], distance: NDArray[np.float32], rho: NDArray[np.float32],
    filled: NDArray[np.bool_], share: np.float32,
) -> None:  # fmt: skip
    """Add to the deviation, in place where ``filled``, a ``share`` of the inverse depth for each pixel of distance."""
    for row in range(rho.shape[0]):
        for k in range(rho.shape[1]):
            known, grown = deviation[row, k], distance[row, k] * share * rho[row, k]
            total = np.sqrt(known * known + grown * grown)
            deviation[row, k] = total if filled[row, k] else known


def _bridge(
    rho: NDArray[np.float32], deviation: NDArray[np.float32], known: NDArray[np.bool_], typical: float, firmness: float
) -> None:
    """Near the focus of expansion, where flow tells no depth, take the depth of what is around, weighted by certainty.

    Sums over blocks of 2, 4, 8 ... pixels, and back: each block leans on the one around it with ``firmness``, a
    standard deviation of inverse depth in units of the typical one (pull-push; Gortler et al. 1996, as a prior).
    """
    weight = np.where(known, 1 / (deviation + np.float32(0.01 * typical)) ** 2, 0).astype(np.float32)
    levels = [(weight, weight * rho)]
    while min(levels[-1][0].shape) > 4:
        levels.append(
            tuple(4 * cv2.resize(each, _half(each.shape), interpolation=cv2.INTER_AREA) for each in levels[-1])
        )
    prior = np.float32(1 / (firmness * typical) ** 2)
    total, sums = levels.pop()
    mean = sums / np.maximum(total, np.float32(1e-30))
    while levels:
        total, sums = levels.pop()
        around = cv2.resize(mean, total.shape[::-1], interpolation=cv2.INTER_LINEAR)
        mean = (sums + prior * around) / (total + prior)
    np.copyto(rho, mean, where=known)
    np.minimum(deviation, np.float32(0.5 * typical), out=deviation, where=known)


def _half(shape: tuple[int, ...]) -> tuple[int, int]:
    return (shape[1] + 1) // 2, (shape[0] + 1) // 2


def _smooth(rho: NDArray[np.float32], typical: float, max_step: float) -> NDArray[np.bool_]:
    """Where inverse depth changes little, on the mean over a neighbourhood; far away, as much as nearer."""
    size = np.maximum(rho[:, 1:-1], np.float32(0.25 * typical))
    steps = np.abs(rho[:, 2:] - rho[:, :-2]) / (2 * size)
    return cv2.blur(cv2.copyMakeBorder(steps, 0, 0, 1, 1, cv2.BORDER_REPLICATE), (5, 5)) < max_step
