"""Dense flow of the still scene from matches on a grid: at every seed the plane through the matches around it.

On the plane of a surface, parallax (``labels.epipolar``) is linear in x and y. At every seed such a function is fitted
to the matches around it, weighted by ``exp(-geodesic distance)`` and by what a match tells of parallax: three unknowns
where an affine flow has six, exact for slanted roads and walls where that is an approximation, and always on the
epipolar line.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.edge_filter import Decays, accumulate
from labels.epipolar import Epipolar, on_plane, point_at
from labels.matching import Grid


@dataclass(frozen=True)
class PlaneParameters:
    """Robustness of the fits."""

    reweightings: int = 1
    """Robust refits after the first fit."""
    residual_px: float = 1.5
    """Scale of the robust weights ``1 / (1 + (r / scale)^2)^2``."""
    off_line_px: float = 1.5
    """The same for the distance from the epipolar line: what moves has no part in the fits."""
    ridge: float = 0.1
    """Squared grid steps added to the spread of the matches: pulls fits on few matches to one parallax."""


def fit_planes(
    parallaxes: NDArray[np.float64], weights: NDArray[np.float32], along: Decays, parameters: PlaneParameters
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Planes of all seeds, (rows, columns, 3): parallax, its change to the next column, to the next row.

    ``parallaxes``: (rows, columns, 3) of ``epipolar.parallaxes``; ``weights``: (rows, columns), 0 = no match. Also
    returns the matches' robust weights (rows, columns) float32, small for those that contradict the fits.
    """
    on_line = _on_line(parallaxes, weights, parameters.off_line_px)
    robust = on_line
    for number in range(parameters.reweightings + 1):
        moments = _moments(parallaxes, robust)
        accumulate(moments, along)
        planes = _solve(moments, parameters.ridge)
        if number < parameters.reweightings:
            robust = _reweight(planes, parallaxes, on_line, parameters.residual_px)
    return planes, robust


