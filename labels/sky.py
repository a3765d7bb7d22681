"""Where a frame shows the sky: what is bright, smooth and not warm, above the horizon and down from the top border.

Flow says little about the sky: most of it has no texture, and clouds move. Its depth needs no flow, as it is farther
than everything else (LABELS 11.5). What this rule misses is mostly the sky behind twigs, and dark skies.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.regions import labelled

BLURRED = 4
"""Rows beside a pixel that its gradient depends on: three of the blur, one of the derivative."""


@dataclass(frozen=True)
class SkyParameters:
    """What looks like sky; grey levels of 255."""

    working_width: int = 213  # pixels to which frames are reduced to be looked at
    bright: float = 0.62  # of the brightest (98 % quantile) above the horizon
    min_grey: float = 70.0  # darker pixels are no sky that could be told from a wall
    max_gradient: float = 4.0  # grey levels a working pixel
    warm: float = 8.0  # red may exceed blue by so much
    green: float = 8.0  # green may exceed the greater of red and blue by so much
    margin: float = 0.02  # of the height: sky may reach so far below the focus of expansion
    min_area: float = 0.003  # of the frame
    parallax: float = 1.0  # of the typical inverse depth: a part of a region that shows more is none, either
    near: float = 0.5  # of the typical inverse depth: a region of which three quarters show more parallax is none
    min_measured: float = 0.2  # share of a region whose flow must be known for that


def sky(
    image: NDArray[np.uint8],
    horizon: float,
    nearness: NDArray[np.float32],
    measured: NDArray[np.bool_],
    parameters: SkyParameters | None = None,
) -> NDArray[np.bool_]:
    """Pixels that show the sky, (H, W).

    ``image`` is (H, W) grey or (H, W, 3) RGB ``uint8``, ``horizon`` the row of the focus of expansion, ``nearness``
    (H, W) inverse depth over that of a typical point of the frame, known where ``measured`` (H, W).
    """
    parameters = parameters or SkyParameters()
    height, width = image.shape[:2]
    small_width = min(parameters.working_width, width)
    size = small_width, max(round(height * small_width / width), 16)
    end = int(np.clip((horizon / height + parameters.margin) * size[1], 0, size[1]))
    if end < 3:
        return np.zeros((height, width), np.bool_)
    regions, statistics = labelled(_likely(_reduced(image, size, end + BLURRED), end, parameters))
    if len(statistics) < 2:
        return np.zeros((height, width), np.bool_)
    known = cv2.resize(measured.view(np.uint8), size, interpolation=cv2.INTER_NEAREST)[:end].view(np.bool_)
    near = cv2.resize(nearness, size, interpolation=cv2.INTER_NEAREST)[:end]
    areas = statistics[:, -1]
    told = np.bincount(regions[known], minlength=len(areas))
    kept = np.zeros(len(areas), np.bool_)
    for region in np.unique(regions[0]):
        kept[region] = region > 0 and areas[region] / (size[0] * size[1]) >= parameters.min_area
        if kept[region] and told[region] >= parameters.min_measured * areas[region]:
            kept[region] = np.quantile(near[(regions == region) & known], 0.25) < parameters.near
    found = np.zeros((size[1], size[0]), np.bool_)
    likely = kept[regions]
    found[:end] = likely & ~_told_near(likely, near, known, parameters.min_area * found.size, parameters)
    found = cv2.dilate(found.view(np.uint8), np.ones((3, 3), np.uint8))  # the gradient ends a pixel early
    return cv2.resize(found, (width, height), interpolation=cv2.INTER_NEAREST).view(np.bool_)


def _told_near(
    found: NDArray[np.bool_], near: NDArray[np.float32], known: NDArray[np.bool_], least: float,
    parameters: SkyParameters,
) -> NDArray[np.bool_]:  # fmt: skip
    """Parts of the sky, of ``least`` pixels or more, as near as a typical point and told so: a van that touches it."""
    parts, statistics = labelled(found & (near > parameters.parallax))
    areas = statistics[:, -1]
    told = np.bincount(parts[known], minlength=len(areas))
    wrong = (areas >= least) & (told >= parameters.min_measured * areas)
    wrong[0] = False
    return wrong[parts]


def _reduced(image: NDArray[np.uint8], size: tuple[int, int], rows: int) -> NDArray[np.uint8]:
    """The first ``rows`` rows of an image reduced to ``size`` (width, height), or all: below there is no sky."""
    height, width = image.shape[:2]
    part = image[: math.ceil(rows * height / size[1]) + 1]
    scale = {"fx": size[0] / width, "fy": size[1] / height}
    return cv2.resize(part, None, **scale, interpolation=cv2.INTER_AREA)[:rows]


def _likely(small: NDArray[np.uint8], end: int, parameters: SkyParameters) -> NDArray[np.bool_]:
    """Which pixels of the first ``end`` rows look like sky, (end, W); ``small`` has ``BLURRED`` more, or is whole."""
    grey = small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.8)
    gx, gy = cv2.Sobel(smooth, cv2.CV_16S, 1, 0), cv2.Sobel(smooth, cv2.CV_16S, 0, 1)
    grey, small = grey[:end], small[:end].reshape(end, grey.shape[1], -1)
    least = max(parameters.bright * float(np.quantile(grey, 0.98)), parameters.min_grey)
    likely = _looks(grey, small, gx, gy, least, parameters.max_gradient, parameters.warm, parameters.green)
    likely[:2] = likely[2]  # there is no gradient at the border
    return likely


@njit(cache=True, nogil=True)
def _looks(
    grey: NDArray[np.uint8], small: NDArray[np.uint8], gx: NDArray[np.int16], gy: NDArray[np.int16],
    least: float, max_gradient: float, warm: float, green: float,
) -> NDArray[np.bool_]:  # fmt: skip
    """Where ``grey`` (H, W) is bright and smooth, and ``small`` (H, W, 3), or (H, W, 1) if it has none, no colour.

    ``gx``, ``gy`` (H or more, W) are its derivatives by Sobel: eight times those per pixel.
    """
    height, width = grey.shape
    result, steepest2 = np.empty((height, width), np.bool_), (8 * max_gradient) ** 2
    for y in range(height):
        for x in range(width):
            dx, dy = np.int32(gx[y, x]), np.int32(gy[y, x])
            likely = (grey[y, x] > least) & (dx * dx + dy * dy < steepest2)
            if likely and small.shape[2] == 3:
                r, g, b = np.int32(small[y, x, 0]), np.int32(small[y, x, 1]), np.int32(small[y, x, 2])
                likely = (b >= r - warm) & (g <= max(r, b) + green)
            result[y, x] = likely
    return result
