"""A sample's members from its bytes in a tar (DESIGN section 3): explicit names and plain files, nothing else."""

from collections.abc import Iterator

BLOCK = 512
KNOWN = {"jpg", "depth.png", "confidence.png", "json"}
REQUIRED = ("jpg", "depth.png")


class SampleError(ValueError):
    """A sample that cannot be used; the message says why."""


def members(key: str, blocks: bytes) -> dict[str, bytes]:
    """The members of the sample ``key`` by extension, from its tar blocks (a multiple of 512 bytes).

    Raises ``SampleError`` where the blocks are not headers and contents of plain files of that key, each kind at most
    once, with frame and label among them. Unknown kinds are left alone.
    """
    found: dict[str, bytes] = {}
    for name, content in _files(blocks):
        own, _, extension = name.partition(".")
        if own != key:
            raise SampleError(f"{name!r} where samples.parquet says {key}")
        if extension in found:
            raise SampleError(f"{extension} twice")
        if extension in KNOWN:
            found[extension] = content
    if missing := [extension for extension in REQUIRED if extension not in found]:
        raise SampleError(f"no {' and no '.join(missing)}")
    return found


def _files(blocks: bytes) -> Iterator[tuple[str, bytes]]:
    start = 0
    while start < len(blocks):
        header = blocks[start : start + BLOCK]
        size = _size(header)
        start += BLOCK
        if start + size > len(blocks):
            raise SampleError(f"a member of {size} bytes in {len(blocks)} bytes")
        yield header[:100].rstrip(b"\0").decode("utf-8", "replace"), blocks[start : start + size]
        start += -(-size // BLOCK) * BLOCK


def _size(header: bytes) -> int:
    """The size of a member. Raises ``SampleError`` for what is not the ustar header of a plain file."""
    try:
        checksum, size = int(header[148:156].rstrip(b"\0 "), 8), int(header[124:136].rstrip(b"\0 "), 8)
    except ValueError:
        raise SampleError("not a tar header") from None
    # The checksum counts its own field as spaces. Zeros, nearly all of a header, are not looked at one by one.
    counted = (header[:148] + header[156:]).translate(None, b"\0")
    if len(header) < BLOCK or checksum != sum(counted) + 8 * 32:
        raise SampleError("a damaged tar header")
    if header[156:157] not in (b"0", b"\0"):
        raise SampleError("a member that is no plain file")
    return size
