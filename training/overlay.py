"""Percentiles as pictures: near bright, far dark."""

import cv2
import numpy as np
from numpy.typing import NDArray

NO_LABEL = 96
"""Grey of pixels without label."""


def colour(z: NDArray[np.floating], valid: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
    """Percentiles (H, W) as RGB (H, W, 3) ``uint8`` in the magma map, 0 bright; grey where not ``valid``."""
    near = np.rint(255 * (1 - np.clip(z, 0, 1))).astype(np.uint8)
    shown = cv2.cvtColor(cv2.applyColorMap(near, cv2.COLORMAP_MAGMA), cv2.COLOR_BGR2RGB)
    if valid is not None:
        shown[~valid] = NO_LABEL
    return shown.astype(np.uint8, copy=False)


def blend(image: NDArray[np.uint8], z: NDArray[np.floating], share: float = 0.55) -> NDArray[np.uint8]:
    """An RGB image (H, W, 3) ``uint8`` under its percentiles, which have ``share`` of the picture.

    The image is shown grey, so that its colours are not read as depth.
    """
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(grey, 1 - share, colour(z), share, 0).astype(np.uint8, copy=False)


def panel(
    image: NDArray[np.uint8], truth: NDArray[np.floating], valid: NDArray[np.bool_], prediction: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """Side by side, RGB (H, 3 W, 3): the frame, its label, the prediction."""
    return np.hstack([image, colour(truth, valid), colour(prediction)])
