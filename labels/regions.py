"""Connected regions of a mask, and the squares by which masks grow and shrink."""

import cv2
import numpy as np
from numpy.typing import NDArray


def large(mask: NDArray[np.bool_], least: float, connectivity: int = 4) -> NDArray[np.bool_]:
    """The mask (H, W) without its connected regions of fewer than ``least`` pixels.

    ``connectivity`` is 4, or 8 where diagonal neighbours touch.
    """
    _, regions, statistics, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=connectivity)
    kept = statistics[:, cv2.CC_STAT_AREA] >= least
    kept[0] = False
    return kept[regions]


def square(side: float) -> NDArray[np.uint8]:
    """A structuring element of about this side, odd."""
    return np.ones((round(side) | 1, round(side) | 1), np.uint8)
