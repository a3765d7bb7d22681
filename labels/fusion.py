"""Depth that the pairs before told of a frame, carried along with the camera and combined with what this pair tells.

Driving forward, what leaves the frame in this pair was well inside in the pair before, and what finds no match now
mostly found one once. So the inverse depth of the label before is seen from this frame, through the camera's motion,
and combined with what this pair measured, by inverse variance, after their scales are aligned: a depth filter
(Matthies, Kanade and Szeliski 1989). It takes no other flow than each pair's own.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.depth import InverseDepth
from labels.egomotion import Egomotion


@dataclass(frozen=True)
class FusionParameters:
    """How much of the pairs before is believed."""

    carry: bool = True  # combine what each pair measures with what the pairs before it told
    growth: float = 1.1  # of the carried standard deviation with each pair: their errors are alike
    relative: float = 0.03  # least standard deviation of inverse depth, relative
    outlier_sigma: float = 3.0  # where the two differ by more, this pair is believed alone
    firm_sigma: float = 4.0  # scales are compared where both tell inverse depth by so many standard deviations,
    least: int = 500  # on so many pixels, of every second row and column
    max_spread: float = 0.3  # of the logarithm of their ratio, a median deviation: beyond, nothing is carried
    max_relative_sd: float = 0.5  # of this pair's flow, over the median inverse depth: no earlier pair knows better
    farthest: float = 5.0  # durations of the pair before after which its motion does not lead to this frame


@dataclass(frozen=True)
class Nearness:
    """One over the depth in a frame's camera, in any unit. Both arrays are (H, W)."""

    value: NDArray[np.float32]
    deviation: NDArray[np.float32]  # standard deviation; 0 where nothing is known


def carried(
    depth: InverseDepth,
    told: NDArray[np.bool_],
    motion: Egomotion,
    elapsed: float,
    focal: float,
    principal_point: tuple[float, float],
) -> Nearness:
    """The inverse depth of an earlier pair, where ``told`` (H, W), as seen from a later frame.

    ``motion`` is the earlier pair's, ``elapsed`` the time from its first frame to the later one over its duration,
    while the camera is taken to move evenly. In units of one over the earlier pair's step.
    """
    R = cv2.Rodrigues(motion.rotation_vector * elapsed)[0]
    moved = _moved(depth.inverse_depth, depth.deviation, told, R, motion.T, elapsed, focal, *principal_point)
    return Nearness(*_averaged(*moved))


def fuse(
    measured: InverseDepth, forward: float, earlier: Nearness, parameters: FusionParameters | None = None
) -> InverseDepth:
    """What a pair measured together with what ``earlier`` pairs told of its frame; valid is what either tells.

    ``forward`` is the third component of the pair's unit step. Where the pair's flow says nothing of depth, near the
    focus of expansion, the earlier ones had theirs too, and add nothing. Returns ``measured`` itself where the two have
    no common scale.
    """
    parameters = parameters or FusionParameters()
    scale = _scale(measured, forward, earlier, parameters)
    if scale is None:
        return measured
    limit = parameters.max_relative_sd * measured.typical
    told = measured.inverse_depth, measured.deviation, measured.valid, earlier.value, earlier.deviation
    numbers = forward, scale, parameters.growth, parameters.relative, parameters.outlier_sigma, limit
    rho, deviation, valid = _combined(*told, *(np.float32(number) for number in numbers))
    return InverseDepth(rho, deviation, valid, measured.typical)


def _scale(measured: InverseDepth, forward: float, earlier: Nearness, parameters: FusionParameters) -> float | None:
    """Of the earlier nearness, in units of this pair's step; None where it cannot be told."""
    part = np.s_[::2, ::2]
    rho, sd = measured.inverse_depth[part], measured.deviation[part]
    then, then_sd = earlier.value[part], earlier.deviation[part]
    firm = measured.valid[part] & (then_sd > 0) & (rho > parameters.firm_sigma * sd)
    firm &= (then > parameters.firm_sigma * then_sd) & (1 + rho * np.float32(forward) > LEAST)
    if np.count_nonzero(firm) < parameters.least:
        return None
    logarithms = np.log(rho[firm] / ((1 + rho[firm] * np.float32(forward)) * then[firm]))
    middle = np.median(logarithms)
    return float(np.exp(middle)) if np.median(np.abs(logarithms - middle)) <= parameters.max_spread else None


LEAST = np.float32(0.05)
"""Depth over the distance to the second camera must be so much: what is nearer lies beside it or behind."""


