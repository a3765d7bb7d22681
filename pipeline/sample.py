"""A sample as bytes of a tar: frame, depth codes, confidence and record under one key (DESIGN section 3).

Equal inputs give equal bytes: plain ustar headers with no time, owner or permission of this machine.
"""

import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK)
"""What closes a tar."""


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
        "depth.png": _png(codes),
        **({"confidence.png": _png(confidence)} if confidence is not None else {}),
        "json": json.dumps(_rounded(record), sort_keys=True, allow_nan=False).encode(),
    }
    return b"".join(_member(f"{name}.{extension}", content) for extension, content in members.items())


def members(blocks: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the members in tar blocks, with or without an end mark."""
    with tarfile.open(fileobj=io.BytesIO(blocks + END), mode="r:") as tar:
        for info in tar:
            file = tar.extractfile(info)
            if file is None:
                raise ValueError(f"{info.name} is not a plain file")
            yield info.name, file.read()


def _member(name: str, content: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    return info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % BLOCK)


def _jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    ordered = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return _encoded(cv2.imencode(".jpg", ordered, [cv2.IMWRITE_JPEG_QUALITY, quality]))


def _png(codes: NDArray[np.uint8]) -> bytes:
    return _encoded(cv2.imencode(".png", codes, [cv2.IMWRITE_PNG_COMPRESSION, 6]))


def _encoded(result: tuple[bool, NDArray[np.uint8]]) -> bytes:
    done, buffer = result
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
