"""The plane of the road, found from all of its contrast at once (LABELS sections 17.5 and 19).

Asphalt in compressed video has next to nothing that a single match could hold on to, but a road is one plane: its
parallax ``k = slope (y - horizon - offset + tilt (x - middle))`` is three numbers for a third of the image. What stands
beside the road tells about where its slope is; near that, values are tried on the pixels in front of the car, and the
best is refined for all three numbers by Gauss-Newton on grey levels (Lucas and Kanade 1981, direct plane alignment).
Both weigh what the grey levels tell against what was expected: coders copy faint asphalt from frame to frame, and its
grey levels then favour planes that hardly move.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.epipolar import Epipolar, on_plane, point_at


@dataclass(frozen=True)
class GroundParameters:
    """The search for the road; lengths in shares of the image where no unit is given."""

    blur_px: float = 1.0
    local_mean_px: float = 24.0
    """Grey levels are compared less their mean over so many pixels, against changes of light."""
    top: float = 0.08
    """The trapezoid of the search begins so far below the horizon,"""
    half_width_top: float = 0.13
    half_width_bottom: float = 0.45
    bottom: float = 0.97
    contrast_grey: float = 1.0
    """Derivative along the epipolar line, grey levels per px, from which a pixel takes part."""
    min_pixels: int = 150
    search_pixels: int = 2500
    """So many of them take part in the trials."""
    trials: int = 41
    """Slopes that are tried, over two standard deviations to both sides of the expected one."""
    cutoff_grey: float = 5.0
    iterations: int = 8
    noise_grey: float = 1.5
    """Least standard deviation of a difference of grey levels."""
    correlated: float = 30.0
    """So many pixels tell what one independent one would."""
    beside: float = 0.25
    """The misfit is compared with that of planes moved by so much of the parallax,"""
    max_misfit: float = 1.0
    """and must be at most so much of theirs, or the road is as expected."""


@dataclass(frozen=True)
class Expectation:
    """What is known of the road before its grey levels are looked at."""

    slope: float
    """Parallax a pixel row."""
    slope_sd: float = 0.15
    """Standard deviation of its logarithm."""
    offset_sd: float = 0.01
    """Standard deviation of the road's horizon about the row of the focus of expansion, of the width."""
    tilt_sd: float = 0.03

    def with_another(self, slope: float, slope_sd: float) -> "Expectation":
        """Both that and another value of the slope, weighted by their certainty."""
        own, other = self.slope_sd**-2, slope_sd**-2
        mean = (own * math.log(self.slope) + other * math.log(slope)) / (own + other)
        return replace(self, slope=math.exp(mean), slope_sd=(own + other) ** -0.5)


@dataclass(frozen=True)
class GroundPlane:
    """Parallax ``p0 + p1 x + p2 y`` in pixel coordinates."""

    plane: tuple[float, float, float]
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
    expected: Expectation,
    parameters: GroundParameters,
) -> GroundPlane | None:
    """The road between two (H, W) float32 images; None where the horizon is out of sight.

    Where grey levels say nothing, or contradict, the road is as expected.

    ``horizon``: the row of the focus of expansion, where a road that the camera drives along ends.
    """
    height, width = image1.shape
    if not -0.25 * height < horizon < 0.75 * height:
        return None
    even1, even2 = (_even(image, max(int(horizon), 0), parameters) for image in (image1, image2))
    top, bottom = max(horizon + parameters.top * height, 2.0), parameters.bottom * height
    half = parameters.half_width_top * width, parameters.half_width_bottom * width
    x, y = _informative(even1, line, top, bottom, *half, parameters.contrast_grey)
    if len(x) < parameters.min_pixels:
        return _as_expected(expected, line.cx, horizon)
    views = even1, even2, line
    start, noise2 = _start(*views, x, y, horizon, expected, parameters)
    if not np.isfinite(start):
        return _as_expected(expected, line.cx, horizon)
    road = _refined(*views, x, y, horizon, start, noise2, expected, parameters)
    plane = _plane(road, line.cx, horizon)
    misfit = _misfit_ratio(*views, x, y, plane, parameters)
    if not misfit <= parameters.max_misfit:
        return _as_expected(expected, line.cx, horizon)
    return GroundPlane((float(plane[0]), float(plane[1]), float(plane[2])), misfit)


def _as_expected(expected: Expectation, middle: float, horizon: float) -> GroundPlane:
    plane = _plane(np.array([math.log(expected.slope), 0.0, 0.0]), middle, horizon)
    return GroundPlane((float(plane[0]), float(plane[1]), float(plane[2])), 1.0)


def _start(
    even1: NDArray[np.float32], even2: NDArray[np.float32], line: Epipolar, x: NDArray[np.float64],
    y: NDArray[np.float64], horizon: float, expected: Expectation, parameters: GroundParameters,
) -> tuple[float, float]:  # fmt: skip
    """Logarithm of the best slope of a road that starts at the horizon, NaN without one; and the noise, squared."""
    few = np.linspace(0, len(x) - 1, min(parameters.search_pixels, len(x))).astype(np.int64)
    off = np.linspace(-2, 2, parameters.trials)
    slopes = math.log(expected.slope) + off * expected.slope_sd
    planes = np.stack([_plane(np.array([slope, 0.0, 0.0]), line.cx, horizon) for slope in slopes])
    costs = _misfits(even1, even2, line, x[few], y[few], planes, parameters.cutoff_grey)
    if not np.isfinite(costs).any():
        return np.nan, np.nan
    noise2 = max(float(np.nanmin(costs)), parameters.noise_grey**2)
    totals = costs / noise2 * len(x) / parameters.correlated + off**2
    return float(slopes[int(np.nanargmin(totals))]), noise2


