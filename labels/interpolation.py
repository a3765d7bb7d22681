"""Dense flow from matches on a grid: edge-aware locally weighted affine fits in O(N) (LABELS section 4.8).

The model is that of EpicFlow's locally weighted affine estimator: at every seed one affine flow is fitted to the
matches around it, weighted by ``exp(-geodesic distance)``. It needs no epipolar geometry: it serves what moves, and
pairs of frames whose camera motion cannot be told.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.edge_filter import Decays, accumulate
from labels.matching import Grid


@dataclass(frozen=True)
class AffineParameters:
    """Robustness of the affine fits."""

    reweightings: int = 2
    """Robust refits after the first fit."""
    residual_px: float = 1.5
    """Scale of the robust weights ``1 / (1 + (r / scale)^2)^2``."""
    ridge: float = 0.1
    """Squared grid steps added to the spread of the matches: pulls fits on few matches to a translation."""


def fit_affine(
    displacements: NDArray[np.float32], weights: NDArray[np.float32], along: Decays, parameters: AffineParameters
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Affine models of all seeds, (rows, columns, 6): u, du/dx, du/dy, v, dv/dx, dv/dy, px per grid step.

    ``displacements``: (rows, columns, 2) float32 px; ``weights``: (rows, columns) float32, 0 = no match. Also returns
    the matches' robust weights (rows, columns) float32, small for those that contradict the fits.
    """
    robust = weights
    for number in range(parameters.reweightings + 1):
        moments = _moments(displacements, robust)
        accumulate(moments, along)
        models = _solve(moments, parameters.ridge)
        if number < parameters.reweightings:
            robust = _reweight(models, displacements, weights, parameters.residual_px)
    return models, robust


def interpolate(
    models: NDArray[np.float32],
    guide: NDArray[np.uint8],
    grid: Grid,
    likeness: NDArray[np.float32],
    flow: NDArray[np.float32],
    wanted: NDArray[np.bool_],
) -> None:
    """Fill ``flow`` (H, W, 2) float32 px at the ``wanted`` pixels (H, W), from the models of the four seeds around.

    ``guide``: (H, W) uint8; ``likeness``: (256,) float32, weight of a seed by its difference in grey level.
    """
    _upsample(models, guide, *grid.place, likeness, flow, wanted)


