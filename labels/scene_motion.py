"""How far the scene moves at each pixel of a video where something else may be in front of it."""

import cv2
import numpy as np
from numpy.typing import NDArray

RAYS = 256
BLUR = 1 / 64
"""Standard deviation of the smoothing, over the width."""


def outward(
    speed: NDArray[np.float32], focus: tuple[float, float]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """The displacement to expect of the scene, and its direction (x, y): three (H, W) ``float32``.

    ``speed`` (H, W) is the mean length of the flow over a video, ``focus`` (x, y) its usual focus of expansion. What is
    fixed to the car has little flow of its own; but a scene that a car drives through moves away from the focus, and
    the faster the farther out. So the displacement is the largest along the ray from the focus to the pixel.
    """
    height, width = speed.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x - np.float32(focus[0]), y - np.float32(focus[1])
    radius, angle = np.sqrt(x * x + y * y), np.mod(np.arctan2(y, x), np.float32(2 * np.pi))
    polar = _to_rays(cv2.GaussianBlur(speed, (0, 0), BLUR * width), focus, int(radius.max()) + 2)
    polar = np.maximum.accumulate(polar, axis=1)
    around = np.concatenate([polar[-1:], polar, polar[:1]])  # a ray more at either end
    largest = cv2.remap(around, radius, angle * np.float32(RAYS / (2 * np.pi)) + 0.5, cv2.INTER_LINEAR)
    return largest, x / np.maximum(radius, 1), y / np.maximum(radius, 1)


def _to_rays(image: NDArray[np.float32], focus: tuple[float, float], radii: int) -> NDArray[np.float32]:
    """The image along rays from the focus, (RAYS, radii); 0 outside."""
    angle = (np.arange(RAYS, dtype=np.float32)[:, None] + 0.5) * np.float32(2 * np.pi / RAYS)
    radius = np.arange(radii, dtype=np.float32)
    x, y = focus[0] + np.cos(angle) * radius, focus[1] + np.sin(angle) * radius
    return cv2.remap(image, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
