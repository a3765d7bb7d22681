"""Depth codes and confidence as 8-bit grey PNG: packed once, by libdeflate, and read many times (PNG 1.2, RFC 2083).

Every row is stored as its difference from the row above, the filter that is quickest to undo. Paeth's, or the best for
each row, makes the codes of a street 1 % smaller and confidence 4 %.
"""

import struct

import deflate
import numpy as np
from numpy.typing import NDArray

from pipeline import image_header

UP = 2
"""The filter of rows as differences from the row above; the first row's is zeros."""
LEVEL = 6
"""The smallest effort of libdeflate that makes files no larger than zlib's usual one."""


def encode(image: NDArray[np.uint8]) -> bytes:
    """The PNG of an image, (H, W) ``uint8``: equal images give equal bytes. Raises ``ValueError`` for other arrays."""
    if image.dtype != np.uint8 or image.ndim != 2 or not image.size:
        raise ValueError(f"png: images are uint8 of shape (H, W), not {image.dtype} {image.shape}")
    height, width = image.shape
    rows = np.empty((height, width + 1), np.uint8)
    rows[:, 0] = UP
    rows[0, 1:] = image[0]
    np.subtract(image[1:], image[:-1], out=rows[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    packed = deflate.zlib_compress(rows.tobytes(), LEVEL)
    return image_header.PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", bytes(packed)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", deflate.crc32(body, deflate.crc32(kind)))
