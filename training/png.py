"""Decodes 8-bit grey PNG: what depth codes and confidence are stored as, and nothing else (PNG 1.2, RFC 2083).

Written for this one kind because it is three times as fast as libpng and because damage must not pass: libpng's callers
get an image from a file whose checksum is wrong.
"""

import struct

import deflate
import numpy as np
from numpy.typing import NDArray

from training.png_filters import unfilter
from training.sample import SampleError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGEST = 1 << 26
"""Pixels of the largest image that is decoded."""


def decode_png(content: bytes) -> NDArray[np.uint8]:
    """The image, (H, W) ``uint8``.

    Raises ``SampleError`` for what is not a whole, sound, non-interlaced 8-bit grey PNG of at most 2^26 pixels.
    """
    if not content.startswith(SIGNATURE):
        raise SampleError("not a PNG")
    height, width, packed = _chunks(content)
    size = height * (width + 1)
    try:
        filtered = deflate.zlib_decompress(packed, size)  # fails where there is more
    except deflate.DeflateError:
        raise SampleError("damaged PNG: pixels that cannot be unpacked, or more than it says") from None
    if len(filtered) != size:
        raise SampleError("damaged PNG: fewer pixels than it says")
    image = np.empty((height, width), np.uint8)
    if not unfilter(np.frombuffer(filtered, np.uint8).reshape(height, width + 1), image):
        raise SampleError("damaged PNG: unknown filter")
    return image


def _chunks(content: bytes) -> tuple[int, int, bytes]:
    """Height, width and compressed data."""
    start, shape, data = len(SIGNATURE), (0, 0), list[bytes]()
    while start + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, start)
        if start + 12 + length > len(content):
            break
        body = content[start + 8 : start + 8 + length]
        (checksum,) = struct.unpack_from(">I", content, start + 8 + length)
        if checksum != deflate.crc32(body, deflate.crc32(kind)):
            raise SampleError(f"damaged PNG: chunk {kind!r} does not match its checksum")
        if kind == b"IHDR":
            shape = _shape(body)
        elif kind == b"IDAT":
            data.append(body)
        elif kind == b"IEND":
            return *shape, b"".join(data)
        start += 12 + length
    raise SampleError("damaged PNG: it ends too early")


def _shape(body: bytes) -> tuple[int, int]:
    if len(body) != 13:
        raise SampleError("damaged PNG: header")
    width, height, *kind = struct.unpack(">IIBBBBB", body)
    if kind != [8, 0, 0, 0, 0]:
        raise SampleError("not an 8-bit grey PNG without interlacing")
    if not 0 < width * height <= LARGEST:
        raise SampleError(f"a PNG of {width}x{height} pixels")
    return height, width
