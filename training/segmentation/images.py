"""Reads labelled images, whole or cut, at the scale of training."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from training.frame_files import FrameError, read_image
from training.label_resize import resize_labels
from training.segmentation.layouts import LabelledImage, Layout, to_train_ids

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""RGB (H, W, 3) and training ids (H, W)."""


def read(labelled: LabelledImage, layout: Layout) -> Pair:
    """Image and training ids as stored. Raises ``FrameError`` that names the file."""
    frame = read_image(labelled.image)
    if layout.sizes and frame.shape[:2] not in layout.sizes:
        wanted = " or ".join(f"{width}x{height}" for height, width in layout.sizes)
        raise FrameError(f"{labelled.image} has {_size(frame)} pixels; images of {layout.name} have {wanted}")
    label = _stored(labelled.label, 2 if layout.colours is None else 3)
    if label.shape[:2] != frame.shape[:2]:
        raise FrameError(
            f"{labelled.label} has {_size(label)} pixels, {labelled.image} {_size(frame)}; they must be the same"
        )
    return frame, to_train_ids(label, layout, labelled.label)


def scaled(pair: Pair, scale: float) -> Pair:
    """The pair at another scale."""
    return scaled_frame(pair[0], scale), scaled_labels(pair[1], scale)


def scaled_frame(frame: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """RGB (H, W, 3) at another scale, colours averaged."""
    if scale == 1:
        return frame
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(frame, _at(scale, frame)[::-1], interpolation=interpolation).astype(np.uint8, copy=False)


def scaled_labels(label: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Training ids (H, W) at another scale, those of the nearest pixel."""
    if scale == 1:
        return label
    fewer = np.empty(_at(scale, label), np.uint8)
    resize_labels(label, fewer, "nearest")
    return fewer


def crop(pair: Pair, size: tuple[int, int], place: tuple[float, float], where: Path) -> Pair:
    """A window of ``size`` whose corner is at shares ``place``, in [0, 1), of where it may be.

    Raises ``FrameError`` that names the file where the image is smaller than the window.
    """
    height, width = size
    spare = pair[1].shape[0] - height, pair[1].shape[1] - width
    if min(spare) < 0:
        raise FrameError(
            f"{where} has {_size(pair[1])} pixels at the scale of training, less than a crop of {width}x{height}: give "
            "a smaller crop.height and crop.width, or a larger crop.scale"
        )
    top, left = (int(share * (rest + 1)) for share, rest in zip(place, spare))
    rows, columns = slice(top, top + height), slice(left, left + width)
    return pair[0][rows, columns], pair[1][rows, columns]


def _stored(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """A label as stored; of a picture with a palette its indices, which OpenCV would turn into colours."""
    try:
        with Image.open(path) as picture:
            label = np.asarray(picture)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise FrameError(f"{path} cannot be read as an image: {error}") from None
    if label.dtype != np.uint8 or label.ndim != dimensions:
        kind = "ids, one channel of 8 bits" if dimensions == 2 else "colours, RGB of 8 bits"
        raise FrameError(f"{path} is an image of {label.dtype} {label.shape}; labels are {kind}")
    return label


def _at(scale: float, image: NDArray[np.uint8]) -> tuple[int, int]:
    return round(scale * image.shape[0]), round(scale * image.shape[1])


def _size(image: NDArray[np.uint8]) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
