"""Black bars around the picture: letterbox and pillarbox (LABELS 11.8)."""

import cv2
import numpy as np
from numpy.typing import NDArray

DARK_GREY = 20.0
"""Mean grey level below which a row or column may be part of a bar."""
FLAT_GREY = 3.0
"""Standard deviation below which it may be."""
SHARE = 0.95
"""Share of the frames in which it must be dark and flat."""
FEWEST_FRAMES = 5
SMALLEST_SIDE = 64


class Letterbox:
    """Looks for bars in some 200 frames spread over a video; those that are dark as a whole say nothing."""

    def __init__(self) -> None:
        self._count = 0
        self._dark: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None  # frames in which a row, a column is

    def add(self, frame: NDArray[np.uint8]) -> None:
        """Take a frame, (H, W) grey or (H, W, 3) RGB ``uint8``, all of one size."""
        grey = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        rows, columns = _dark_and_flat(grey, 1), _dark_and_flat(grey, 0)
        if rows.all() or columns.all() or grey.mean() < 0.5 * DARK_GREY:
            return
        self._count += 1
        before = self._dark or (np.zeros(len(rows), np.int64), np.zeros(len(columns), np.int64))
        self._dark = before[0] + rows, before[1] + columns

    def active_area(self) -> tuple[int, int, int, int] | None:
        """The picture within the bars, (left, top, right, bottom) in pixels, right and bottom exclusive, sides even.

        ``None`` where there are no bars: nothing dark and flat at any border, too few frames, or too little left.
        """
        if self._dark is None or self._count < FEWEST_FRAMES:
            return None
        (top, bottom), (left, right) = (_inside(dark >= SHARE * self._count) for dark in self._dark)
        whole = (left, top, right, bottom) == (0, 0, len(self._dark[1]), len(self._dark[0]))
        if whole or min(right - left, bottom - top) < SMALLEST_SIDE:
            return None
        return left, top, right, bottom


def _dark_and_flat(grey: NDArray[np.uint8], axis: int) -> NDArray[np.bool_]:
    values = grey.astype(np.float32)
    mean = values.mean(axis=axis)
    # Rows of a pillarboxed picture are not flat: bars are told by rows and by columns apart.
    return (mean < DARK_GREY) & (values.std(axis=axis) < FLAT_GREY)


def _inside(bar: NDArray[np.bool_]) -> tuple[int, int]:
    """First and last (exclusive) line between the bars at both ends; a line more is cut off where bars blur into it."""
    picture = np.flatnonzero(~bar)
    first, last = int(picture[0]), int(picture[-1]) + 1
    first, last = first + (first > 0), last - (last < len(bar))
    return first, last - (last - first) % 2
