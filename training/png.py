"""Decodes 8-bit grey PNG: what depth codes and confidence are stored as, and nothing else (PNG 1.2, RFC 2083).

Written for this one kind because it is twice as fast as libpng and because damage must not pass: libpng's callers get
an image from a file whose checksum is wrong.
"""

import struct

import numpy as np
from isal import isal_zlib
from numba import njit
from numpy.typing import NDArray

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
    stream = isal_zlib.decompressobj()
    try:
        # One byte more than there may be, so that the output is bounded and too much is noticed.
        filtered = stream.decompress(packed, size + 1)
    except isal_zlib.error as error:
        raise SampleError(f"damaged PNG: {error}") from None
    if len(filtered) != size or not stream.eof:
        raise SampleError("damaged PNG: not as many pixels as it says")
    image = np.empty((height, width), np.uint8)
    if not _unfilter(np.frombuffer(filtered, np.uint8).reshape(height, width + 1), image):
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
        checked = content[start + 4 : start + 8 + length]
        if content[start + 8 + length : start + 12 + length] != isal_zlib.crc32(checked).to_bytes(4, "big"):
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


@njit(cache=True, nogil=True)
def _unfilter(filtered: NDArray[np.uint8], image: NDArray[np.uint8]) -> bool:
    """Undo the filters of the rows, (H, 1 + W) to (H, W); False where one is unknown (RFC 2083 section 6)."""
    height, width = image.shape
    above = np.zeros(width, np.uint8)
    for y in range(height):
        kind, row, out = filtered[y, 0], filtered[y, 1:], image[y]
        if kind == 0:
            out[:] = row
        elif kind == 1:
            left = np.int32(0)
            for x in range(width):
                left = (row[x] + left) & 255
                out[x] = left
        elif kind == 2:
            for x in range(width):
                out[x] = row[x] + above[x]
        elif kind == 3:
            left = np.int32(0)
            for x in range(width):
                left = (row[x] + ((left + above[x]) >> 1)) & 255
                out[x] = left
        elif kind == 4:
            left = np.int32(0)
            corner = np.int32(0)
            for x in range(width):
                up = np.int32(above[x])
                # distances of left + up - corner from left, up and corner
                from_left, from_up = abs(up - corner), abs(left - corner)
                from_corner = abs(left + up - 2 * corner)
                best = left if from_left <= from_up else up
                best = best if min(from_left, from_up) <= from_corner else corner
                corner = up
                left = (row[x] + best) & 255
                out[x] = left
        else:
            return False
        above = out
    return True