def _refined(
    even1: NDArray[np.float32], even2: NDArray[np.float32], line: Epipolar, x: NDArray[np.float64],
    y: NDArray[np.float64], horizon: float, start: float, noise2: float, expected: Expectation,
    parameters: GroundParameters,
) -> NDArray[np.float64]:  # fmt: skip
    """(logarithm of the slope, offset px, tilt) that the grey levels and the expectation together favour."""
    centre = np.array([math.log(expected.slope), 0.0, 0.0])
    firmness = np.array([expected.slope_sd, expected.offset_sd * even1.shape[1], expected.tilt_sd]) ** -2
    road = np.array([start, 0.0, 0.0])
    scale = 1 / (noise2 * parameters.correlated)
    for _ in range(parameters.iterations):
        A, b = _sums(even1, even2, line, x, y, road, horizon, parameters.cutoff_grey)
        road = road + np.linalg.solve(A * scale + np.diag(firmness), b * scale - (road - centre) * firmness)
    return road


def _misfit_ratio(
    even1: NDArray[np.float32], even2: NDArray[np.float32], line: Epipolar, x: NDArray[np.float64],
    y: NDArray[np.float64], plane: NDArray[np.float64], parameters: GroundParameters,
) -> float:  # fmt: skip
    """Misfit of a plane over that of the planes beside it."""
    planes = np.outer((1.0, 1 - parameters.beside, 1 + parameters.beside), plane)
    own, less, more = _misfits(even1, even2, line, x, y, planes, parameters.cutoff_grey)
    return float(own / max(min(less, more), 1e-9))


def _plane(road: NDArray[np.float64], middle: float, horizon: float) -> NDArray[np.float64]:
    return math.exp(road[0]) * np.array([-horizon - road[1] - road[2] * middle, road[2], 1.0])


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
def _misfits(
    image1: NDArray[np.float32], image2: NDArray[np.float32], line: Epipolar, xs: NDArray[np.float64],
    ys: NDArray[np.float64], planes: NDArray[np.float64], cutoff: float,
) -> NDArray[np.float64]:  # fmt: skip
    """Mean squared difference of grey levels on each plane, at most ``cutoff`` squared; NaN where few stay inside.

    ``planes`` (T, 3), of which all are tried at a pixel before the next one: their look-ups lie near each other.
    """
    height, width = image2.shape
    trials = len(planes)
    totals, counts = np.zeros(trials), np.zeros(trials, np.int64)
    x2, y2 = np.empty(trials), np.empty(trials)
    for n in range(len(xs)):
        x, y = xs[n], ys[n]
        point, grey = on_plane(line, x, y), image1[int(y), int(x)]
        for t in range(trials):
            x2[t], y2[t] = point_at(line, point, planes[t, 0] + planes[t, 1] * x + planes[t, 2] * y)
        for t in range(trials):
            if x2[t] < 0 or y2[t] < 0 or x2[t] >= width - 1 or y2[t] >= height - 1:
                continue
            difference = _sample(image2, x2[t], y2[t])[0] - grey
            totals[t] += min(difference * difference, cutoff * cutoff)
            counts[t] += 1
    return np.where(3 * counts > len(xs), totals / counts, np.nan)


@njit(cache=True, nogil=True, error_model="numpy")
def _sums(
    image1: NDArray[np.float32], image2: NDArray[np.float32], line: Epipolar, xs: NDArray[np.float64],
    ys: NDArray[np.float64], road: NDArray[np.float64], horizon: float, cutoff: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """Normal matrix (3, 3) and right side (3,) of a Gauss-Newton step of ``road``, with Geman-McClure weights."""
    height, width = image2.shape
    A, b, row = np.zeros((3, 3)), np.zeros(3), np.empty(3)
    middle, slope = line.cx, np.exp(road[0])
    for n in range(len(xs)):
        x, y = xs[n], ys[n]
        point = on_plane(line, x, y)
        k = slope * (y - horizon - road[1] + road[2] * (x - middle))
        x2, y2 = point_at(line, point, k)
        if x2 < 0 or y2 < 0 or x2 >= width - 1 or y2 >= height - 1:
            continue
        value, right, down = _sample(image2, x2, y2)
        difference = value - image1[int(y), int(x)]
        weight = 1 / (1 + (difference / cutoff) ** 2) ** 2
        X, Y = (x2 - line.cx) / line.scale, (y2 - line.cy) / line.scale
        z = point[2] + k * line.e[2]
        along = (right * (line.e[0] - X * line.e[2]) + down * (line.e[1] - Y * line.e[2])) / z * line.scale
        row[0], row[1], row[2] = along * k, -along * slope, along * slope * (x - middle)
        for r in range(3):
            b[r] -= weight * row[r] * difference
            for c in range(3):
                A[r, c] += weight * row[r] * row[c]
    return A, b