@njit(cache=True, nogil=True, error_model="numpy")
def _moments(displacements: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sums of the normal equations of each match alone: w, wx, wy, wxx, wxy, wyy, wu, wux, wuy, wv, wvx, wvy."""
    rows, columns = weights.shape
    moments = np.zeros((rows, columns, 12))
    for j in range(rows):
        y = j - 0.5 * rows
        for i in range(columns):
            weight = np.float64(weights[j, i])
            if weight <= 0:
                continue
            x = i - 0.5 * columns
            u, v = weight * displacements[j, i, 0], weight * displacements[j, i, 1]
            m = moments[j, i]
            m[0], m[1], m[2] = weight, weight * x, weight * y
            m[3], m[4], m[5] = weight * x * x, weight * x * y, weight * y * y
            m[6], m[7], m[8] = u, u * x, u * y
            m[9], m[10], m[11] = v, v * x, v * y
    return moments


@njit(cache=True, nogil=True, error_model="numpy")
def _solve(moments: NDArray[np.float64], ridge: float) -> NDArray[np.float32]:
    """Affine model of each seed: u, du/dx, du/dy, v, dv/dx, dv/dy per grid step, (rows, columns, 6) float32."""
    rows, columns = moments.shape[:2]
    models = np.empty((rows, columns, 6), np.float32)
    for j in range(rows):
        for i in range(columns):
            m = moments[j, i]
            scale = 1 / (m[0] + 1e-30)
            x, y, u, v = m[1] * scale, m[2] * scale, m[6] * scale, m[9] * scale
            xx, yy, xy = m[3] * scale - x * x + ridge, m[5] * scale - y * y + ridge, m[4] * scale - x * y
            ux, uy = m[7] * scale - u * x, m[8] * scale - u * y
            vx, vy = m[10] * scale - v * x, m[11] * scale - v * y
            inverse = 1 / (xx * yy - xy * xy)
            a, b = (ux * yy - uy * xy) * inverse, (uy * xx - ux * xy) * inverse
            c, d = (vx * yy - vy * xy) * inverse, (vy * xx - vx * xy) * inverse
            dx, dy = i - 0.5 * columns - x, j - 0.5 * rows - y
            model = models[j, i]
            model[0], model[1], model[2] = u + a * dx + b * dy, a, b
            model[3], model[4], model[5] = v + c * dx + d * dy, c, d
    return models


@njit(cache=True, nogil=True, error_model="numpy")
def _reweight(
    models: NDArray[np.float32], displacements: NDArray[np.float32], weights: NDArray[np.float32], scale: float
) -> NDArray[np.float32]:
    rows, columns = weights.shape
    robust = np.zeros((rows, columns), np.float32)
    factor = np.float32(1 / (scale * scale))
    for j in range(rows):
        for i in range(columns):
            du = models[j, i, 0] - displacements[j, i, 0]
            dv = models[j, i, 3] - displacements[j, i, 1]
            doubt = np.float32(1) + (du * du + dv * dv) * factor
            robust[j, i] = weights[j, i] / (doubt * doubt)
    return robust


@njit(cache=True, nogil=True, error_model="numpy")
def _upsample(
    models: NDArray[np.float32], guide: NDArray[np.uint8], step: int, x0: int, y0: int, likeness: NDArray[np.float32],
    flow: NDArray[np.float32], wanted: NDArray[np.bool_],
) -> None:  # fmt: skip
    height, width = guide.shape
    rows, columns = models.shape[:2]
    inverse, floor, one = np.float32(1 / step), np.float32(0.02), np.float32(1)
    for y in range(height):
        j = (y - y0 + step) // step - 1
        top, bottom = min(max(j, 0), rows - 1), min(max(j + 1, 0), rows - 1)
        down = np.float32(y - y0 - j * step) * inverse
        y_top = np.float32(y - y0) * inverse - np.float32(top)
        y_bottom = np.float32(y - y0) * inverse - np.float32(bottom)
        guide_top, guide_bottom = guide[y0 + top * step], guide[y0 + bottom * step]
        for i in range(-((x0 + step - 1) // step), (width - 1 - x0) // step + 1):
            left, right = min(max(i, 0), columns - 1), min(max(i + 1, 0), columns - 1)
            m00, m01, m10, m11 = models[top, left], models[top, right], models[bottom, left], models[bottom, right]
            u00, v00 = m00[0] + m00[2] * y_top, m00[3] + m00[5] * y_top
            u01, v01 = m01[0] + m01[2] * y_top, m01[3] + m01[5] * y_top
            u10, v10 = m10[0] + m10[2] * y_bottom, m10[3] + m10[5] * y_bottom
            u11, v11 = m11[0] + m11[2] * y_bottom, m11[3] + m11[5] * y_bottom
            g00, g01 = np.int64(guide_top[x0 + left * step]), np.int64(guide_top[x0 + right * step])
            g10, g11 = np.int64(guide_bottom[x0 + left * step]), np.int64(guide_bottom[x0 + right * step])
            start = x0 + i * step
            for x in range(max(start, 0), min(start + step, width)):
                if not wanted[y, x]:
                    continue
                grey = np.int64(guide[y, x])
                across = np.float32(x - start) * inverse
                x_left = np.float32(x - x0) * inverse - np.float32(left)
                x_right = np.float32(x - x0) * inverse - np.float32(right)
                w00 = ((one - across) * (one - down) + floor) * likeness[abs(grey - g00)]
                w01 = (across * (one - down) + floor) * likeness[abs(grey - g01)]
                w10 = ((one - across) * down + floor) * likeness[abs(grey - g10)]
                w11 = (across * down + floor) * likeness[abs(grey - g11)]
                scale = one / (w00 + w01 + w10 + w11)
                u = w00 * (u00 + m00[1] * x_left) + w01 * (u01 + m01[1] * x_right)
                u += w10 * (u10 + m10[1] * x_left) + w11 * (u11 + m11[1] * x_right)
                v = w00 * (v00 + m00[4] * x_left) + w01 * (v01 + m01[4] * x_right)
                v += w10 * (v10 + m10[4] * x_left) + w11 * (v11 + m11[4] * x_right)
                flow[y, x, 0] = u * scale
                flow[y, x, 1] = v * scale
