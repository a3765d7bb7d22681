"""Flow as a picture: the hue is its direction, the saturation the root of its length; white where there is none."""

import cv2
import numpy as np
from numpy.typing import NDArray

LONGEST = 99
"""Percentile of the lengths that has full saturation; longer flow has no more."""


def flow_picture(flow: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Flow (H, W, 2), pixels, as RGB (H, W, 3) ``uint8``; right is red, down yellow-green, left cyan.

    The root shows the short flow of what is far beside the long flow of the road.
    """
    length = np.hypot(flow[..., 0], flow[..., 1])
    full = max(float(np.percentile(length, LONGEST)), 1e-6)
    turn = np.arctan2(flow[..., 1], flow[..., 0]) / (2 * np.pi) % 1
    hsv = np.stack([180 * turn % 180, 255 * np.sqrt(np.clip(length / full, 0, 1)), np.full(length.shape, 255)], axis=-1)
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB).astype(np.uint8, copy=False)
