"""Things that move along their epipolar line, told by where they touch the road (LABELS 8.2, 17.5).

A car ahead and oncoming traffic have the directions of still points, at a wrong distance: the car ahead looks farther
than the road that it stands on, oncoming traffic nearer. What stands still is never farther than the road at its own
pixel, and near its lowest part it is as far as the road just below.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from labels.regions import labelled, large


@dataclass(frozen=True)
class ContactParameters:
    """When a thing does not stand where it touches the road; lengths in shares of the frame."""

    top: float = 0.62  # the trapezoid in which the road is fitted: rows from here
    bottom: float = 0.95  # to here,
    half_width_top: float = 0.10  # columns so far to both sides of the middle above
    half_width_bottom: float = 0.25  # and below
    inlier: float = 0.10  # relative distance from the plane within which a pixel lies on it
    min_inliers: float = 0.6  # share of the trapezoid's pixels that must
    farther: float = 0.3  # share of the road's inverse depth that must be missing at a pixel
    nearer: float = 0.7  # share of it by which a thing's lowest part must exceed that of the road below
    sigma: float = 5.0  # and both in standard deviations
    lowest: float = 0.2  # so much of a thing's height is its lowest part
    min_area: float = 5e-4  # smaller things are not judged
    min_width: float = 0.02  # nor thinner ones: posts, whose foot the flow misses
    max_width: float = 0.5  # nor wider ones: walls and slopes, not vehicles
    corridor: float = 0.45  # of the width to both sides of the middle, at the bottom: beside it no plane goes on


@dataclass(frozen=True)
class RoadPlane:
    """Inverse depth of the road, linear in the pixel: ``a + b x + c y`` (LABELS 17.5)."""

    a: float
    b: float
    c: float

    def at(self, x: NDArray, y: NDArray) -> NDArray[np.float32]:
        """Inverse depth at pixel columns ``x`` and rows ``y``."""
        return (self.a + self.b * x + self.c * y).astype(np.float32)


def road_plane(
    inverse_depth: NDArray[np.float32],
    seen: NDArray[np.bool_],
    parameters: ContactParameters | None = None,
    step: int = 3,
) -> RoadPlane | None:
    """The plane through the inverse depth (H, W) of the lower middle of the frame, where ``seen``.

    Iteratively reweighted least squares with Geman-McClure weights on relative residuals; None where no plane has
    enough of the pixels on it, or inverse depth does not grow downwards.
    """
    parameters = parameters or ContactParameters()
    x, y, rho = _trapezoid(inverse_depth, seen, parameters, step)
    if len(rho) < 50:
        return None
    height, width = inverse_depth.shape
    A = np.stack([np.ones_like(x), x / width, y / height], 1)
    scale = max(float(np.median(rho)), 1e-12)
    weight, plane = np.ones(len(rho)), np.zeros(3)
    for cutoff in (0.8, 0.4, 0.2, 0.1, 0.1, 0.1):
        weighted = A * weight[:, None]
        plane = np.linalg.lstsq(weighted.T @ A + 1e-9 * len(rho) * np.eye(3), weighted.T @ rho, rcond=None)[0]
        size = np.maximum(A @ plane, 0.2 * scale)
        residual = (rho - A @ plane) / size
        weight = 1 / (1 + (residual / cutoff) ** 2) ** 2 / (size / scale) ** 2
    inliers = np.mean(np.abs(residual) < parameters.inlier)
    if not inliers >= parameters.min_inliers or plane[2] <= 0:
        return None
    return RoadPlane(float(plane[0]), float(plane[1] / width), float(plane[2] / height))


def _trapezoid(
    inverse_depth: NDArray[np.float32], seen: NDArray[np.bool_], parameters: ContactParameters, step: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    height, width = seen.shape
    first, last = int(parameters.top * height), int(parameters.bottom * height)
    y, x = np.mgrid[first:last:step, 0:width:step]
    down = (y - first) / max(last - first, 1)
    half = width * (parameters.half_width_top + (parameters.half_width_bottom - parameters.half_width_top) * down)
    inside = (np.abs(x - width / 2) < half) & seen[y, x]
    return x[inside].astype(float), y[inside].astype(float), inverse_depth[y, x][inside].astype(float)


def moving_along(
    inverse_depth: NDArray[np.float32],
    deviation: NDArray[np.float32],
    seen: NDArray[np.bool_],
    parameters: ContactParameters | None = None,
) -> NDArray[np.bool_]:
    """Pixels (H, W) of things that do not stand where they touch the road; none where no road is found.

    ``inverse_depth`` and its ``deviation`` are (H, W) as ``labels.depth`` gives them, ``seen`` where they are measured.
    """
    parameters = parameters or ContactParameters()
    plane = road_plane(inverse_depth, seen, parameters)
    if plane is None:
        return np.zeros(seen.shape, np.bool_)
    height, width = seen.shape
    road = plane.at(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None])
    gap, noise = inverse_depth - road, parameters.sigma * deviation
    corridor = _corridor(plane, height, width, parameters)
    sunken = corridor & seen & (gap < -parameters.farther * road) & (gap < -noise)
    standing = seen & (gap > parameters.inlier * np.maximum(road, 0)) & _smooth(inverse_depth)
    least = parameters.min_area * height * width
    return large(sunken, least) | _too_near(inverse_depth, road, noise, standing, corridor, parameters)


def _corridor(plane: RoadPlane, height: int, width: int, parameters: ContactParameters) -> NDArray[np.bool_]:
    """Where the plane may go on as road: a triangle from its horizon down."""
    x, y = np.arange(width), np.arange(height)[:, None]
    horizon = -(plane.a + plane.b * width / 2) / plane.c
    down = (y - horizon) / max(height - horizon, 1)
    return (np.abs(x - width / 2) < parameters.corridor * width * down) & (down > 0.05)


def _smooth(inverse_depth: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where inverse depth does not jump: things at different depths come apart."""
    low, high = (operation(inverse_depth, np.ones((3, 3), np.uint8)) for operation in (cv2.erode, cv2.dilate))
    return high - low < 0.15 * high


def _too_near(
    inverse_depth: NDArray[np.float32],
    road: NDArray[np.float32],
    noise: NDArray[np.float32],
    standing: NDArray[np.bool_],
    corridor: NDArray[np.bool_],
    parameters: ContactParameters,
) -> NDArray[np.bool_]:
    height, width = standing.shape
    regions, statistics = labelled(standing)
    result = np.zeros(standing.shape, np.bool_)
    for number in range(1, len(statistics)):
        left, top, wide, high, area = statistics[number]
        small = area < parameters.min_area * height * width or wide < parameters.min_width * width
        if small or wide > parameters.max_width * width or top + high > height - 3:
            continue
        part = np.s_[top : top + high, left : left + wide]
        thing = regions[part] == number
        foot = np.array([[top + high], [min(top + high + 1, height - 1)]])
        rows = np.arange(high)[:, None] >= (1 - parameters.lowest) * high
        lowest = thing & rows
        columns = left + np.flatnonzero(lowest.any(axis=0))
        if not corridor[foot[0], columns].any():
            continue
        below = float(np.median(road[foot[1], columns]))
        own, doubt = float(np.median(inverse_depth[part][lowest])), float(np.median(noise[part][lowest]))
        if below > 0 and own > (1 + parameters.nearer) * below and own - below > doubt:
            result[part] |= thing
    return result
