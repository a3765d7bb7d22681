"""Flow by OpenCV's contrib modules, where they are installed, to compare with: DIS matches, densely interpolated."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

GREY = NDArray[np.uint8]
STEP = 4
"""Pixels between the DIS matches that are interpolated; the edge-aware interpolator takes at most 32,767."""
CONSISTENCY_PX = 1.0


def contrib_methods() -> dict[str, Callable[[GREY, GREY], NDArray[np.float32]]]:
    """Methods by name: ``dis+ric`` and ``dis+eai``; none without ``cv2.ximgproc``."""
    if not hasattr(cv2, "ximgproc"):
        return {}
    return {
        "dis+ric": lambda image1, image2: _interpolated(image1, image2, _ric()),
        "dis+eai": lambda image1, image2: _interpolated(image1, image2, cv2.ximgproc.createEdgeAwareInterpolator()),
    }


def _ric() -> cv2.Algorithm:
    ric = cv2.ximgproc.createRICInterpolator()
    ric.setK(16)  # with more neighbours it leaves its own bounds on more frames, and raises
    return ric


def _interpolated(image1: GREY, image2: GREY, interpolator: cv2.Algorithm) -> NDArray[np.float32]:
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    forward, backward = dis.calc(image1, image2, None), dis.calc(image2, image1, None)
    height, width = image1.shape
    step = max(STEP, int(np.ceil(np.sqrt(height * width / 32_000))))
    y, x = np.mgrid[step // 2 : height : step, step // 2 : width : step].reshape(2, -1).astype(np.float32)
    starts = np.stack([x, y], 1)
    ends = starts + forward[y.astype(int), x.astype(int)]
    back = cv2.remap(backward, ends[None, :, 0], ends[None, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)[0]
    good = np.hypot(*(ends + back - starts).T) < CONSISTENCY_PX
    good &= (ends >= 0).all(1) & (ends[:, 0] <= width - 1) & (ends[:, 1] <= height - 1)
    colours = (cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) for image in (image1, image2))
    first, second = colours
    return interpolator.interpolate(first, starts[good], second, ends[good])
