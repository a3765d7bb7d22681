"""The plane of the road, found from all of its contrast at once (LABELS sections 17.5 and 19).

Asphalt in compressed video has next to nothing that a single match could hold on to, but a road is one plane: its
parallax is ``k = p0 + p1 x + p2 y``, three numbers for a third of the image. A road that the camera drives along starts
at the epipole's height, so that one number, the parallax at the bottom, starts the search: all its values are tried on
the pixels in front of the car, and the best is refined for all three by Gauss-Newton on grey levels (Lucas and Kanade
1981, direct plane alignment). The plane counts if grey levels agree on it clearly better than on planes beside it.
"""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.epipolar import Epipolar, on_plane, parallax_at, point_at


@dataclass(frozen=True)
class GroundParameters:
    """The search for the road; lengths in shares of the image where no unit is given."""

    blur_px: float = 1.0
    local_mean_px: float = 24.0
    """Grey levels are compared less their mean over so many pixels, against changes of light."""
    top: float = 0.08
    """The trapezoid of the search begins so far below the horizon,"""
    half_width_top: float = 0.10
    half_width_bottom: float = 0.32
    bottom: float = 0.97
    contrast_grey: float = 1.0
    """Derivative along the epipolar line, grey levels per px, from which a pixel takes part."""
    min_pixels: int = 150
    search_pixels: int = 2500
    """So many of them take part in the trials."""
    shortest_px: float = 0.7
    longest: float = 0.25
    """Motion at the bottom that is tried, from and to (a share of the width)."""
    ratio: float = 1.04
    """Ratio of neighbouring trials."""
    cutoff_grey: float = 10.0
    iterations: int = 6
    widening: float = 1.6
    """The last refinement takes a trapezoid so much wider,"""
    final_cutoff_grey: float = 5.0
    """and only what fits better."""
    beside: float = 0.25
    """The misfit is compared with that of planes moved by so much of the parallax,"""
    max_misfit: float = 0.95
    """and must be at most so much of theirs."""


@dataclass(frozen=True)
class GroundPlane:
    """Parallax ``p0 + p1 x + p2 y`` in pixel coordinates, below the row ``horizon``."""

    plane: tuple[float, float, float]
    horizon: float
    misfit: float
    """Robust mean squared difference of grey levels, over that of planes beside it."""

    def at(self, x: Any, y: Any) -> Any:
        """Parallax at pixels."""
        return self.plane[0] + self.plane[1] * x + self.plane[2] * y


def find(
    image1: NDArray[np.float32],
    image2: NDArray[np.float32],
    line: Epipolar,
    horizon: float,
    parameters: GroundParameters,
) -> GroundPlane | None:
    """The road between two (H, W) float32 images; None where no plane is clearly best.

    ``horizon``: the row of the focus of expansion, where a road that the camera drives along ends.
    """
    height, width = image1.shape
    if not -0.25 * height < horizon < 0.75 * height:
        return None
    top = max(horizon + parameters.top * height, 2.0)
    bottom = parameters.bottom * height
    even1, even2 = (_even(image, max(int(horizon), 0), parameters) for image in (image1, image2))
    half = parameters.half_width_top * width, parameters.half_width_bottom * width
    x, y = _informative(even1, line, top, bottom, *half, parameters.contrast_grey)
    if len(x) < parameters.min_pixels:
        return None
    few = np.linspace(0, len(x) - 1, min(parameters.search_pixels, len(x))).astype(np.int64)
    slopes = _starts(line, (width - 1) / 2, bottom, _lengths(parameters, width)) / (bottom - horizon)
    costs = [_misfit(even1, even2, line, x[few], y[few], _plane(s, horizon), parameters.cutoff_grey) for s in slopes]
    if not np.isfinite(costs).any():
        return None
    plane = _plane(float(slopes[int(np.nanargmin(costs))]), horizon)
    for _ in range(parameters.iterations):
        plane = plane + _step(even1, even2, line, x, y, plane, parameters.cutoff_grey)
    wide = parameters.widening * half[0], parameters.widening * half[1]
    wide_x, wide_y = _informative(even1, line, top, bottom, *wide, parameters.contrast_grey)
    for _ in range(parameters.iterations):
        plane = plane + _step(even1, even2, line, wide_x, wide_y, plane, parameters.final_cutoff_grey)
    return _judged(even1, even2, line, x, y, plane, horizon, parameters)


def _judged(
    even1: NDArray[np.float32], even2: NDArray[np.float32], line: Epipolar, x: NDArray[np.float64],
    y: NDArray[np.float64], plane: NDArray[np.float64], horizon: float, parameters: GroundParameters,
) -> GroundPlane | None:  # fmt: skip
    if not np.isfinite(plane).all():
        return None
    own = _misfit(even1, even2, line, x, y, plane, parameters.cutoff_grey)
    others = [
        _misfit(even1, even2, line, x, y, plane * (1 + side * parameters.beside), parameters.cutoff_grey)
        for side in (-1, 1)
    ]
    ratio = own / max(min(others), 1e-9)
    if not ratio <= parameters.max_misfit:
        return None
    return GroundPlane((float(plane[0]), float(plane[1]), float(plane[2])), horizon, float(ratio))


def _plane(slope: float, horizon: float) -> NDArray[np.float64]:
    return np.array([-slope * horizon, 0.0, slope])


def _lengths(parameters: GroundParameters, width: int) -> NDArray[np.float64]:
    count = int(math.log(parameters.longest * width / parameters.shortest_px) / math.log(parameters.ratio)) + 1
    return np.geomspace(parameters.shortest_px, parameters.shortest_px * parameters.ratio ** (count - 1), count)


