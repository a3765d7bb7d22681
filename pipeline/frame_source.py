"""What every source of frames offers: the frames, their times, and how their pixels map to the source's."""

from abc import ABC, abstractmethod
from collections.abc import Container, Iterator
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UserError

LARGEST_SIDE = 16384
LARGEST_AREA = 2**27  # pixels, 134 million
MOST_FRAMES = 10_000_000  # of a source, four days at 30 a second: a few megabytes of video can hold more
SMALLEST_SIDE = 64  # working pixels, what optical flow needs


class DecodeError(UserError):
    """A source that gives no frames at all.

    ``reason`` is one of ``missing``, ``empty``, ``not_video``, ``no_video_stream``, ``encrypted``, ``unreadable``,
    ``too_large``, ``too_long``, ``too_small``, ``no_frames``, ``no_rate`` (a folder of images without ``fps``).
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Crop:
    """The part of the source's frames that is used.

    ``top`` and ``bottom`` are fractions of the height that are cut off, in [0, 1). ``rectangle`` is (left, top, right,
    bottom) in source pixels, right and bottom exclusive; what lies outside either is cut off.
    """

    top: float = 0.0
    bottom: float = 0.0
    rectangle: tuple[float, float, float, float] | None = None

    def within(self, width: int, height: int) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) in source pixels of a frame of this size. Raises ``ValueError`` if empty."""
        left, top, right, bottom = 0.0, self.top * height, float(width), (1 - self.bottom) * height
        if self.rectangle is not None:
            inner = self.rectangle
            left, top = max(left, inner[0]), max(top, inner[1])
            right, bottom = min(right, inner[2]), min(bottom, inner[3])
        if right - left < 1 or bottom - top < 1:
            raise ValueError(f"crop: {self} leaves nothing of a frame of {width}x{height} pixels; cut off less")
        return left, top, right, bottom

    def centre(self, width: int, height: int) -> tuple[float, float]:
        """The optical centre (x, y) in source pixels. A bonnet that is cut off does not move it, bars do."""
        if self.rectangle is None:
            return width / 2, height / 2
        left, top, right, bottom = self.rectangle
        return (left + right) / 2, height / 2 if self.top or self.bottom else (top + bottom) / 2


