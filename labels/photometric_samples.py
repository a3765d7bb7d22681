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

REACH = 4
"""Half side of the 9x9 window."""
_SIDE = 2 * REACH + 3  # with the border that gradients take
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


@njit(cache=True, nogil=True, error_model="numpy")
def offsets(
    image1: NDArray[np.uint8],
    image2: NDArray[np.uint8],
    flow: NDArray[np.float32],
    columns: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> NDArray[np.float64]:
    """What is to be added to the flow at N pixels: (N, 5), offset u, v in px, and A^-1 (xx, xy, yy) in px^2 / grey^2.

    Images (H, W), ``flow`` (H, W, 2) px. NaN where the window leaves a frame.
    """
    height, width = image1.shape
    count = (2 * REACH + 1) ** 2
    result = np.full((len(columns), 5), np.nan)
    mean, change = np.empty((_SIDE, _SIDE), np.float32), np.empty((_SIDE, _SIDE), np.float32)
    right, bottom, half = np.float32(width - 1), np.float32(height - 1), np.float32(0.5)
    for k in range(len(columns)):
        left, top = columns[k] - REACH - 1, rows[k] - REACH - 1
        inside = left >= 0 and top >= 0 and left + _SIDE <= width and top + _SIDE <= height
        for r in range(_SIDE):
            if not inside:
                break
            for c in range(_SIDE):
                y, x = top + r, left + c
                x2, y2 = np.float32(x) + flow[y, x, 0], np.float32(y) + flow[y, x, 1]
                if not (x2 >= 0 and y2 >= 0 and x2 < right and y2 < bottom):
                    inside = False
                    break
                qx, qy = np.int64(x2), np.int64(y2)
                fx, fy = x2 - np.float32(qx), y2 - np.float32(qy)
                a, b = np.float32(image2[qy, qx]), np.float32(image2[qy, qx + 1])
                e, d = np.float32(image2[qy + 1, qx]), np.float32(image2[qy + 1, qx + 1])
                upper, lower = a + fx * (b - a), e + fx * (d - e)
                warped, own = upper + fy * (lower - upper), np.float32(image1[y, x])
                mean[r, c], change[r, c] = half * (warped + own), warped - own
        if not inside:
            continue
        sx = sy = sd = xx = xy = yy = xd = yd = 0.0
        for r in range(1, _SIDE - 1):
            for c in range(1, _SIDE - 1):
                gx = half * (mean[r, c + 1] - mean[r, c - 1])
                gy = half * (mean[r + 1, c] - mean[r - 1, c])
                d = change[r, c]
                sx, sy, sd = sx + gx, sy + gy, sd + d
                xx, xy, yy = xx + gx * gx, xy + gx * gy, yy + gy * gy
                xd, yd = xd + gx * d, yd + gy * d
        xx, xy, yy = xx - sx * sx / count + SOFTENING, xy - sx * sy / count, yy - sy * sy / count + SOFTENING
        xd, yd = xd - sx * sd / count, yd - sy * sd / count
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
