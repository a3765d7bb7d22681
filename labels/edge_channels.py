"""What the learned edge detectors see of an image: 13 channels of colour and gradient (LABELS section 5).

Per scale, of two, the gradient's length, over its mean around, and its share in each of four directions; and the three
channels of CIE LUV. All at half the image's resolution, as bytes, so that features of patches are bytes too.
"""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

NUMBER = 13
ORIENTATIONS = 4
_LUV = 1 / 270
"""Scale at which the constant of the normalisation is meant."""
_CONSTANT = 0.01
_NORMALISATION_RADIUS = 4
_LONGEST = 2.5
"""Normalised gradient that has the largest byte; a long step has about 1 to 1.5."""


@dataclass(frozen=True)
class Channels:
    """Channels of an image of (H, W), each (13, H // 2, W // 2) ``uint8``.

    ``fine`` are smoothed over 1 pixel, for what a patch has where; ``coarse`` over 4, for what its parts share.
    """

    fine: NDArray[np.uint8]
    coarse: NDArray[np.uint8]


class Detector(Protocol):
    """What learned to tell edges from an image's channels."""

    def edges(self, found: Channels) -> NDArray[np.float32]:
        """How sure each pixel is to be an edge, (2 h, 2 w) in [0, 1], from channels (13, h, w)."""


def channels(image: NDArray[np.uint8]) -> Channels:
    """The channels of an image, (H, W) grey or (H, W, 3) RGB ``uint8``; an odd last row or column is left out."""
    image = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
    colour = image if image.ndim == 3 else np.repeat(image[..., None], 3, 2)
    luv = cv2.cvtColor(colour.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LUV)
    size = image.shape[1] // 2, image.shape[0] // 2
    half = cv2.resize(luv, size, interpolation=cv2.INTER_AREA)
    planes = [
        half[..., 0] * np.float32(2.55), half[..., 1] * np.float32(1.5) + 100, half[..., 2] * np.float32(1.5) + 128,
        *(cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in _gradient(luv)),
        *_gradient(half),
    ]  # fmt: skip
    return Channels(*(np.stack([_bytes(blurred(plane, radius)) for plane in planes]) for radius in (1, 4)))


def blurred(plane: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """The plane (H, W) under a triangle of that radius in pixels, mirrored at its border."""
    rise = np.arange(1, radius + 2, dtype=np.float32)
    triangle = np.concatenate([rise, rise[-2::-1]]) / np.float32((radius + 1) ** 2)
    return cv2.sepFilter2D(plane, cv2.CV_32F, triangle, triangle, borderType=cv2.BORDER_REFLECT)


def _gradient(luv: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The gradient's normalised length, and that in each of four directions, as bytes would have them."""
    across, down = (cv2.Sobel(luv, cv2.CV_32F, *axis, ksize=1, scale=_LUV / 2) for axis in ((1, 0), (0, 1)))
    squared = across * across + down * down
    strongest = squared.argmax(-1)[..., None]
    across, down, squared = (np.take_along_axis(each, strongest, -1)[..., 0] for each in (across, down, squared))
    length = np.sqrt(squared)
    length /= blurred(length, _NORMALISATION_RADIUS) + np.float32(_CONSTANT)
    length *= np.float32(255 / _LONGEST)
    direction = np.rint(np.arctan2(down, across) * np.float32(ORIENTATIONS / np.pi)).astype(np.int32) % ORIENTATIONS
    return [length, *(np.where(direction == number, length, np.float32(0)) for number in range(ORIENTATIONS))]


def _bytes(plane: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(plane), 0, 255).astype(np.uint8)