@dataclass(frozen=True)
class Framing:
    """How source pixels become working pixels: the whole frame is scaled to ``scaled``, ``window`` is cut out of it.

    ``size`` is (width, height) of the source after rotation, ``window`` is (left, top, width, height). ``centre`` is
    the optical centre (x, y) in source pixels, where the camera's principal point is taken to be: the middle of the
    frame, or of the picture where bars around it were cut off.
    """

    size: tuple[int, int]
    scaled: tuple[int, int]
    window: tuple[int, int, int, int]
    centre: tuple[float, float]

    @property
    def scale(self) -> tuple[float, float]:
        """Working pixels per source pixel, along x and along y; they differ for a source of non-square pixels."""
        return self.scaled[0] / self.size[0], self.scaled[1] / self.size[1]

    @property
    def principal_point(self) -> tuple[float, float]:
        """The optical centre (x, y) in working pixels, integers at pixel centres."""
        (x, y, _, _), (scale_x, scale_y) = self.window, self.scale
        return self.centre[0] * scale_x - x - 0.5, self.centre[1] * scale_y - y - 0.5

    def cut(self, scaled: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The working frame, C-ordered, out of a scaled one."""
        left, top, width, height = self.window
        return np.ascontiguousarray(scaled[top : top + height, left : left + width])

    def to_source(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        """A rectangle of the working frame in source pixels, as ``Crop.rectangle`` takes it."""
        (x, y, _, _), (scale_x, scale_y) = self.window, self.scale
        return (left + x) / scale_x, (top + y) / scale_y, (right + x) / scale_x, (bottom + y) / scale_y


def framing(size: tuple[int, int], crop: Crop, width: int, pixel_aspect: float = 1.0) -> Framing:
    """The framing that makes the cropped part ``width`` wide, or as wide as it is where that is less.

    ``size`` is (width, height) of the source after rotation, ``pixel_aspect`` the width of a source pixel over its
    height; working pixels are square, both working sides even. Raises ``DecodeError`` where a side is out of range.
    """
    check_size(*size)
    left, top, right, bottom = crop.within(*size)
    aspect = (right - left) * pixel_aspect / (bottom - top)
    working_width = int(min(width, right - left, (bottom - top) * aspect)) // 2 * 2
    working_height = min(round(working_width / aspect / 2), int(bottom - top) // 2) * 2
    if min(working_width, working_height) < SMALLEST_SIDE:
        raise DecodeError(
            "too_small", f"frames of {working_width}x{working_height} pixels; {SMALLEST_SIDE}x{SMALLEST_SIDE} at least"
        )
    scale_x, scale_y = working_width / (right - left), working_height / (bottom - top)
    scaled = max(round(size[0] * scale_x), working_width), max(round(size[1] * scale_y), working_height)
    x, y = min(round(left * scale_x), scaled[0] - working_width), min(round(top * scale_y), scaled[1] - working_height)
    return Framing(size, scaled, (x, y, working_width, working_height), crop.centre(*size))


def check_size(width: int, height: int) -> None:
    """Raise ``DecodeError`` for frames so large that they can only be a mistake or an attack on memory."""
    if max(width, height) > LARGEST_SIDE or width * height > LARGEST_AREA:
        raise DecodeError("too_large", f"frames of {width}x{height} pixels; at most {LARGEST_SIDE} a side and 134 Mpx")


@dataclass(frozen=True)
class DecodedFrame:
    """A frame at working size.

    ``pts`` names the frame within its source and grows strictly, ``time_s`` is its presentation time in seconds from
    the start of the source, ``image`` is (H, W, 3) ``uint8`` RGB, or (H, W) where grey frames were asked for, ``name``
    the file it came from (folders only).
    """

    pts: int
    time_s: float
    image: NDArray[np.uint8]
    name: str = ""


class Source(ABC):
    """An open source of frames. ``with open_source(...) as source: for frame in source.frames(): ...``.

    ``kind`` is ``video`` or ``images``; ``rate`` the nominal frames per second; ``promised`` the number of frames that
    the container speaks of (0 = says nothing); ``problem`` why frames are missing, as far as ``frames`` has come.
    """

    kind: str
    rate: float
    promised: int
    problem: str
    framing: Framing

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the source, after rotation."""
        return self.framing.size

    @property
    def working_size(self) -> tuple[int, int]:
        """(width, height) of the frames that come out."""
        return self.framing.window[2:]

    @abstractmethod
    def frames(
        self,
        first_pts: int | None = None,
        last_pts: int | None = None,
        only: Container[int] | None = None,
        grey: bool = False,
    ) -> Iterator[DecodedFrame]:
        """Frames in order of presentation, from ``first_pts`` to ``last_pts``, both inclusive.

        With ``only`` it is those of them alone, and the others cost no more than their decoding. A frame has the same
        pixels wherever the reading started. ``grey`` ones cost less: a video's are its own luma, 0 to 255, which its
        colours as grey levels come near to.
        """

    @abstractmethod
    def samples(self, count: int) -> Iterator[NDArray[np.uint8]]:
        """About ``count`` working images spread over the source, cheaply; fewer where it has fewer."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> "Source":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class Span:
    """The part of a source that is used, in seconds from its start; ``None`` is open."""

    start_s: float | None = None
    end_s: float | None = None

    def before(self, time_s: float) -> bool:
        """Whether a time lies before the part."""
        return self.start_s is not None and time_s < self.start_s - 1e-6

    def after(self, time_s: float) -> bool:
        """Whether a time lies behind the part."""
        return self.end_s is not None and time_s >= self.end_s - 1e-6
