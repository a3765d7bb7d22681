"""Edge maps of frames, which keep interpolated flow from crossing the borders of things (LABELS sections 4.3, 5)."""

from collections.abc import Callable

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

_TRIANGLE = np.array([1, 2, 3, 4, 5, 4, 3, 2, 1], np.float32) / np.float32(25)
"""The blur before the orientation of an edge is told: a triangle of radius 4."""
_FADE_PX = 5
"""Along the border edges fade out over so many pixels: the orientation is not to be told there."""


def edge_map(grey: NDArray[np.uint8], method: str = "thinned") -> NDArray[np.float32]:
    """How sure each pixel of ``grey``, (H, W) ``uint8``, is to be an edge: (H, W) ``float32`` in [0, 1].

    ``method``: ``gradient``, the gradient's length in each direction summed, or ``thinned``, the same where it is
    greatest across the edge and 0 beside. Raises ``ValueError`` for another method or image.
    """
    if method not in METHODS:
        raise ValueError(f"edges: unknown method {method!r}; known: {', '.join(METHODS)}")
    if grey.dtype != np.uint8 or grey.ndim != 2:
        raise ValueError(f"edges: the image must be uint8 of shape (H, W), got {grey.dtype} {grey.shape}")
    return METHODS[method](grey)


def gradient(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """``(|Sobel_x| + |Sobel_y|) / (4 * 255)``, at most 1: a step from black to white along an axis has 1."""
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.minimum((np.abs(across) + np.abs(down)) / np.float32(1020), np.float32(1))


def thinned(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The gradient's edges, thinned."""
    return thin(gradient(grey), 1)


def thin(edges: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """``edges`` (H, W) where no pixel within ``radius`` px across the edge is 1 % stronger, 0 elsewhere.

    Across an edge is the direction in which the blurred map bends most.
    """
    smooth = cv2.sepFilter2D(edges, cv2.CV_32F, _TRIANGLE, _TRIANGLE, borderType=cv2.BORDER_REFLECT)
    return _suppress(edges, smooth, radius)


@njit(cache=True, nogil=True)
def _suppress(edges: NDArray[np.float32], smooth: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    height, width = edges.shape
    result = np.zeros((height, width), np.float32)
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            own = edges[y, x]
            if own <= 0:
                continue
            xx = smooth[y, x + 1] - 2 * smooth[y, x] + smooth[y, x - 1]
            yy = smooth[y + 1, x] - 2 * smooth[y, x] + smooth[y - 1, x]
            xy = smooth[y + 1, x + 1] - smooth[y + 1, x - 1] - smooth[y - 1, x + 1] + smooth[y - 1, x - 1]
            # the eigenvector of the greater curvature, by the half-angle formulas
            sign = 1.0 if xx + yy > 0 else -1.0
            difference, mixed = sign * (xx - yy), sign * 0.5 * xy
            cosine = difference / (np.sqrt(difference * difference + mixed * mixed) + 1e-20)
            across_x = np.sqrt(max(0.5 + 0.5 * cosine, 0.0))
            across_y = np.copysign(np.sqrt(max(0.5 - 0.5 * cosine, 0.0)), mixed)
            greatest = True
            for d in range(1, radius + 1):
                ahead = _sample(edges, y + d * across_y, x + d * across_x)
                behind = _sample(edges, y - d * across_y, x - d * across_x)
                greatest = greatest and max(ahead, behind) <= 1.01 * own
            if greatest:
                result[y, x] = own * min(1.0, min(x, y, width - 1 - x, height - 1 - y) / _FADE_PX)
    return result


@njit(inline="always")
def _sample(image, y, x):  # type: ignore[no-untyped-def]
    """``image`` between its pixels, the nearest within it beyond its border."""
    px, py = min(max(x, 0.0), image.shape[1] - 1.001), min(max(y, 0.0), image.shape[0] - 1.001)
    qx, qy = int(px), int(py)
    fx, fy = px - qx, py - qy
    upper = image[qy, qx] + fx * (image[qy, qx + 1] - image[qy, qx])
    lower = image[qy + 1, qx] + fx * (image[qy + 1, qx + 1] - image[qy + 1, qx])
    return upper + fy * (lower - upper)


METHODS: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.float32]]] = {"gradient": gradient, "thinned": thinned}
"""The detectors by the names that ``edge_map`` takes."""
