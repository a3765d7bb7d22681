"""One frame as the network gets it: resized, augmented by random numbers of its own, with its targets.

The augmentation is the reference's (MODELS 4.1): for both sets brightness and contrast; for road soft crops; for cars a
flip, and its jitter of boxes, which the reference has but never calls, behind a switch.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.frame_files import FrameError, resized
from training.multinet.annotations import Annotation, Targets, targets
from training.multinet.frames import CarFrame, RoadFrame

DRAWS = 6
"""Random numbers in [0, 1) that an example takes."""


@dataclass(frozen=True)
class MultiNetAugmentation:
    """What changes from one look at a frame to the next."""

    brightness: float = 30.0
    """grey levels of 255 added, at most"""
    contrast: float = 0.25
    """factor from 1 - this to 1 + this about each channel's mean"""
    crop: int = 32
    """rows and columns cut from the top and left or from the bottom and right of a road frame, at most"""
    crop_chance: float = 0.8
    """that a road frame is cut so"""
    flip: float = 0.5
    """chance that a frame with cars is mirrored; a road frame always comes as it is, then flipped"""
    jitter: bool = False
    """scale a frame with cars by .9 to 1.1 and shift it by up to 16 pixels; dead in the reference"""


Picture = NDArray[np.uint8]


def road_example(
    frame: RoadFrame,
    size: tuple[int, int] | None,
    augmentation: MultiNetAugmentation | None,
    draws: NDArray[np.float64],
    mirrored: bool,
) -> tuple[Picture, Picture]:
    """RGB (H, W, 3) and labels (H, W), at ``size`` (height, width), or as large as the file where it is None.

    Raises ``FrameError`` where image and ground truth are not of one size.
    """
    image, labels = frame.pixels(), frame.labels()
    if image.shape[:2] != labels.shape:
        raise FrameError(
            f"{frame.ground_truth} is {labels.shape[1]}x{labels.shape[0]}, its image {image.shape[1]}x{image.shape[0]}"
        )
    if size is not None:
        image = resized(image, size)
        labels = cv2.resize(labels, size[::-1], interpolation=cv2.INTER_NEAREST).astype(np.uint8, copy=False)
    if augmentation is None:
        return image, labels
    if mirrored:
        image, labels = image[:, ::-1], labels[:, ::-1]
    window = _soft_crop(image.shape[:2], augmentation, draws)
    return jittered(image[window], augmentation, draws[4:]), np.ascontiguousarray(labels[window])


def car_example(
    frame: CarFrame, size: tuple[int, int], augmentation: MultiNetAugmentation | None, draws: NDArray[np.float64]
) -> tuple[Picture, Targets]:
    """RGB (height, width, 3) of ``size`` and the targets of its cells."""
    image, (height, width) = frame.pixels(), size
    x, y = width / image.shape[1], height / image.shape[0]
    image = resized(image, size)
    annotations = tuple(annotation.scaled(x, y) for annotation in frame.annotations)
    if augmentation is None:
        return image, targets(annotations, height, width)
    if draws[0] < augmentation.flip:
        image, annotations = image[:, ::-1], tuple(annotation.mirrored(width) for annotation in annotations)
    if augmentation.jitter:
        image, annotations = moved(image, annotations, draws[1:4])
    return jittered(image, augmentation, draws[4:]), targets(annotations, height, width)


def jittered(image: Picture, augmentation: MultiNetAugmentation, draws: NDArray[np.float64]) -> Picture:
    """Brightness added and contrast scaled about the means of the channels, cut to 0 ... 255."""
    changed = image.astype(np.float32) + np.float32((2 * draws[0] - 1) * augmentation.brightness)
    mean = changed.mean(axis=(0, 1), keepdims=True)
    changed = mean + (changed - mean) * np.float32(1 + (2 * draws[1] - 1) * augmentation.contrast)
    return np.clip(np.rint(changed), 0, 255).astype(np.uint8)


def _soft_crop(
    shape: tuple[int, ...], augmentation: MultiNetAugmentation, draws: NDArray[np.float64]
) -> tuple[slice, slice]:
    """Up to ``crop`` rows and columns less, from the one corner or the other; never more than half of the image."""
    if draws[0] >= augmentation.crop_chance or not augmentation.crop:
        return slice(None), slice(None)
    rows, columns = (
        1 + int(draw * min(augmentation.crop, side // 2)) for draw, side in zip(draws[1:3], shape, strict=True)
    )
    if draws[3] < 0.5:
        return slice(rows, None), slice(columns, None)
    return slice(None, -rows), slice(None, -columns)


def moved(
    image: Picture, annotations: tuple[Annotation, ...], draws: NDArray[np.float64]
) -> tuple[Picture, tuple[Annotation, ...]]:
    """Scaled by .9 to 1.1 and shifted by up to 16 pixels; what is uncovered is black. Boxes are cut to the image."""
    height, width = image.shape[:2]
    scale, x, y = 0.9 + 0.2 * draws[0], *(32 * draws[1:] - 16)
    matrix = np.array([[scale, 0, x], [0, scale, y]])
    moved = cv2.warpAffine(np.ascontiguousarray(image), matrix, (width, height), flags=cv2.INTER_LINEAR)
    found = []
    for a in annotations:
        left, right = (float(np.clip(edge * scale + x, 0, width - 1)) for edge in (a.left, a.right))
        top, bottom = (float(np.clip(edge * scale + y, 0, height - 1)) for edge in (a.top, a.bottom))
        if right > left and bottom > top:
            found.append(Annotation(a.kind, left, top, right, bottom))
    return moved.astype(np.uint8, copy=False), tuple(found)