@njit(cache=True, nogil=True, error_model="numpy")
def _starts(line: Epipolar, x: float, y: float, lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Parallaxes with which a pixel moves so far, px."""
    plane = on_plane(line, x, y)
    from_x, from_y = point_at(line, plane, 0.0)
    to_x, to_y = point_at(line, plane, 1.0 / parallax_at(line, plane, from_x, from_y)[1])
    result = np.empty(len(lengths))
    for n in range(len(lengths)):
        x2, y2 = from_x + (to_x - from_x) * lengths[n], from_y + (to_y - from_y) * lengths[n]
        result[n] = parallax_at(line, plane, x2, y2)[0]
    return result


def _even(image: NDArray[np.float32], first: int, parameters: GroundParameters) -> NDArray[np.float32]:
    """The image less its local mean, smoothed; zero above row ``first``."""
    smooth = cv2.GaussianBlur(image[first:], (0, 0), parameters.blur_px)
    side = 2 * int(parameters.local_mean_px) + 1
    result = np.zeros_like(image)
    np.subtract(smooth, cv2.boxFilter(smooth, -1, (side, side)), out=result[first:])
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _informative(
    image: NDArray[np.float32], line: Epipolar, top: float, bottom: float, half_top: float, half_bottom: float,
    contrast: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """Pixels (x, y) of the trapezoid, every other one, with contrast along their epipolar line."""
    height, width = image.shape
    last = min(int(bottom), height - 2)
    xs, ys = np.empty(height * width // 4), np.empty(height * width // 4)
    count = 0
    for y in range(int(top), last, 2):
        half = half_top + (half_bottom - half_top) * (y - top) / max(bottom - top, 1.0)
        for x in range(max(int(line.cx - half), 1), min(int(line.cx + half), width - 2), 2):
            dx = line.e[0] - (x - line.cx) / line.scale * line.e[2]
            dy = line.e[1] - (y - line.cy) / line.scale * line.e[2]
            length = np.sqrt(dx * dx + dy * dy) + 1e-9
            slope = 0.5 * (dx * (image[y, x + 1] - image[y, x - 1]) + dy * (image[y + 1, x] - image[y - 1, x])) / length
            if abs(slope) > contrast:
                xs[count], ys[count] = x, y
                count += 1
    return xs[:count].copy(), ys[:count].copy()


@njit(inline="always")
def _sample(image, x, y):  # type: ignore[no-untyped-def]
    """(value, derivative to the right, derivative downwards) between pixels; (x, y) lies inside."""
    qx, qy = int(x), int(y)
    fx, fy = x - qx, y - qy
    a, b, c, d = image[qy, qx], image[qy, qx + 1], image[qy + 1, qx], image[qy + 1, qx + 1]
    right = (b - a) * (1 - fy) + (d - c) * fy
    return a * (1 - fy) + c * fy + fx * right, right, (c - a) * (1 - fx) + (d - b) * fx


@njit(cache=True, nogil=True, error_model="numpy")
def _misfit(
    image1: NDArray[np.float32], image2: NDArray[np.float32], line: Epipolar, xs: NDArray[np.float64],
    ys: NDArray[np.float64], plane: NDArray[np.float64], cutoff: float,
) -> float:  # fmt: skip
    """Mean squared difference of grey levels on a plane, at most ``cutoff`` squared; NaN if few stay inside."""
    height, width = image2.shape
    total, count = 0.0, 0
    for n in range(len(xs)):
        x, y = xs[n], ys[n]
        x2, y2 = point_at(line, on_plane(line, x, y), plane[0] + plane[1] * x + plane[2] * y)
        if x2 < 0 or y2 < 0 or x2 >= width - 1 or y2 >= height - 1:
            continue
        difference = _sample(image2, x2, y2)[0] - image1[int(y), int(x)]
        total += min(difference * difference, cutoff * cutoff)
        count += 1
    return total / count if 3 * count > len(xs) else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _step(
    image1: NDArray[np.float32], image2: NDArray[np.float32], line: Epipolar, xs: NDArray[np.float64],
    ys: NDArray[np.float64], plane: NDArray[np.float64], cutoff: float,
) -> NDArray[np.float64]:  # fmt: skip
    """One Gauss-Newton step of the plane (3,), with Geman-McClure weights."""
    height, width = image2.shape
    A, b, row = np.zeros((3, 3)), np.zeros(3), np.empty(3)
    for n in range(len(xs)):
        x, y = xs[n], ys[n]
        point = on_plane(line, x, y)
        k = plane[0] + plane[1] * x + plane[2] * y
        x2, y2 = point_at(line, point, k)
        if x2 < 0 or y2 < 0 or x2 >= width - 1 or y2 >= height - 1:
            continue
        value, right, down = _sample(image2, x2, y2)
        difference = value - image1[int(y), int(x)]
        weight = 1 / (1 + (difference / cutoff) ** 2) ** 2
        X, Y = (x2 - line.cx) / line.scale, (y2 - line.cy) / line.scale
        z = point[2] + k * line.e[2]
        slope = (right * (line.e[0] - X * line.e[2]) + down * (line.e[1] - Y * line.e[2])) / z * line.scale
        row[0], row[1], row[2] = slope, slope * (x - line.cx) / line.scale, slope * (y - line.cy) / line.scale
        for r in range(3):
            b[r] -= weight * row[r] * difference
            for c in range(3):
                A[r, c] += weight * row[r] * row[c]
    for r in range(3):
        A[r, r] *= 1.0 + 1e-3
        A[r, r] += 1e-6
    s = np.linalg.solve(A, b)
    return np.array(
        [s[0] - s[1] * line.cx / line.scale - s[2] * line.cy / line.scale, s[1] / line.scale, s[2] / line.scale]
    )
