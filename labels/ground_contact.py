"""Things that move along their epipolar line, told by where they touch the road (LABELS 8.2, 17.5).

A car ahead and oncoming traffic have the directions of still points, at a wrong distance: the car ahead looks farther
than the road that it stands on, oncoming traffic nearer. What stands still is never farther than the road at its own
pixel, and near its lowest part it is as far as the road just below.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.regions import labelled, large

JUMP = 0.15
"""Share of inverse depth by which it jumps between neighbours where things at different depths meet."""


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

    def at(self, x: NDArray, y: NDArray | np.float32) -> NDArray[np.float32]:
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
    height, width = inverse_depth.shape
    first, last = int(parameters.top * height), int(parameters.bottom * height)
    down = (np.arange(first, last) - first) / max(last - first, 1)
    half = width * (parameters.half_width_top + (parameters.half_width_bottom - parameters.half_width_top) * down)
    A, rho = _trapezoid(inverse_depth, seen, first, half, step)
    if len(rho) < 50:
        return None
    scale = max(float(np.median(rho)), 1e-12)
    # a copy, for BLAS adds a matrix times itself in another order
    weighted, residual, plane = A.copy(), np.empty(len(rho)), np.zeros(3)
    for cutoff in (0.8, 0.4, 0.2, 0.1, 0.1, 0.1):
        plane = np.linalg.lstsq(weighted.T @ A + 1e-9 * len(rho) * np.eye(3), weighted.T @ rho, rcond=None)[0]
        weighted = _weighted(A, rho, A @ plane, scale, cutoff, residual)
    inliers = np.mean(np.abs(residual) < parameters.inlier)
    if not inliers >= parameters.min_inliers or plane[2] <= 0:
        return None
    return RoadPlane(float(plane[0]), float(plane[1] / width), float(plane[2] / height))


@njit(cache=True, nogil=True)
def _trapezoid(
    inverse_depth: NDArray[np.float32], seen: NDArray[np.bool_], first: int, half: NDArray[np.float64], step: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Every ``step``-th pixel that is seen: 1 and its place in shares of the frame, (N, 3); its inverse depth, (N,).

    ``half`` is half the trapezoid's width in pixels, a row from ``first`` on.
    """
    height, width = seen.shape
    most = (len(half) // step + 1) * (width // step + 1)
    places, rho, n = np.empty((most, 3)), np.empty(most), 0
    for y in range(first, first + len(half), step):
        for x in range(0, width, step):
            if seen[y, x] and abs(x - width / 2) < half[y - first]:
                places[n, 0], places[n, 1], places[n, 2] = 1.0, x / width, y / height
                rho[n] = inverse_depth[y, x]
                n += 1
    return places[:n], rho[:n]


@njit(cache=True, nogil=True, error_model="numpy")
def _weighted(
    A: NDArray[np.float64], rho: NDArray[np.float64], fitted: NDArray[np.float64], scale: float, cutoff: float,
    residual: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """The equations (N, 3) times their weights by what ``fitted`` (N,) leaves of ``rho``; fills ``residual`` (N,)."""
    result = np.empty_like(A)
    for n in range(len(rho)):
        size = max(fitted[n], 0.2 * scale)
        residual[n] = (rho[n] - fitted[n]) / size
        share, doubt = size / scale, 1 + (residual[n] / cutoff) * (residual[n] / cutoff)
        weight = 1 / (doubt * doubt) / (share * share)
        result[n, 0], result[n, 1], result[n, 2] = A[n, 0] * weight, A[n, 1] * weight, A[n, 2] * weight
    return result


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
    corridor = _corridor(plane, height, width, parameters)
    sunken, standing = _judged(inverse_depth, deviation, seen, plane, corridor, parameters)
    least = parameters.min_area * height * width
    return large(sunken, least) | _too_near(inverse_depth, deviation, plane, standing, corridor, parameters)


def _corridor(plane: RoadPlane, height: int, width: int, parameters: ContactParameters) -> NDArray[np.float64]:
    """How far from the middle the plane may go on as road, (H,) px: a triangle from its horizon down."""
    horizon = -(plane.a + plane.b * width / 2) / plane.c
    down = (np.arange(height) - horizon) / max(height - horizon, 1)
    return np.where(down > 0.05, parameters.corridor * width * down, 0.0)


def _judged(
    inverse_depth: NDArray[np.float32], deviation: NDArray[np.float32], seen: NDArray[np.bool_], plane: RoadPlane,
    corridor: NDArray[np.float64], parameters: ContactParameters,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:  # fmt: skip
    """Pixels (H, W) that lie below the road, and those that stand on it, as far as inverse depth does not jump."""
    # things at different depths come apart
    low, high = (operation(inverse_depth, np.ones((3, 3), np.uint8)) for operation in (cv2.erode, cv2.dilate))
    across, down = plane.at(np.arange(seen.shape[1], dtype=np.float32), np.float32(0)), np.float32(plane.c)
    limits = (np.float32(limit) for limit in (parameters.sigma, parameters.farther, parameters.inlier, JUMP))
    return _judge(inverse_depth, deviation, seen, low, high, across, down, corridor, *limits)


@njit(cache=True, nogil=True, error_model="numpy")
def _judge(
    inverse_depth: NDArray[np.float32], deviation: NDArray[np.float32], seen: NDArray[np.bool_],
    low: NDArray[np.float32], high: NDArray[np.float32], across: NDArray[np.float32], down: np.float32,
    corridor: NDArray[np.float64], sigma: np.float32, farther: np.float32, inlier: np.float32, jump: np.float32,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:  # fmt: skip
    """See ``_judged``; the road's inverse depth is ``across`` (W,) and ``down`` for each row."""
    height, width = seen.shape
    sunken, standing = np.empty((height, width), np.bool_), np.empty((height, width), np.bool_)
    aside = np.abs(np.arange(width) - width / 2)
    for row in range(height):
        below, reach = down * np.float32(row), corridor[row]
        rho, doubt, known = inverse_depth[row], deviation[row], seen[row]
        least, most, sunken_row, standing_row = low[row], high[row], sunken[row], standing[row]
        for k in range(width):
            road = across[k] + below
            gap = rho[k] - road
            lies_below = (gap < -farther * road) & (gap < -(sigma * doubt[k])) & (aside[k] < reach)
            stands = (gap > inlier * max(road, np.float32(0))) & (most[k] - least[k] < jump * most[k])
            sunken_row[k], standing_row[k] = known[k] & lies_below, known[k] & stands
    return sunken, standing


def _too_near(
    inverse_depth: NDArray[np.float32],
    deviation: NDArray[np.float32],
    plane: RoadPlane,
    standing: NDArray[np.bool_],
    corridor: NDArray[np.float64],
    parameters: ContactParameters,
) -> NDArray[np.bool_]:
    height, width = standing.shape
    regions, statistics = labelled(standing)
    result = np.zeros(standing.shape, np.bool_)
    _, top, wide, high, area = statistics.T
    large_enough = (area >= parameters.min_area * height * width) & (wide >= parameters.min_width * width)
    narrow, whole = wide <= parameters.max_width * width, top + high <= height - 3
    for number in 1 + np.flatnonzero((large_enough & narrow & whole)[1:]):
        left, top, wide, high = statistics[number, :4]
        part = np.s_[top + math.ceil((1 - parameters.lowest) * high) : top + high, left : left + wide]
        lowest, foot = regions[part] == number, top + high
        columns = left + np.flatnonzero(lowest.any(axis=0))
        if not (np.abs(columns - width / 2) < corridor[foot]).any():
            continue
        below = float(np.median(plane.at(columns.astype(np.float32), np.float32(foot + 1))))
        own = float(np.median(inverse_depth[part][lowest]))
        doubt = float(np.median(np.float32(parameters.sigma) * deviation[part][lowest]))
        if below > 0 and own > (1 + parameters.nearer) * below and own - below > doubt:
            thing = np.s_[top : top + high, left : left + wide]
            result[thing] |= regions[thing] == number
    return result
