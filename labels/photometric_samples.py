"""Flow measured anew at single points, from the frames themselves.

A dense flow is smooth, and the ``census`` engine holds its still points to the epipolar lines of a first, quick fit: a
fit to such a flow can only find that first motion again. Here the frames say at each sample by how much its flow is off
and how firmly they say so (Lucas and Kanade 1981, about the given flow): frame 2, warped by the flow, is compared with
frame 1 in a window around the point. The flow inside the window may be anything, so that growing and shearing surfaces
do not bias the result, as they do for windows that only shift.

With the residual ``d`` of grey levels, less its mean, and the mean gradient ``g`` of both frames,

    A = sum g g^T        offset = -A^-1 sum g d        covariance = noise_grey^2 A^-1

of which the fit of the camera's motion uses the part across the epipolar line; the part along it is depth.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.flow_rows import split_row
from labels.lanes import alike, leading, load, total

REACH = 4
"""Half side of the 9x9 window."""
_SIDE = 2 * REACH + 1
_LANES = 16  # a row of the window in one vector; those beyond it count for nothing
SOFTENING = 1.0
"""Added to the diagonal of A, grey levels squared: where there is nothing to see, the flow stays."""


@dataclass(frozen=True)
class PhotometricNoise:
    """What a measurement errs by; lengths in pixels of the image at hand."""

    grey: float = 6.0
    """Standard deviation of grey levels between the frames."""
    floor_px: float = 0.04
    """Beside that, standard deviation of the flow,"""
    relative: float = 0.003
    """and as a share of its length."""
    reach_px: float = 2.0
    """Flow that is farther off is not measured."""
    most_px: float = 1.0
    """Where the grey levels leave more doubt than this across the line of depth, nothing is measured."""


def measured(
    frames: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    flow: NDArray[np.float32],
    places: tuple[NDArray[np.int64], NDArray[np.int64]],
    focus: tuple[float, float, float],
    noise: PhotometricNoise,
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """Flow at N ``places`` (columns, rows) as the two ``frames``, (H, W), say, where they do.

    ``focus`` (x, y, w), homogeneous pixels, is where the lines of depth meet. Returns which places are measured, (N,)
    bool, and of those the flow (n, 2) px and its standard deviation (n,) px across the line of depth.
    """
    columns, rows = places
    found = offsets(*frames, flow, columns, rows)
    vectors = flow[rows, columns] + found[:, :2]
    toward = np.stack([columns * focus[2] - focus[0], rows * focus[2] - focus[1]], 1)
    doubt = noise.grey * across(found[:, 2:], toward)
    with np.errstate(invalid="ignore"):
        kept = (np.hypot(found[:, 0], found[:, 1]) < noise.reach_px) & (doubt < noise.most_px)
    vectors, doubt = vectors[kept], doubt[kept]
    length = np.hypot(vectors[:, 0], vectors[:, 1])
    return kept, vectors, np.sqrt(doubt**2 + noise.floor_px**2 + (noise.relative * length) ** 2)


def offsets(
    image1: NDArray[np.uint8],
    image2: NDArray[np.uint8],
    flow: NDArray[np.float32],
    columns: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> NDArray[np.float64]:
    """What is to be added to the flow at N pixels: (N, 5), offset u, v in px, and A^-1 (xx, xy, yy) in px^2 / grey^2.

    Images (H, W), ``flow`` (H, W, 2) px. NaN where the window leaves a frame. Windows overlap so much that the whole
    frames are laid over each other first.
    """
    mean, change = _laid_over(image1, _corners(image2), np.ascontiguousarray(flow))
    return _fitted(mean, change, columns, rows)


@njit(cache=True, nogil=True)
def _corners(image: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Each pixel with those to its right, below, and both, in a word: one look-up instead of four; (H - 1, W - 1)."""
    height, width = image.shape
    result = np.empty((height - 1, width - 1), np.uint32)
    for y in range(height - 1):
        here, below, target = image[y], image[y + 1], result[y]
        for x in range(width - 1):
            upper = np.uint32(here[x]) | np.uint32(here[x + 1]) << np.uint32(8)
            lower = np.uint32(below[x]) << np.uint32(16) | np.uint32(below[x + 1]) << np.uint32(24)
            target[x] = np.uint32(upper | lower)
    return result


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _laid_over(
    image1: NDArray[np.uint8], corners: NDArray[np.uint32], flow: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and difference (frame 2, warped, less frame 1) of the frames, NaN where the flow leads out of frame 2.

    Both (H, W + 16), for vectors that reach beyond the right border. Of the three loops over a row compilers take
    sixteen pixels at once, but for the look-ups between.
    """
    height, width = image1.shape
    mean, change = np.zeros((2, height, width + _LANES), np.float32)
    last_x, last_y = _before(np.float32(width - 1)), _before(np.float32(height - 1))
    half, zero, nothing = np.float32(0.5), np.float32(0), np.float32(np.nan)
    flat, stride, low = corners.reshape(-1), np.int32(width - 1), np.uint32(255)
    us, vs = np.empty(width, np.float32), np.empty(width, np.float32)
    places, words = np.empty(width, np.int32), np.empty(width, np.uint32)
    fractions_x, fractions_y = np.empty(width, np.float32), np.empty(width, np.float32)
    for y in range(height):
        grey, mean_row, change_row = image1[y], mean[y], change[y]
        split_row(flow[y], us, vs)
        for x in range(width):
            x2, y2 = np.float32(np.int32(x)) + us[x], np.float32(y) + vs[x]
            px, py = min(max(zero, x2), last_x), min(max(zero, y2), last_y)  # in this order: 0 for NaN
            qx, qy = np.int32(px), np.int32(py)
            places[x] = np.int32(qy * stride + qx)
            fractions_x[x] = px - np.float32(qx) if (px == x2) & (py == y2) else nothing
            fractions_y[x] = py - np.float32(qy)
        for x in range(width):
            words[x] = flat[np.uint32(places[x])]
        for x in range(width):
            word, fx, fy = words[x], fractions_x[x], fractions_y[x]
            a, b = _level(word & low), _level(word >> np.uint32(8) & low)
            c, d = _level(word >> np.uint32(16) & low), _level(word >> np.uint32(24))
            upper, lower = a + fx * (b - a), c + fx * (d - c)
            warped, own = upper + fy * (lower - upper), np.float32(grey[x])
            mean_row[x], change_row[x] = half * (warped + own), warped - own
    return mean, change


@njit(inline="always")
def _before(number):  # type: ignore[no-untyped-def]
    """The next smaller ``float32``."""
    return np.nextafter(number, np.float32(0))


@njit(inline="always")
def _level(bits):  # type: ignore[no-untyped-def]
    """A grey level as ``float32``, by a signed integer: any processor turns many of those at once."""
    return np.float32(np.int32(bits))


@njit(cache=True, nogil=True, error_model="numpy")
def _fitted(
    mean: NDArray[np.float32], change: NDArray[np.float32], columns: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """What ``offsets`` returns. ``mean``, ``change`` (H, W + 16)."""
    height, stride = mean.shape
    width = stride - _LANES
    count, softening = np.float32(_SIDE * _SIDE), np.float32(SOFTENING)
    half, zero = alike(16, np.float32(0.5)), alike(16, np.float32(0))
    result = np.full((len(columns), 5), np.nan)
    for k in range(len(columns)):
        left, top = columns[k] - REACH, rows[k] - REACH
        if left < 1 or top < 1 or left + _SIDE >= width or top + _SIDE >= height:
            continue
        xs, ys, ds, xxs, xys, yys, xds, yds = zero, zero, zero, zero, zero, zero, zero, zero
        place = top * stride + left
        for _ in range(_SIDE):
            gx = leading(half * (load(16, mean, place + 1) - load(16, mean, place - 1)), 9)
            gy = leading(half * (load(16, mean, place + stride) - load(16, mean, place - stride)), 9)
            d = leading(load(16, change, place), 9)
            xs, ys, ds = xs + gx, ys + gy, ds + d
            xxs, xys, yys, xds, yds = xxs + gx * gx, xys + gx * gy, yys + gy * gy, xds + gx * d, yds + gy * d
            place += stride
        x, y, apart = total(xs) / count, total(ys) / count, total(ds)
        xx, yy = total(xxs) - x * x * count + softening, total(yys) - y * y * count + softening
        xy, xd, yd = total(xys) - x * y * count, total(xds) - x * apart, total(yds) - y * apart
        inverse = 1 / (xx * yy - xy * xy)
        result[k, 0], result[k, 1] = -(yy * xd - xy * yd) * inverse, -(xx * yd - xy * xd) * inverse
        result[k, 2], result[k, 3], result[k, 4] = yy * inverse, -xy * inverse, xx * inverse
    return result


def across(spread: NDArray[np.float64], toward: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviation (N,) px per grey level of offsets across the directions ``toward`` (N, 2).

    ``spread`` is A^-1, (N, 3) from ``offsets``.
    """
    length = np.hypot(toward[:, 0], toward[:, 1]) + 1e-12
    nx, ny = -toward[:, 1] / length, toward[:, 0] / length
    return np.sqrt(spread[:, 0] * nx * nx + 2 * spread[:, 1] * nx * ny + spread[:, 2] * ny * ny)
