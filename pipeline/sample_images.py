"""The images of a sample, decoded, and how they are shown."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from labels.codec import decode
from pipeline import sample
from pipeline.image_header import check_claim

NO_LABEL = (96, 96, 96)
FIXED = (0, 140, 255)
"""Colours in BGR: pixels without a label, and what is fixed to the car."""


@dataclass(frozen=True)
class SampleImages:
    """``frame`` (H, W, 3) BGR, ``codes`` and ``confidence`` (H, W), all ``uint8``; ``record`` is the sample's JSON."""

    frame: NDArray[np.uint8]
    codes: NDArray[np.uint8]
    confidence: NDArray[np.uint8] | None
    record: dict[str, Any]


def contents(blocks: bytes) -> dict[str, bytes]:
    """The members of a sample's tar blocks by extension: ``jpg``, ``depth.png``, ``confidence.png``, ``json``."""
    return {name.partition(".")[2]: content for name, content in sample.members(blocks)}


def sample_images(blocks: bytes) -> SampleImages:
    """The sample in tar blocks. Raises ``ValueError`` where a member is missing or cannot be decoded."""
    held = contents(blocks)
    if missing := {"jpg", "depth.png", "json"} - set(held):
        raise ValueError(f"a sample has no {', '.join(sorted(missing))}")
    frame = decoded(held["jpg"], cv2.IMREAD_COLOR)
    codes = decoded(held["depth.png"], cv2.IMREAD_GRAYSCALE)
    confidence = decoded(held["confidence.png"], cv2.IMREAD_GRAYSCALE) if "confidence.png" in held else None
    return SampleImages(frame, codes, confidence, sample.record(held["json"]))


def decoded(content: bytes, flag: int) -> NDArray[np.uint8]:
    """An image file as pixels. Raises ``ValueError`` where it cannot be decoded or claims to be too large."""
    check_claim(content, "an image of a sample")
    image = cv2.imdecode(np.frombuffer(content, np.uint8), flag)
    if image is None:
        raise ValueError("an image of a sample cannot be decoded")
    return image.astype(np.uint8, copy=False)


def colour(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Label codes (H, W) as BGR: near bright, far dark (the field's magma map), no label grey."""
    z, valid = decode(codes)
    shown = cv2.applyColorMap((255 * (1 - z)).astype(np.uint8), cv2.COLORMAP_MAGMA)
    shown[~valid] = NO_LABEL
    return shown.astype(np.uint8, copy=False)


def with_fixed(frame: NDArray[np.uint8], fixed: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The frame (H, W, 3) BGR with what is fixed to the car, (H, W), tinted and outlined."""
    shown = frame.copy()
    shown[fixed] = (0.5 * frame[fixed] + 0.5 * np.array(FIXED)).astype(np.uint8)
    outlines, _ = cv2.findContours(fixed.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(shown, outlines, -1, (0, 0, 0), 3)
    cv2.drawContours(shown, outlines, -1, FIXED, 1)
    return shown


def captioned(picture: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
    """A picture (H, W, 3) BGR below a line of text."""
    caption = np.full((18, picture.shape[1], 3), 32, np.uint8)
    cv2.putText(caption, text, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (230, 230, 230), 1, cv2.LINE_AA)
    return np.vstack([caption, picture])


def jpeg(image: NDArray[np.uint8], width: int, quality: int = 85) -> bytes:
    """A picture at most ``width`` pixels wide as a JPEG file."""
    scale = min(1.0, width / image.shape[1])
    size = (round(image.shape[1] * scale), max(1, round(image.shape[0] * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image
    return bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())
