"""Frames and codes of a sample at the network's size, from the bytes of its members; explicit decoders only."""

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from training.label_resize import resize_labels
from training.png import LARGEST, decode_png
from training.sample import SampleError

CODES, CONFIDENCE = "depth.png", "confidence.png"


def decode_frame(content: bytes, into: NDArray[np.uint8]) -> None:
    """Decode the whole frame, resized and never cropped, into RGB (height, width, 3) ``uint8``.

    A frame of more than twice the size is halved, quartered or cut to an eighth while decoding, which is faster than
    decoding it all; what remains is less than a factor of two, for which bilinear interpolation still sees every
    pixel. Raises ``SampleError`` where the JPEG is damaged or has more than 2^26 pixels.
    """
    try:
        height, width, _ = into.shape
        full_height, full_width, _, _ = simplejpeg.decode_jpeg_header(content)
        if full_height * full_width > LARGEST:
            raise SampleError(f"a JPEG of {full_width}x{full_height} pixels")
        divisor = _divisor(full_height, full_width, height, width)
        frame = simplejpeg.decode_jpeg(
            content, fastupsample=True, min_height=-(-full_height // divisor), min_width=-(-full_width // divisor)
        )
    except ValueError as error:
        raise SampleError(f"damaged JPEG: {error}") from None
    cv2.resize(frame, (width, height), into, interpolation=cv2.INTER_LINEAR)


def decode_labels(content: bytes, into: NDArray[np.uint8], method: str = "median") -> None:
    """Decode codes or confidence, resized, into (height, width) ``uint8``, 0 = none.

    Raises ``SampleError`` where the PNG is damaged.
    """
    resize_labels(decode_png(content), into, method)


def _divisor(full_height: int, full_width: int, height: int, width: int) -> int:
    """The largest of 8, 4, 2, 1 that leaves at least the wanted size."""
    return next(
        divisor
        for divisor in (8, 4, 2, 1)
        if divisor == 1 or (full_height >= divisor * height and full_width >= divisor * width)
    )
