"""Frames and codes of a sample at the network's size, from the bytes of its members; explicit decoders only."""

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from training.label_resize import resize_labels
from training.png import LARGEST, decode_png
from training.sample import SampleError

CODES, CONFIDENCE = "depth.png", "confidence.png"


def decode_frame(content: bytes, height: int, width: int) -> NDArray[np.uint8]:
    """The whole frame, RGB (height, width, 3) ``uint8``, resized and never cropped.

    A frame of more than twice the size is halved, quartered or cut to an eighth while decoding, which is faster than
    decoding it all; what remains is less than a factor of two, for which bilinear interpolation still sees every
    pixel. Raises ``SampleError`` where the JPEG is damaged or has more than 2^26 pixels.
    """
    try:
        full_height, full_width, _, _ = simplejpeg.decode_jpeg_header(content)
        if full_height * full_width > LARGEST:
            raise SampleError(f"a JPEG of {full_width}x{full_height} pixels")
        divisor = _divisor(full_height, full_width, height, width)
        frame = simplejpeg.decode_jpeg(
            content, fastupsample=True, min_height=-(-full_height // divisor), min_width=-(-full_width // divisor)
        )
    except ValueError as error:
        raise SampleError(f"damaged JPEG: {error}") from None
    if frame.shape[:2] == (height, width):
        return frame
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)


def decode_labels(content: bytes, height: int, width: int, method: str = "median") -> NDArray[np.uint8]:
    """Codes or confidence, (height, width) ``uint8``, 0 = none. Raises ``SampleError`` where the PNG is damaged."""
    return resize_labels(decode_png(content), height, width, method)


def _divisor(full_height: int, full_width: int, height: int, width: int) -> int:
    """The largest of 8, 4, 2, 1 that leaves at least the wanted size."""
    return next(
        divisor
        for divisor in (8, 4, 2, 1)
        if divisor == 1 or (full_height >= divisor * height and full_width >= divisor * width)
    )
