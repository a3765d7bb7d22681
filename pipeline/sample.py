"""A sample as bytes of a tar: frame, depth codes, confidence and record under one key (DESIGN section 3).

Equal inputs give equal bytes: plain ustar headers with no time, owner or permission of this machine.
"""

import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import png

BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK)
"""What closes a tar."""
LARGEST_MEMBER = 64 << 20
LARGEST_RECORD = 1 << 20
"""Bytes of a member, and of the JSON in it, that are read."""


def key(video_id: str, frame: int) -> str:
    """The key of a sample: unique, and sorted by frame within a video."""
    return f"{video_id}-{frame:08d}"


def encode(
    name: str,
    image: NDArray[np.uint8],
    codes: NDArray[np.uint8],
    confidence: NDArray[np.uint8] | None,
    record: dict[str, Any],
    jpeg_quality: int,
) -> bytes:
    """The tar blocks of one sample, a multiple of 512 bytes without an end mark.

    ``image`` is (H, W, 3) RGB or (H, W) grey ``uint8``, ``codes`` and ``confidence`` (H, W) ``uint8`` (LABELS 10.5).
    """
    members = {
        "jpg": _jpeg(image, jpeg_quality),
        "depth.png": png.encode(codes),
        **({"confidence.png": png.encode(confidence)} if confidence is not None else {}),
        "json": json.dumps(_rounded(record), sort_keys=True, allow_nan=False).encode(),
    }
    return b"".join(_member(f"{name}.{extension}", content) for extension, content in members.items())


def members(blocks: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the members in tar blocks, with or without an end mark.

    Raises ``ValueError`` as ``files`` does.
    """
    return ((name, content) for name, _, content in files(io.BytesIO(blocks)))


def files(tar: BinaryIO) -> Iterator[tuple[str, int, bytes]]:
    """Name, offset and content of each member of a tar, up to its end mark.

    Read by its headers alone, plain files and nothing else: a link would lead elsewhere, a sparse file be gigabytes of
    zeros, an extended header change what the next one says. Raises ``ValueError`` for them, for members of more than
    ``LARGEST_MEMBER`` bytes, and for what is no tar.
    """
    while (header := tar.read(BLOCK)) and any(header):
        try:
            info = tarfile.TarInfo.frombuf(header, "utf-8", "backslashreplace")
        except tarfile.TarError as error:
            raise ValueError(f"not a readable tar: {error}") from None
        if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or not 0 <= info.size <= LARGEST_MEMBER:
            raise ValueError(f"{info.name!r} is not a plain file of at most {LARGEST_MEMBER >> 20} MiB")
        start, content = tar.tell() - BLOCK, tar.read(info.size)
        tar.read(-info.size % BLOCK)
        if len(content) < info.size:
            raise ValueError(f"it ends within {info.name!r}")
        yield info.name, start, content


def record(content: bytes) -> dict[str, Any]:
    """The record of a sample. Raises ``ValueError`` for what is no JSON object, or too large or too deep for one."""
    if len(content) > LARGEST_RECORD:
        raise ValueError(f"json has more than {LARGEST_RECORD} bytes")
    try:
        found = json.loads(content)
    except RecursionError:
        raise ValueError("json is nested too deep") from None
    if not isinstance(found, dict):
        raise ValueError("json is not an object")
    return found


def _member(name: str, content: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    return info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % BLOCK)


def _jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    ordered = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, buffer = cv2.imencode(".jpg", ordered, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("an image could not be encoded")
    return buffer.tobytes()


def _rounded(value: Any) -> Any:
    """Floats to 7 significant digits, arrays to lists: what JSON readers of any language take."""
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_rounded(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(f"{value:.7g}") if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
