"""Where a frame shows the sky: what is bright, smooth and not warm, above the horizon and down from the top border.

Flow says little about the sky: most of it has no texture, and clouds move. Its depth needs no flow, as it is farther
than everything else (LABELS 11.5). What this rule misses is mostly the sky behind twigs, and dark skies.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from labels.regions import labelled


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
    regions, count = _regions(cv2.resize(image, size, interpolation=cv2.INTER_AREA), horizon / height, parameters)
    if count < 2:
        return np.zeros((height, width), np.bool_)
    known = cv2.resize(measured.view(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(np.bool_)
    near = cv2.resize(nearness, size, interpolation=cv2.INTER_NEAREST)
    kept = np.zeros(count, np.bool_)
    for region in np.unique(regions[0]):
        inside = regions == region
        kept[region] = region > 0 and inside.mean() >= parameters.min_area
        told = inside & known
        if kept[region] and np.count_nonzero(told) >= parameters.min_measured * np.count_nonzero(inside):
            kept[region] = np.quantile(near[told], 0.25) < parameters.near
    likely = kept[regions] & ~_told_near(kept[regions], near, known, parameters)
    found = cv2.dilate(likely.view(np.uint8), np.ones((3, 3), np.uint8))  # the gradient ends a pixel early
    return cv2.resize(found, (width, height), interpolation=cv2.INTER_NEAREST).astype(np.bool_)


def _told_near(
    found: NDArray[np.bool_], near: NDArray[np.float32], known: NDArray[np.bool_], parameters: SkyParameters
) -> NDArray[np.bool_]:
    """Parts of the sky that are as near as a typical point of the frame and told so: a white van that touches it."""
    parts, statistics = labelled(found & (near > parameters.parallax))
    areas = statistics[:, -1]
    told = np.bincount(parts[known], minlength=len(areas))
    wrong = (areas >= parameters.min_area * parts.size) & (told >= parameters.min_measured * areas)
    wrong[0] = False
    return wrong[parts]


def _regions(small: NDArray[np.uint8], horizon: float, parameters: SkyParameters) -> tuple[NDArray[np.int32], int]:
    """Numbered regions of pixels that look like sky, 0 elsewhere, and one more than the greatest number."""
    grey = small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    end = int(np.clip((horizon + parameters.margin) * len(grey), 0, len(grey)))
    if end < 3:
        return np.zeros(grey.shape, np.int32), 1
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.8).astype(np.float32)
    gradient = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)) / 8
    likely = (grey > max(parameters.bright * np.quantile(grey[:end], 0.98), parameters.min_grey)) & (
        gradient < parameters.max_gradient
    )
    if small.ndim == 3:
        red, green, blue = (small[..., channel].astype(np.int16) for channel in range(3))
        likely &= (blue >= red - parameters.warm) & (green <= np.maximum(red, blue) + parameters.green)
    likely[end:] = False
    likely[:2] = likely[2]  # there is no gradient at the border
    regions, statistics = labelled(likely)
    return regions, len(statistics)