@njit(cache=True, nogil=True, error_model="numpy")
def _on_line(parallaxes: NDArray[np.float64], weights: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    rows, columns = weights.shape
    result = np.zeros((rows, columns), np.float32)
    for j in range(rows):
        for i in range(columns):
            if weights[j, i] > 0:
                doubt = 1 + (parallaxes[j, i, 2] / scale) ** 2
                result[j, i] = weights[j, i] / (doubt * doubt)
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _moments(parallaxes: NDArray[np.float64], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sums of the normal equations of each match alone: w, wx, wy, wxx, wxy, wyy, wk, wkx, wky."""
    rows, columns = weights.shape
    moments = np.zeros((rows, columns, 9))
    for j in range(rows):
        y = j - 0.5 * rows
        for i in range(columns):
            if weights[j, i] <= 0:
                continue
            k, gain = parallaxes[j, i, 0], parallaxes[j, i, 1]
            weight = weights[j, i] * gain * gain
            x = i - 0.5 * columns
            m = moments[j, i]
            m[0], m[1], m[2] = weight, weight * x, weight * y
            m[3], m[4], m[5] = weight * x * x, weight * x * y, weight * y * y
            m[6], m[7], m[8] = weight * k, weight * k * x, weight * k * y
    return moments


@njit(cache=True, nogil=True, error_model="numpy")
def _solve(moments: NDArray[np.float64], ridge: float) -> NDArray[np.float32]:
    rows, columns = moments.shape[:2]
    planes = np.empty((rows, columns, 3), np.float32)
    for j in range(rows):
        for i in range(columns):
            m = moments[j, i]
            scale = 1 / (m[0] + 1e-100)
            x, y, k = m[1] * scale, m[2] * scale, m[6] * scale
            xx, yy, xy = m[3] * scale - x * x + ridge, m[5] * scale - y * y + ridge, m[4] * scale - x * y
            kx, ky = m[7] * scale - k * x, m[8] * scale - k * y
            inverse = 1 / max(xx * yy - xy * xy, 1e-12)
            a, b = (kx * yy - ky * xy) * inverse, (ky * xx - kx * xy) * inverse
            planes[j, i, 0] = k + a * (i - 0.5 * columns - x) + b * (j - 0.5 * rows - y)
            planes[j, i, 1], planes[j, i, 2] = a, b
    return planes


@njit(cache=True, nogil=True, error_model="numpy")
def _reweight(
    planes: NDArray[np.float32], parallaxes: NDArray[np.float64], weights: NDArray[np.float32], scale: float
) -> NDArray[np.float32]:
    rows, columns = weights.shape
    robust = np.zeros((rows, columns), np.float32)
    for j in range(rows):
        for i in range(columns):
            if weights[j, i] > 0:
                residual = (planes[j, i, 0] - parallaxes[j, i, 0]) * parallaxes[j, i, 1] / scale
                doubt = 1 + residual * residual
                robust[j, i] = weights[j, i] / (doubt * doubt)
    return robust


def interpolate(
    planes: NDArray[np.float32],
    guide: NDArray[np.uint8],
    grid: Grid,
    line: Epipolar,
    limits: tuple[float, float],
    likeness: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Flow (H, W, 2) float32 px: each pixel's parallax from the planes of the four seeds around it, then its point.

    ``guide``: (H, W) uint8; ``limits``: least and greatest parallax; ``likeness``: (256,) float32, weight of a seed by
    its difference in grey level.
    """
    return _upsample(planes, guide, *grid.place, line, *limits, likeness)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def _upsample(
    planes: NDArray[np.float32],
    guide: NDArray[np.uint8],
    step: int,
    x0: int,
    y0: int,
    line: Epipolar,
    least: float,
    greatest: float,
    likeness: NDArray[np.float32],
) -> NDArray[np.float32]:
    height, width = guide.shape
    rows, columns = planes.shape[:2]
    flow = np.empty((height, width, 2), np.float32)
    inverse, floor, one = np.float32(1 / step), np.float32(0.02), np.float32(1)
    low, high = np.float32(least), np.float32(greatest)
    parallax = np.empty(width, np.float32)
    unit, cx, cy = np.float32(line.scale), np.float32(line.cx), np.float32(line.cy)
    h = line.H.astype(np.float32)
    ex, ey, ez = np.float32(line.e[0]), np.float32(line.e[1]), np.float32(line.e[2])
    least_scale = np.float32(0.05)
    for y in range(height):
        j = (y - y0 + step) // step - 1
        top, bottom = min(max(j, 0), rows - 1), min(max(j + 1, 0), rows - 1)
        down = np.float32(y - y0 - j * step) * inverse
        y_top = np.float32(y - y0) * inverse - np.float32(top)
        y_bottom = np.float32(y - y0) * inverse - np.float32(bottom)
        guide_top, guide_bottom = guide[y0 + top * step], guide[y0 + bottom * step]
        for i in range(-((x0 + step - 1) // step), (width - 1 - x0) // step + 1):
            left, right = min(max(i, 0), columns - 1), min(max(i + 1, 0), columns - 1)
            p00, p01, p10, p11 = planes[top, left], planes[top, right], planes[bottom, left], planes[bottom, right]
            k00, k01 = p00[0] + p00[2] * y_top, p01[0] + p01[2] * y_top
            k10, k11 = p10[0] + p10[2] * y_bottom, p11[0] + p11[2] * y_bottom
            g00, g01 = np.int64(guide_top[x0 + left * step]), np.int64(guide_top[x0 + right * step])
            g10, g11 = np.int64(guide_bottom[x0 + left * step]), np.int64(guide_bottom[x0 + right * step])
            start = x0 + i * step
            for x in range(max(start, 0), min(start + step, width)):
                grey = np.int64(guide[y, x])
                across = np.float32(x - start) * inverse
                x_left = np.float32(x - x0) * inverse - np.float32(left)
                x_right = np.float32(x - x0) * inverse - np.float32(right)
                w00 = ((one - across) * (one - down) + floor) * likeness[abs(grey - g00)]
                w01 = (across * (one - down) + floor) * likeness[abs(grey - g01)]
                w10 = ((one - across) * down + floor) * likeness[abs(grey - g10)]
                w11 = (across * down + floor) * likeness[abs(grey - g11)]
                k = w00 * (k00 + p00[1] * x_left) + w01 * (k01 + p01[1] * x_right)
                k += w10 * (k10 + p10[1] * x_left) + w11 * (k11 + p11[1] * x_right)
                parallax[x] = k / (w00 + w01 + w10 + w11)
        row, across_y = flow[y], (np.float32(y) - cy) / unit
        for x in range(width):
            k = min(max(parallax[x], low), high)
            across_x = (np.float32(x) - cx) / unit
            a = h[0, 0] * across_x + h[0, 1] * across_y + h[0, 2]
            b = h[1, 0] * across_x + h[1, 1] * across_y + h[1, 2]
            c = h[2, 0] * across_x + h[2, 1] * across_y + h[2, 2]
            z = max(c + k * ez, least_scale)
            row[x, 0] = (a + k * ex) / z * unit + cx - np.float32(x)
            row[x, 1] = (b + k * ey) / z * unit + cy - np.float32(y)
    return flow


@njit(cache=True, nogil=True, error_model="numpy")
def predicted(
    planes: NDArray[np.float32], step: int, x0: int, y0: int, line: Epipolar, least: float, greatest: float
) -> NDArray[np.float32]:
    """Where the planes say that the seeds go: displacements (rows, columns, 2) float32 px."""
    rows, columns = planes.shape[:2]
    result = np.empty((rows, columns, 2), np.float32)
    for j in range(rows):
        for i in range(columns):
            x, y = float(x0 + i * step), float(y0 + j * step)
            k = min(max(planes[j, i, 0], least), greatest)
            x2, y2 = point_at(line, on_plane(line, x, y), k)
            result[j, i, 0], result[j, i, 1] = x2 - x, y2 - y
    return result
