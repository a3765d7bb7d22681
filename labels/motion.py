"""How much the image moves from one frame to the next, from a small and fast flow (LABELS 3.2)."""

from dataclasses import dataclass

import cv2
import numpy as np
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
        self._x, self._y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        self._road = road_region(height, width)

    def between(self, first: Pyramid, second: Pyramid, textured: NDArray[np.bool_]) -> Motion:
        """Motion from ``first`` to ``second``, pyramids of the images; ``textured`` (H / 4, W / 4) is the first's."""
        forward, backward = patch_flow(first, second), patch_flow(second, first)
        x2, y2 = self._x + forward[..., 0], self._y + forward[..., 1]
        returned = cv2.remap(backward, x2, y2, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        length = vector_length(forward[..., 0], forward[..., 1])
        gap = vector_length(forward[..., 0] + returned[..., 0], forward[..., 1] + returned[..., 1])
        height, width = textured.shape
        inside = (x2 >= 0) & (x2 <= width - 1) & (y2 >= 0) & (y2 <= height - 1) & textured
        sound = inside & (gap < 0.5 + 0.05 * length)
        warped = cv2.remap(second[0].image, x2, y2, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        median, p75, p90 = _quantiles(length[sound])
        return Motion(
            REDUCTION * median,
            REDUCTION * p75,
            REDUCTION * p90,
            REDUCTION * _quantiles(length[sound & self._road])[0],
            float(sound.sum() / max(int(inside.sum()), 1)),
            float(np.mean(cv2.absdiff(first[0].image, warped), dtype=np.float64)),
        )


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
