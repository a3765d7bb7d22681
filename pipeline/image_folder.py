"""Frames of a folder of images, or of a pattern: KITTI raw, Cityscapes sequences and the like."""

import re
from collections import Counter
from collections.abc import Container, Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frame_source import Crop, DecodedFrame, DecodeError, Source, Span, framing
from pipeline.image_header import JPEG, PNG, check_claim

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".pgm", ".ppm"}
GAP_S = 10.0
"""Seconds put between two sequences of a folder, so that no pair spans them."""


class ImageFolder(Source):
    """Images in natural order of their names.

    ``pts`` counts the files. The last number in a name is the frame's number, the rest names the sequence:
    ``aachen_000001_000019_leftImg8bit`` is frame 19 of sequence ``aachen_000001``. Times follow the numbers in units
    of their usual step, so that missing frames leave a gap; between sequences the gap is ``GAP_S``. Images that cannot
    be read, or have another size than the first, are skipped and counted in ``problem``.
    """

    kind = "images"

    def __init__(self, paths: list[Path], fps: float, crop: Crop, width: int, span: Span) -> None:
        self._paths = sorted((path for path in paths if path.suffix.lower() in SUFFIXES), key=_natural)
        self._times = image_times(self._paths, fps)
        self._span = span
        self._skipped: Counter[str] = Counter()
        self.rate, self.promised, self.problem = fps, len(self._paths), ""
        first = next((image for image in map(self._read, self._paths) if image is not None), None)
        if first is None:
            raise DecodeError("no_frames", f"not one of {len(self._paths)} images can be read: {self._reasons()}")
        self.framing = framing((first.shape[1], first.shape[0]), crop, width)

    def frames(
        self,
        first_pts: int | None = None,
        last_pts: int | None = None,
        only: Container[int] | None = None,
        grey: bool = False,
    ) -> Iterator[DecodedFrame]:
        """See ``Source.frames``; only the images asked for are read."""
        self._skipped.clear()
        first, last = first_pts or 0, len(self._paths) - 1 if last_pts is None else last_pts
        for pts in range(max(first, 0), min(last, len(self._paths) - 1) + 1):
            unwanted = only is not None and pts not in only
            if unwanted or self._span.before(self._times[pts]) or self._span.after(self._times[pts]):
                continue
            image = self._read(self._paths[pts])
            if image is not None:
                working = self._working(image)
                shown = cv2.cvtColor(working, cv2.COLOR_RGB2GRAY) if grey else working
                yield DecodedFrame(pts, self._times[pts], shown, self._paths[pts].name)
        self.problem = self._reasons()

    def samples(self, count: int) -> Iterator[NDArray[np.uint8]]:
        """See ``Source.samples``."""
        for pts in range(0, len(self._paths), max(len(self._paths) // count, 1)):
            for frame in self.frames(pts, pts):
                yield frame.image

    def close(self) -> None:
        """Nothing is held open."""

    def _working(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if (image.shape[1], image.shape[0]) != self.framing.scaled:
            image = cv2.resize(image, self.framing.scaled, interpolation=cv2.INTER_AREA)
        return self.framing.cut(image)

    def _read(self, path: Path) -> NDArray[np.uint8] | None:
        try:
            image = read_image(path)
        except (ValueError, OSError) as error:
            self._skipped[getattr(error, "reason", "") or "unreadable"] += 1
            return None
        if hasattr(self, "framing") and (image.shape[1], image.shape[0]) != self.framing.size:
            self._skipped["another size"] += 1
            return None
        return image

    def _reasons(self) -> str:
        total = sum(self._skipped.values())
        parts = ", ".join(f"{count} {reason}" for reason, count in sorted(self._skipped.items()))
        return f"{total} images skipped: {parts}" if total else ""


def read_image(path: Path) -> NDArray[np.uint8]:
    """An image as (H, W, 3) ``uint8`` RGB. Raises ``DecodeError`` for what is cut short, too large or no image."""
    content = path.read_bytes()
    if not content:
        raise DecodeError("empty", f"{path.name} is empty")
    check_claim(content, path.name)
    if _is_cut_short(content):
        raise DecodeError("truncated", f"{path.name} is cut short")
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error:
        image = None
    if image is None:
        raise DecodeError("unreadable", f"{path.name} is not an image that can be read")
    return image


def _is_cut_short(content: bytes) -> bool:
    # The decoder fills the missing part with grey and says nothing.
    if content.startswith(JPEG):
        return b"\xff\xd9" not in content[-4096:]
    return content.startswith(PNG) and b"IEND" not in content[-4096:]


def image_times(paths: list[Path], fps: float) -> list[float]:
    """Seconds of each image from the first one's, from the numbers in the names (see ``ImageFolder``)."""
    labels = [_sequence_and_number(path) for path in paths]
    pairs = list(pairwise(labels))
    steps = [b[1] - a[1] for a, b in pairs if a[0] == b[0]]
    usual, count = Counter(steps).most_common(1)[0] if steps else (1, 0)
    numbered = usual > 0 and 2 * count >= len(steps)  # else the numbers are no frame numbers (nanoseconds, say)
    times = [0.0]
    for before, after in pairs:
        if before[0] != after[0]:
            times.append(times[-1] + GAP_S)
        else:
            times.append(times[-1] + max((after[1] - before[1]) / usual if numbered else 1.0, 1.0) / fps)
    return times[: len(paths)]


def _sequence_and_number(path: Path) -> tuple[str, int]:
    # Not the 8 of leftImg8bit, where a number that ends a word exists.
    numbers = list(re.finditer(r"\d+(?![0-9A-Za-z])", path.stem)) or list(re.finditer(r"\d+", path.stem))
    if not numbers:
        return str(path.parent), 0
    start, end = numbers[-1].span()
    return f"{path.parent}/{path.stem[:start]}#{path.stem[end:]}", int(numbers[-1][0])


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", str(path))
    return [(int(part) if part.isdecimal() else -1, part) for part in parts]
