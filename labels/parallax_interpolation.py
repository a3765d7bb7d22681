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
from labels.epipolar import LEAST_SCALE, Epipolar, on_plane, point_at
from labels.likeness import LEAST
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
    levels: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Flow (H, W, 2) float32 px: each pixel's parallax from the planes of the four seeds around it, then its point.

    A seed counts by how near it is and how like in grey. ``guide``: (H, W) uint8; ``limits``: least and greatest
    parallax; ``levels``: (256,) float32 of ``likeness.of_levels``.
    """
    return _upsample(planes, guide, *grid.place, line, *limits, levels)


@njit(cache=True, nogil=True, error_model="numpy")
def _upsample(
    planes: NDArray[np.float32],
    guide: NDArray[np.uint8],
    step: int,
    x0: int,
    y0: int,
    line: Epipolar,
    least: float,
    greatest: float,
    levels: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Row by row: no row leaves the processor's nearest memory between its parallaxes and its flow."""
    height, width = guide.shape
    rows = planes.shape[0]
    flow = np.empty((height, width, 2), np.float32)
    seeds = _widened(planes, guide, step, x0, y0, levels)
    inverse = np.float32(1 / step)
    across, own, parallax = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    for x in range(width):
        across[x] = np.float32((x - x0) % step) * inverse
    for y in range(height):
        j = (y - y0) // step
        top, bottom = min(max(j, 0), rows - 1), min(max(j + 1, 0), rows - 1)
        for x in range(width):
            own[x] = levels[guide[y, x]]
        ways = (y - y0 - j * step) * inverse, (y - y0 - top * step) * inverse, (y - y0 - bottom * step) * inverse
        _blend(seeds[top], seeds[bottom], own, across, step, ways, parallax)
        _point(line, y, parallax, np.float32(least), np.float32(greatest), flow[y].reshape(-1))
    return flow


@njit(cache=True, nogil=True, error_model="numpy")
def _widened(
    planes: NDArray[np.float32], guide: NDArray[np.uint8], step: int, x0: int, y0: int, levels: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What pixels take from the seed on their left, (rows, 5, W + step); from that on their right, a step further.

    Parallax where the grid has that seed, its change with a step of the grid to the right and downwards, the level of
    its grey and one over that. Beside the grid its outermost seeds go on.
    """
    rows, columns = planes.shape[:2]
    width = guide.shape[1] + step
    seeds = np.empty((rows, 5, width), np.float32)
    for j in range(rows):
        row = seeds[j]
        for i in range(-((x0 + step - 1) // step), (width - 1 - x0) // step + 1):
            nearest = min(max(i, 0), columns - 1)
            plane, level = planes[j, nearest], levels[guide[y0 + j * step, x0 + nearest * step]]
            parallax, right, down = plane[0] + plane[1] * np.float32(i - nearest), plane[1], plane[2]
            inverse = np.float32(1) / level
            for x in range(max(x0 + i * step, 0), min(x0 + i * step + step, width)):
                row[0, x], row[1, x], row[2, x], row[3, x], row[4, x] = parallax, right, down, level, inverse
    return seeds


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def _blend(
    upper: NDArray[np.float32], lower: NDArray[np.float32], own: NDArray[np.float32], across: NDArray[np.float32],
    step: int, ways: tuple[np.float32, np.float32, np.float32], result: NDArray[np.float32],
) -> None:  # fmt: skip
    """Parallaxes of a row of pixels from the seeds above and below it (``_widened``), each an array by itself.

    ``own`` are the pixels' levels, ``across`` how far they are on the way to the seed on their right, ``ways`` how far
    the row is on that to the seeds below, and from the upper and the lower ones, in steps of the grid.
    """
    one, floor, least = np.float32(1), np.float32(0.02), np.float32(LEAST)
    down, from_upper, from_lower = np.float32(ways[0]), np.float32(ways[1]), np.float32(ways[2])
    k00, a00, b00, e00, q00 = upper[0], upper[1], upper[2], upper[3], upper[4]
    k10, a10, b10, e10, q10 = lower[0], lower[1], lower[2], lower[3], lower[4]
    k01, a01, b01, e01, q01 = k00[step:], a00[step:], b00[step:], e00[step:], q00[step:]
    k11, a11, b11, e11, q11 = k10[step:], a10[step:], b10[step:], e10[step:], q10[step:]
    for x in range(result.size):
        right, e = across[x], own[x]
        left, up, q = one - right, one - down, one / e
        w00 = (left * up + floor) * (min(e * q00[x], q * e00[x]) + least)
        w01 = (right * up + floor) * (min(e * q01[x], q * e01[x]) + least)
        w10 = (left * down + floor) * (min(e * q10[x], q * e10[x]) + least)
        w11 = (right * down + floor) * (min(e * q11[x], q * e11[x]) + least)
        k = w00 * (k00[x] + a00[x] * right + b00[x] * from_upper)
        k += w01 * (k01[x] - a01[x] * left + b01[x] * from_upper)
        k += w10 * (k10[x] + a10[x] * right + b10[x] * from_lower)
        k += w11 * (k11[x] - a11[x] * left + b11[x] * from_lower)
        result[x] = k / (w00 + w01 + w10 + w11)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def _point(
    line: Epipolar, y: int, parallax: NDArray[np.float32], low: np.float32, high: np.float32, flow: NDArray[np.float32]
) -> None:
    """Flow of a row of pixels by their parallax; flat, (2 W,), or compilers take one pixel at a time."""
    unit, cx, cy = np.float32(line.scale), np.float32(line.cx), np.float32(line.cy)
    h, row, least = line.H.astype(np.float32), np.float32(y), np.float32(LEAST_SCALE)
    ex, ey, ez = np.float32(line.e[0]), np.float32(line.e[1]), np.float32(line.e[2])
    down = (row - cy) / unit
    a, b, c = h[0, 0], h[1, 0], h[2, 0]
    a0, b0, c0 = h[0, 1] * down + h[0, 2], h[1, 1] * down + h[1, 2], h[2, 1] * down + h[2, 2]
    for x in range(parallax.size):
        column, k = np.float32(np.int32(x)), min(max(parallax[x], low), high)
        across = (column - cx) / unit
        scale = unit / max(c * across + c0 + k * ez, least)
        flow[2 * x] = (a * across + a0 + k * ex) * scale + cx - column
        flow[2 * x + 1] = (b * across + b0 + k * ey) * scale + cy - row


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
