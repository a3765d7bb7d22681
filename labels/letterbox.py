"""Black bars around the picture: letterbox and pillarbox (LABELS 11.8)."""

from collections.abc import Iterable

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


def active_area(frames: Iterable[NDArray[np.uint8]]) -> tuple[int, int, int, int] | None:
    """The picture within the bars, (left, top, right, bottom) in pixels, right and bottom exclusive, sides even.

    ``frames`` are some 200 frames spread over a video, all of one size, (H, W) grey or (H, W, 3) RGB ``uint8``. Frames
    that are dark as a whole say nothing. Returns ``None`` where there are no bars: nothing dark and flat at any border,
    too few frames, or too little left.
    """
    dark_rows: NDArray[np.int64] | None = None
    dark_columns: NDArray[np.int64] | None = None
    count = 0
    for frame in frames:
        grey = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        rows, columns = _dark_and_flat(grey, 1), _dark_and_flat(grey, 0)
        if rows.all() or columns.all() or grey.mean() < 0.5 * DARK_GREY:
            continue
        count += 1
        dark_rows = rows.astype(np.int64) if dark_rows is None else dark_rows + rows
        dark_columns = columns.astype(np.int64) if dark_columns is None else dark_columns + columns
    if dark_rows is None or dark_columns is None or count < FEWEST_FRAMES:
        return None
    top, bottom = _inside(dark_rows >= SHARE * count)
    left, right = _inside(dark_columns >= SHARE * count)
    whole = (left, top, right, bottom) == (0, 0, len(dark_columns), len(dark_rows))
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
