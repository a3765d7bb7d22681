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
from labels.egomotion_refinement import row

LEAST = np.float32(0.05)
"""Depth over the distance to the second camera must be so much: what is nearer lies beside it or behind."""


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
    return Nearness(*_averaged(*moved, _greatest(*moved[:3])))


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
    told = measured.inverse_depth, measured.deviation, measured.valid, earlier.value, earlier.deviation
    ratios = _ratios(*told, np.float32(forward), np.float32(parameters.firm_sigma))
    if len(ratios) < parameters.least:
        return None
    logarithms = np.log(ratios)
    middle = np.median(logarithms)
    return float(np.exp(middle)) if np.median(np.abs(logarithms - middle)) <= parameters.max_spread else None


@njit(cache=True, nogil=True, error_model="numpy")
def _ratios(
    rho: NDArray, sd: NDArray, valid: NDArray, earlier: NDArray, earlier_sd: NDArray, forward: np.float32,
    sigma: np.float32,
) -> NDArray:  # fmt: skip
    """Nearness from the first camera over the earlier one's, in every second row and column where both are firm."""
    height, width = rho.shape
    result, count = np.empty(((height + 1) // 2) * ((width + 1) // 2), np.float32), 0
    for y in range(0, height, 2):
        for x in range(0, width, 2):
            near, then, ahead = rho[y, x], earlier[y, x], np.float32(1) + rho[y, x] * forward
            firm = valid[y, x] & (near > sigma * sd[y, x]) & (ahead > LEAST)
            if firm & (earlier_sd[y, x] > 0) & (then > sigma * earlier_sd[y, x]):
                result[count] = near / (ahead * then)
                count += 1
    return result[:count]


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
    """Where the later frame shows each told pixel, u and v (u < 0: nowhere), its nearness there, and the deviation.

    A point at Z = 1 / rho + T3 is at R' (Z ray - elapsed T); all of it times rho, as rho may be 0. Without branches, so
    that compilers take sixteen pixels at once.
    """
    height, width = rho.shape
    us, vs = np.empty((height, width), np.float32), np.empty((height, width), np.float32)
    nearness, deviation = np.empty((height, width), np.float32), np.empty((height, width), np.float32)
    r = R.astype(np.float32)
    (r00, r01, r02), (r10, r11, r12), (r20, r21, r22) = row(r, 0), row(r, 1), row(r, 2)
    f, px, py, zero, one = np.float32(focal), np.float32(cx), np.float32(cy), np.float32(0), np.float32(1)
    t1, t2, t3, moved = np.float32(T[0]), np.float32(T[1]), np.float32(T[2]), np.float32(elapsed)
    right, bottom = np.float32(width - 1), np.float32(height - 1)
    for y in range(height):
        rays_y = np.float32(y) - py
        for x in range(width):
            near = rho[y, x]
            depth, step = one + near * t3, near * moved
            a = depth * (np.float32(np.int32(x)) - px) / f - step * t1
            b = depth * rays_y / f - step * t2
            c = depth - step * t3
            z = r02 * a + r12 * b + r22 * c
            u = f * (r00 * a + r10 * b + r20 * c) / z + px
            v = f * (r01 * a + r11 * b + r21 * c) / z + py
            # a place that rounds up to the last column or row would be written beside the arrays
            inside = told[y, x] & (z > LEAST) & (u >= zero) & (u < right) & (v >= zero) & (v < bottom)
            us[y, x], vs[y, x] = u if inside else -one, v
            nearness[y, x], deviation[y, x] = near / z, sd[y, x] / (z * z)
    return us, vs, nearness, deviation


@njit(cache=True, error_model="numpy")
def _greatest(us: NDArray, vs: NDArray, nearness: NDArray) -> NDArray:
    """The greatest nearness that comes to lie about each pixel, (H, W); 0 where none does."""
    height, width = nearness.shape
    result = np.zeros((height, width), np.float32)
    flat = result.reshape(-1)
    for y in range(height):
        for x in range(width):
            if us[y, x] < 0:
                continue
            near, place = nearness[y, x], int(vs[y, x]) * width + int(us[y, x])
            flat[place], flat[place + 1] = max(flat[place], near), max(flat[place + 1], near)
            place += width
            flat[place], flat[place + 1] = max(flat[place], near), max(flat[place + 1], near)
    return result


@njit(cache=True, error_model="numpy")
def _averaged(
    us: NDArray, vs: NDArray, nearness: NDArray, deviation: NDArray, greatest: NDArray
) -> tuple[NDArray, NDArray]:
    """The mean of what meets at each pixel, bilinear, without what lies a quarter or more behind the nearest."""
    height, width = nearness.shape
    weights, one, zero = np.zeros(height * width, np.float32), np.float32(1), np.float32(0)
    values, spreads = np.zeros(height * width, np.float32), np.zeros(height * width, np.float32)
    farthest = np.float32(0.8) * greatest.reshape(-1)
    for y in range(height):
        for x in range(width):
            u, v = us[y, x], vs[y, x]
            if u < 0:
                continue
            left, top = int(u), int(v)
            fx, fy = u - np.float32(left), v - np.float32(top)
            near, spread, place = nearness[y, x], deviation[y, x], top * width + left
            for below in range(2):
                for beside in range(2):
                    corner = place + below * width + beside
                    weight = (fy if below else one - fy) * (fx if beside else one - fx) + np.float32(1e-3)
                    weight = zero if near < farthest[corner] else weight
                    weights[corner] += weight
                    values[corner] += weight * near
                    spreads[corner] += weight * spread
    for k in range(height * width):
        least = max(weights[k], np.float32(1e-6))  # a weight is 1e-3 or more, if any
        values[k] /= least
        spreads[k] /= least
    return values.reshape(height, width), spreads.reshape(height, width)
