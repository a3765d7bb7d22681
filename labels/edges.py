"""Edge maps of frames, which keep interpolated flow from crossing the borders of things (LABELS sections 4.3, 5)."""

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.edge_channels import Detector, blurred, channels

_BLUR_RADIUS = 4
"""Of the triangle that blurs a map before the orientation of its edges is told."""
_FADE_PX = 5
"""Along the border edges fade out over so many pixels: the orientation is not to be told there."""


METHODS = "gradient", "thinned", "learned"
"""The names that ``edge_map`` takes."""


def edge_map(
    image: NDArray[np.uint8], method: str = "thinned", detector: Detector | None = None
) -> NDArray[np.float32]:
    """How sure each pixel of ``image``, (H, W) grey or (H, W, 3) RGB ``uint8``, is to be an edge: (H, W) in [0, 1].

    ``method``: ``gradient``, the gradient's length in each direction summed; ``thinned``, the same where it is greatest
    across the edge and 0 beside; ``learned``, what ``detector`` learned, thinned. Raises ``ValueError`` for another
    method or image, and for learned edges without a detector.
    """
    if method not in METHODS:
        raise ValueError(f"edges: unknown method {method!r}; known: {', '.join(METHODS)}")
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(f"edges: the image must be uint8, (H, W) or (H, W, 3), got {image.dtype} {image.shape}")
    if method == "learned":
        return learned(image, detector)
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return gradient(grey) if method == "gradient" else thinned(grey)


def learned(image: NDArray[np.uint8], detector: Detector | None) -> NDArray[np.float32]:
    """The edges that a detector tells, thinned. Raises ``ValueError`` without a detector."""
    if detector is None:
        raise ValueError("edges: learned edges need a detector; train one, or take thinned ones")
    height, width = image.shape[:2]
    told = detector.edges(channels(image))
    # an odd last row or column, which the detector leaves out
    edges = cv2.copyMakeBorder(told, 0, height - told.shape[0], 0, width - told.shape[1], cv2.BORDER_REPLICATE)
    return thin(edges, 1)


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
    return _suppress(edges, blurred(edges, _BLUR_RADIUS), radius)


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
