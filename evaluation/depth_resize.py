"""From what a network gives to the size of the ground truth, as each benchmark does it (EVALUATION 3.6)."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

MAP = NDArray[np.floating]
KB_SIZE = (352, 1216)
"""Rows and columns of the crop of the KITTI depth benchmark, which ZoeDepth and AdaBins predict and score on."""


def resize_depth(depth: MAP, shape: tuple[int, int]) -> MAP:
    """Depth resized bilinearly, pixels as areas, by OpenCV: SfMLearner."""
    return depth if depth.shape == shape else cv2.resize(depth, shape[::-1], interpolation=cv2.INTER_LINEAR)


def resize_disparity(depth: MAP, shape: tuple[int, int]) -> MAP:
    """Inverse depth resized in that way: monodepth and monodepth2. Any factor to disparity cancels."""
    if depth.shape == shape:
        return depth
    with np.errstate(divide="ignore"):
        return 1 / resize_depth(1 / depth, shape)


def resize_align_corners(depth: MAP, shape: tuple[int, int]) -> MAP:
    """Depth resized bilinearly between the centres of the corner pixels: ZoeDepth and AdaBins."""
    for axis, size in enumerate(shape):
        if depth.shape[axis] != size:
            depth = _interpolated(depth, axis, size)
    return depth


RULES: dict[str, Callable[[MAP, tuple[int, int]], MAP]] = {
    "depth": resize_depth,
    "disparity": resize_disparity,
    "align corners": resize_align_corners,
}


def fits_kb_crop(depth: MAP) -> bool:
    """Whether an image is large enough to be cropped to ``KB_SIZE``."""
    return depth.shape[0] >= KB_SIZE[0] and depth.shape[1] >= KB_SIZE[1]


def kb_crop(depth: MAP) -> MAP:
    """The 352 lowest rows and the 1216 columns in the middle. Raises ``ValueError`` for what is smaller."""
    (height, width), (rows, columns) = depth.shape, KB_SIZE
    if not fits_kb_crop(depth):
        raise ValueError(f"the KB crop takes {columns}x{rows} pixels, there are {width}x{height}")
    top, left = height - rows, (width - columns) // 2
    return depth[top:, left : left + columns]


def flip_blend(disparity: MAP, of_mirrored: MAP) -> MAP:
    """Monodepth's ``pp``: the mean of a disparity (H, W) and of that of the mirrored image, mirrored back.

    Each has a border that it cannot match, where the other counts alone: what the mirrored image gives in the left 5 %
    of the width, what the image gives in the right 5 %; in the next 5 % the weights fade. ``of_mirrored`` is as the
    network gives it, still mirrored. Raises ``ValueError`` where shapes differ.
    """
    if disparity.shape != of_mirrored.shape:
        raise ValueError(f"of the image {disparity.shape}, of the mirrored image {of_mirrored.shape}")
    back = of_mirrored[:, ::-1]
    left = 1 - np.clip(20 * (np.linspace(0, 1, disparity.shape[1]) - 0.05), 0, 1)
    right = left[::-1]
    return np.asarray(right * disparity + left * back + (1 - left - right) * (disparity + back) / 2)


def _interpolated(depth: MAP, axis: int, size: int) -> MAP:
    last = depth.shape[axis] - 1
    places = np.linspace(0, last, size)
    before = np.clip(np.floor(places).astype(int), 0, max(last - 1, 0))
    share = np.expand_dims(places - before, 1 - axis)
    first, second = (np.take(depth, np.minimum(each, last), axis) for each in (before, before + 1))
    return first + share * (second - first)
