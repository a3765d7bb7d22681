"""Percentiles as stored codes: 0 = no label, else the percentile of the depth (LABELS section 10.5)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

INVALID = 0


def encode(z: NDArray[np.floating], valid: NDArray[np.bool_], bits: int = 8) -> NDArray[Any]:
    """Codes of percentiles.

    ``z`` in [0, 1] of any shape, ``valid`` of the same; NaN counts as invalid. ``bits`` is 8 (``uint8``, codes 1 to
    255) or 16 (``uint16``, codes 1 to 65535): ``q = 1 + min(n - 1, floor(n z))`` with n = 255 or 65535. Raises
    ``ValueError`` for other bits, and for a valid z outside [0, 1].
    """
    kind, levels = _kind(bits)
    valid = valid & np.isfinite(z)
    if (valid & ((z < 0) | (z > 1))).any():
        raise ValueError("encode: percentiles must lie in [0, 1]; divide by 100 if they are in percent")
    # whole arrays are faster than valid parts; the rest holds anything
    with np.errstate(over="ignore", invalid="ignore"):
        codes: NDArray[Any] = (levels * z).astype(kind)
    return (codes + (codes < levels)) * valid


def decode(codes: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Percentiles ``(q - 0.5) / 255`` (or 65535), ``float32``, 0 where there is no label; and where there is one.

    Raises ``ValueError`` for codes that are neither ``uint8`` nor ``uint16``.
    """
    if codes.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"decode: codes are uint8 or uint16, got {codes.dtype}")
    _, levels = _kind(8 * codes.dtype.itemsize)
    valid = codes != INVALID
    z = np.where(valid, (codes.astype(np.float32) - np.float32(0.5)) / np.float32(levels), np.float32(0))
    return z.astype(np.float32), valid


def encode_confidence(deviation: NDArray[np.floating], typical: float, valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Confidence ``255 exp(-sd / typical)`` as ``uint8``: at least 1 where valid, 0 elsewhere.

    ``deviation`` is the standard deviation of inverse depth, ``typical`` the frame's median inverse depth.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        confidence = np.rint(255 * np.exp(deviation / -typical)).astype(np.uint8)
    return (confidence + (confidence == 0)) * valid


def downscale(codes: NDArray[np.uint8], factor: int, method: str = "median") -> NDArray[np.uint8]:
    """Codes (H, W) at (H // factor, W // factor), never mixing labels with their absence.

    ``nearest`` takes the pixel at the middle of each block; ``median`` the median of the block's labels where at least
    half of it has one, else none. Raises ``ValueError`` for other methods and for factors that leave nothing.
    """
    height, width = codes.shape[0] // factor, codes.shape[1] // factor
    if factor < 1 or height < 1 or width < 1:
        raise ValueError(f"downscale: a factor of {factor} leaves nothing of {codes.shape[1]}x{codes.shape[0]} pixels")
    cut = codes[: height * factor, : width * factor]
    if method == "nearest":
        return np.ascontiguousarray(cut[factor // 2 :: factor, factor // 2 :: factor])
    if method != "median":
        raise ValueError(f"downscale: unknown method {method!r}; known: nearest, median")
    blocks = cut.reshape(height, factor, width, factor).swapaxes(1, 2).reshape(height, width, -1)
    ordered = np.sort(blocks, axis=2)  # the invalid zeros come first
    labels = np.count_nonzero(blocks, axis=2)
    middle = blocks.shape[2] - labels + np.maximum(labels - 1, 0) // 2
    median = np.take_along_axis(ordered, middle[..., None].clip(max=blocks.shape[2] - 1), axis=2)[..., 0]
    return np.where(2 * labels >= blocks.shape[2], median, INVALID).astype(codes.dtype)


def _kind(bits: int) -> tuple[type[np.uint8] | type[np.uint16], int]:
    if bits not in (8, 16):
        raise ValueError(f"codes have 8 or 16 bits, not {bits}")
    return (np.uint8, 255) if bits == 8 else (np.uint16, 65535)
