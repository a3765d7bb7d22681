"""The size that an image file claims, before anything is allocated for it.

A file of some bytes may claim a hundred thousand pixels a side. Of kinds whose header is not read here nothing is
decoded, and where the header is not as the format has it neither: a decoder may be more lenient, and find a size there.
"""

from pipeline.frame_source import DecodeError, check_size

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"


def check_claim(content: bytes, name: str) -> None:
    """Raise ``DecodeError`` for what is no PNG, JPEG, BMP, WebP or PNM, or claims to be larger than frames may be."""
    try:
        size = _size(content)
    except (IndexError, ValueError):
        size = None
    if size is None or min(size) < 1:
        raise DecodeError("unreadable", f"{name} is not an image that can be read")
    check_size(*size)


def _size(content: bytes) -> tuple[int, int] | None:
    """(width, height); None where the content is of no kind that is read."""
    if content.startswith(PNG) and content[12:16] == b"IHDR":
        return _number(content[16:20]), _number(content[20:24])
    if content.startswith(JPEG):
        return _of_jpeg(content)
    if content.startswith(b"BM") and int.from_bytes(content[14:18], "little") >= 40:
        return _signed(content[18:22]), _signed(content[22:26])
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return _of_webp(content)
    return _of_pnm(content) if content[:1] == b"P" and content[1:2] in b"123456" else None


def _number(four: bytes) -> int:
    return int.from_bytes(four, "big")


def _signed(four: bytes) -> int:
    return abs(int.from_bytes(four, "little", signed=True))  # below 0: rows from the top


def _of_jpeg(content: bytes) -> tuple[int, int]:
    place = 2
    while content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:  # one more byte of padding
            place += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = _number(content[place + 5 : place + 7]), _number(content[place + 7 : place + 9])
            return width, height
        place += 2 + max(_number(content[place + 2 : place + 4]), 2)
    raise ValueError("something between two segments")


def _of_webp(content: bytes) -> tuple[int, int]:
    kind, body = content[12:16], content[20:30]
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = int.from_bytes(body[6:8], "little"), int.from_bytes(body[8:10], "little")
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("no WebP")


def _of_pnm(content: bytes) -> tuple[int, int]:
    lines = content[2:1024].splitlines()
    words = b" ".join(line.partition(b"#")[0] for line in lines).split()
    return int(words[0]), int(words[1])