@njit(cache=True, error_model="numpy")
def _combined(
    rho: NDArray, sd: NDArray, valid: NDArray, earlier: NDArray, earlier_sd: NDArray, forward: np.float32,
    scale: np.float32, growth: np.float32, relative: np.float32, outlier: np.float32, limit: np.float32,
) -> tuple[NDArray, NDArray, NDArray]:  # fmt: skip
    """Inverse depth, its deviation and validity; ``1 / (Z - forward)`` is ``near / (1 - near forward)``."""
    fused, deviation, told = rho.copy(), sd.copy(), valid.copy()
    one = np.float32(1)
    for y in range(rho.shape[0]):
        for x in range(rho.shape[1]):
            if not earlier_sd[y, x] > 0:
                continue
            near = earlier[y, x] * scale
            ahead = one - near * forward
            if ahead < LEAST or (not valid[y, x] and not sd[y, x] < limit):
                continue
            then = near / ahead
            spread = earlier_sd[y, x] * scale * growth
            least = relative * near
            variance = (spread * spread + least * least) / (ahead * ahead * ahead * ahead)
            if not valid[y, x]:
                fused[y, x], deviation[y, x], told[y, x] = then, np.sqrt(variance), True
                continue
            least = relative * rho[y, x]
            own = sd[y, x] * sd[y, x] + least * least
            difference = then - rho[y, x]
            if difference * difference < outlier * outlier * (own + variance):
                fused[y, x] += own / (own + variance) * difference
                deviation[y, x] = np.sqrt(own * variance / (own + variance))
    return fused, deviation, told


@njit(cache=True, error_model="numpy")
def _moved(
    rho: NDArray, sd: NDArray, told: NDArray, R: NDArray, T: NDArray, elapsed: float, focal: float, cx: float, cy: float
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Where the later frame shows each told pixel (x < 0: nowhere), its nearness there, and the greatest about there.

    A point at Z = 1 / rho + T3 is at R' (Z ray - elapsed T); all of it times rho, as rho may be 0.
    """
    height, width = rho.shape
    places = np.full((height, width, 2), np.float32(-1))
    nearness, deviation = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    greatest = np.zeros((height, width), np.float32)
    r = R.astype(np.float32)
    f, px, py = np.float32(focal), np.float32(cx), np.float32(cy)
    t1, t2, t3, moved = np.float32(T[0]), np.float32(T[1]), np.float32(T[2]), np.float32(elapsed)
    for y in range(height):
        for x in range(width):
            if not told[y, x]:
                continue
            near = rho[y, x]
            depth = 1 + near * t3
            a = depth * (np.float32(x) - px) / f - near * moved * t1
            b = depth * (np.float32(y) - py) / f - near * moved * t2
            c = depth - near * moved * t3
            z = r[0, 2] * a + r[1, 2] * b + r[2, 2] * c
            if not z > LEAST:
                continue
            # as stored: a place that rounds up to the last column or row would be written beside the arrays
            u = np.float32(f * (r[0, 0] * a + r[1, 0] * b + r[2, 0] * c) / z + px)
            v = np.float32(f * (r[0, 1] * a + r[1, 1] * b + r[2, 1] * c) / z + py)
            if not (0 <= u < width - 1 and 0 <= v < height - 1):
                continue
            places[y, x, 0], places[y, x, 1] = u, v
            nearness[y, x], deviation[y, x] = near / z, sd[y, x] / (z * z)
            for row in range(int(v), int(v) + 2):
                for column in range(int(u), int(u) + 2):
                    greatest[row, column] = max(greatest[row, column], nearness[y, x])
    return places, nearness, deviation, greatest


@njit(cache=True, error_model="numpy")
def _averaged(places: NDArray, nearness: NDArray, deviation: NDArray, greatest: NDArray) -> tuple[NDArray, NDArray]:
    """The mean of what meets at each pixel, bilinear, without what lies a quarter or more behind the nearest."""
    height, width = nearness.shape
    weights = np.zeros((height, width), np.float32)
    value, spread = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    one = np.float32(1)
    for y in range(height):
        for x in range(width):
            u, v = places[y, x, 0], places[y, x, 1]
            if u < 0:
                continue
            left, top = int(u), int(v)
            for row in range(top, top + 2):
                for column in range(left, left + 2):
                    if nearness[y, x] < np.float32(0.8) * greatest[row, column]:
                        continue
                    weight = (one - abs(v - np.float32(row))) * (one - abs(u - np.float32(column))) + np.float32(1e-3)
                    weights[row, column] += weight
                    value[row, column] += weight * nearness[y, x]
                    spread[row, column] += weight * deviation[y, x]
    for y in range(height):
        for x in range(width):
            if weights[y, x] > 0:
                value[y, x] /= weights[y, x]
                spread[y, x] /= weights[y, x]
    return value, spread
