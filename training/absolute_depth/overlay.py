"""Metres as pictures: near bright, far dark, by the logarithm of depth."""

import cv2
import numpy as np
from numpy.typing import NDArray

from training import overlay

NEAREST, FARTHEST = 2.0, 80.0
"""Metres of the brightest and of the darkest colour."""


def colour(metres: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Metres (H, W) as RGB (H, W, 3); grey where 0, unknown."""
    return overlay.colour(share(metres), metres > 0)


def share(metres: NDArray[np.floating]) -> NDArray[np.float64]:
    """(H, W) in [0, 1]: how far through the range a depth is."""
    logarithm = np.log(np.clip(metres, NEAREST, FARTHEST).astype(np.float64) / NEAREST)
    return logarithm / np.log(FARTHEST / NEAREST)


def panel(image: NDArray[np.uint8], truth: NDArray[np.floating], metres: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Side by side, RGB (H, 3 W, 3): the frame, its depth as ``points`` draws it, the prediction."""
    return np.hstack([image, points(truth), colour(metres)])


def points(truth: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Metres of some pixels (H, W), 0 = unknown, as RGB (H, W, 3): points three pixels wide, on grey."""
    # of neighbouring points the nearer is drawn
    wide = cv2.erode(np.where(truth > 0, truth, np.inf), np.ones((3, 3)), borderType=cv2.BORDER_REPLICATE)
    return colour(np.where(np.isfinite(wide), wide, 0))
