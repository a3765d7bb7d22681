"""Files that claim more than they are."""

import struct
import zlib

SIDE = 100_000


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int) -> bytes:
    """A grey PNG, its pixels missing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def jpeg(width: int, height: int, before: bytes = b"") -> bytes:
    """The head of a JPEG; ``before`` stands before its frame header."""
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes([1, 17, 0, 2, 17, 1, 3, 17, 1])
    return b"\xff\xd8" + before + frame + b"\xff\xda" + bytes(100) + b"\xff\xd9"


def bmp(width: int, height: int) -> bytes:
    """A BMP of 24 bits, its pixels white, as many as fit 64 KiB."""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    pixels = b"\xff" * min(-(-3 * width // 4) * 4 * abs(height), 65536)
    return b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + head + pixels


def webp(width: int, height: int) -> bytes:
    """A lossless WebP, its pixels missing."""
    body = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(32)
    chunk = b"VP8L" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def tiff(width: int, height: int) -> bytes:
    """The head of a TIFF: a kind that OpenCV would read and we do not."""
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 4, height)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + bytes(4)


def huge_images() -> dict[str, bytes]:
    """Images of a few bytes that claim hundreds of megapixels or more."""
    comment = b"\xff\xfe\x00\x04ab"
    return {
        "png": png(SIDE, SIDE),
        "png of one row": png(2**31 - 1, 1),
        "jpeg": jpeg(65_500, 65_500),
        "jpeg after a comment": jpeg(65_500, 65_500, comment),
        "jpeg after padding": jpeg(65_500, 65_500, b"\xff" * 7 + comment[1:]),
        "jpeg after rubbish": jpeg(32_000, 32_000, b"\xff\xfe\x00\x04ab\x00\x00\x00"),
        "bmp": bmp(SIDE, SIDE),
        "bmp upside down": bmp(SIDE, -SIDE),
        "webp": webp(16_384, 16_384),
        "pgm": b"P5\n%d %d\n255\n" % (SIDE, SIDE),
        "pgm with a comment": b"P5 # 1 1\n%d\n%d\n255\n" % (SIDE, SIDE),
        "tiff": tiff(30_000, 30_000),
        "sun raster": b"\x59\xa6\x6a\x95" + struct.pack(">7I", 30_000, 30_000, 8, 9, 1, 0, 0),
    }
