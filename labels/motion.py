"""How much the image moves from one frame to the next, from a small and fast flow (LABELS 3.2)."""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.patch_flow import Pyramid, patch_flow

REDUCTION = 4
"""The flow is computed at a quarter of the working size."""
TEXTURE_GREY2 = 4.0
"""Least texture of a pixel of the reduced image, smaller eigenvalue of the structure tensor, grey levels squared."""
FEWEST_PIXELS = 40
"""Fewer usable pixels of the reduced image than this give no motion (NaN)."""


@dataclass(frozen=True)
class Motion:
    """Motion between two frames; lengths in pixels of the working size.

    ``median``, ``p75``, ``p90`` are quantiles of the displacement over textured pixels whose flow is consistent both
    ways, ``road`` the median displacement in the lower middle of the frame; NaN where too few pixels tell.
    ``consistent`` is the share of textured pixels that stay inside and are consistent, ``residual`` the mean absolute
    grey difference that the flow leaves.
    """

    median: float = np.nan
    p75: float = np.nan
    p90: float = np.nan
    road: float = np.nan
    consistent: float = np.nan
    residual: float = np.nan


class MotionMeter:
    """Measures motion on reduced grey images, (H / 4, W / 4), of one size."""

    def __init__(self, height: int, width: int) -> None:
        self._road = road_region(height, width)

    def between(self, first: Pyramid, second: Pyramid, textured: NDArray[np.bool_]) -> Motion:
        """Motion from ``first`` to ``second``, pyramids of the images; ``textured`` (H / 4, W / 4) is the first's."""
        forward, backward = patch_flow(first, second), patch_flow(second, first)
        length, sound, inside, left = _follow(forward, backward, first[0].image, second[0].image, textured)
        median, p75, p90 = _quantiles(length[sound])
        return Motion(
            REDUCTION * median,
            REDUCTION * p75,
            REDUCTION * p90,
            REDUCTION * _quantiles(length[sound & self._road])[0],
            float(np.count_nonzero(sound) / max(inside, 1)),
            left / textured.size,
        )


@njit(cache=True, nogil=True, error_model="numpy")
def _follow(
    forward: NDArray[np.float32], backward: NDArray[np.float32], first: NDArray[np.float32],
    second: NDArray[np.float32], textured: NDArray[np.bool_],
) -> tuple[NDArray[np.float32], NDArray[np.bool_], int, float]:  # fmt: skip
    """How far pixels go (H, W), and which textured ones stay inside and come back by the flow ``backward`` (H, W).

    Then how many of these stay inside at all, and the sum of the absolute grey differences that the flow leaves.
    """
    height, width = textured.shape
    length, sound = np.empty((height, width), np.float32), np.empty((height, width), np.bool_)
    right, bottom, half, share = np.float32(width - 1), np.float32(height - 1), np.float32(0.5), np.float32(0.05)
    count, left = 0, 0.0
    for y in range(height):
        for x in range(width):
            u, v = forward[y, x, 0], forward[y, x, 1]
            x2, y2 = np.float32(x) + u, np.float32(y) + v
            px, py = min(max(x2, np.float32(0)), right), min(max(y2, np.float32(0)), bottom)
            x0, y0 = int(px), int(py)
            x1, y1 = min(x0 + 1, width - 1), min(y0 + 1, height - 1)
            fx, fy = px - np.float32(x0), py - np.float32(y0)
            w01, w11 = fx * (1 - fy), fx * fy
            w00, w10 = 1 - fy - w01, fy - w11
            back_u = w00 * backward[y0, x0, 0] + w01 * backward[y0, x1, 0]
            back_u += w10 * backward[y1, x0, 0] + w11 * backward[y1, x1, 0]
            back_v = w00 * backward[y0, x0, 1] + w01 * backward[y0, x1, 1]
            back_v += w10 * backward[y1, x0, 1] + w11 * backward[y1, x1, 1]
            there = w00 * second[y0, x0] + w01 * second[y0, x1] + w10 * second[y1, x0] + w11 * second[y1, x1]
            left += abs(there - first[y, x])
            far = np.sqrt(u * u + v * v)
            gap = np.sqrt((u + back_u) ** 2 + (v + back_v) ** 2)
            inside = textured[y, x] and x2 == px and y2 == py
            count += inside
            length[y, x], sound[y, x] = far, inside and gap < half + share * far
    return length, sound, count, left


def textured_pixels(reduced: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a reduced image (H, W) has texture in two directions, so that flow can be measured."""
    smooth = cv2.GaussianBlur(reduced, (3, 3), 0.8)
    gx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    gy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    xx, yy, xy = (cv2.boxFilter(product, -1, (5, 5)) for product in (gx * gx, gy * gy, gx * gy))
    return 0.5 * (xx + yy) - vector_length(0.5 * (xx - yy), xy) > TEXTURE_GREY2


def vector_length(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Length of vectors; that of OpenCV depends, in the last bit, on where in memory they lie."""
    return np.asarray(np.sqrt(x * x + y * y))


def road_region(height: int, width: int) -> NDArray[np.bool_]:
    """The trapezoid in the lower middle of a frame where the road lies, above most bonnets; (H, W)."""
    region = np.zeros((height, width), np.uint8)
    corners = np.array([[0.40, 0.60], [0.60, 0.60], [0.80, 0.84], [0.20, 0.84]]) * (width, height)
    cv2.fillConvexPoly(region, corners.round().astype(np.int32), 1)
    return region.astype(bool)


def _quantiles(lengths: NDArray[np.float32]) -> tuple[float, float, float]:
    if lengths.size < FEWEST_PIXELS:
        return np.nan, np.nan, np.nan
    ranks = [lengths.size // 2, lengths.size * 3 // 4, lengths.size * 9 // 10]
    ordered = np.partition(lengths, ranks)
    return float(ordered[ranks[0]]), float(ordered[ranks[1]]), float(ordered[ranks[2]])
