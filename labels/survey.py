"""Whole-video facts, one pass over the frames: a row of statistics a frame (LABELS 3, 11.6-11.8, 11.12, 11.18)."""

from dataclasses import dataclass, fields

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.image_quality import blockiness, saturated_fraction, sharpness
from labels.motion import REDUCTION, Motion, MotionMeter, textured_pixels
from labels.patch_flow import Pyramid, pyramid


@dataclass(frozen=True)
class SurveyParameters:
    """How a video is looked through."""

    letterbox_frames: int = 200  # frames looked at for black bars, spread over the video; 0 leaves bars where they are


@dataclass(frozen=True)
class FrameStatistics:
    """What the survey knows of a frame. Statistics of the step to a frame come from the frame before it; NaN at first.

    - ``time_s``: presentation time in seconds.
    - ``mean``: mean grey level. ``sharpness``: variance of the Laplacian. ``blockiness``: score S, below 7 is bad.
    - ``saturated``, ``textured``: shares of the pixels that are blown out, that have texture.
    - ``difference``, ``difference_q999``: mean and 99.9 % quantile of the absolute grey difference to the frame before.
    - ``overlap``: intersection of the grey histograms (64 bins) with the frame before, 1 = equal.
    - ``median``, ``p75``, ``p90``, ``road``: displacement since the frame before in working pixels, see ``Motion``.
    - ``consistent``: share of the textured pixels with flow consistent both ways. ``residual``: what the flow leaves.
    """

    time_s: float
    mean: float
    sharpness: float
    blockiness: float
    saturated: float
    textured: float
    difference: float = np.nan
    difference_q999: float = np.nan
    overlap: float = np.nan
    median: float = np.nan
    p75: float = np.nan
    p90: float = np.nan
    road: float = np.nan
    consistent: float = np.nan
    residual: float = np.nan


COLUMNS = tuple(field.name for field in fields(FrameStatistics))
"""The columns of a frame table."""

FrameTable = dict[str, NDArray[np.float64]]
"""A column a statistic, a row a frame, in order of presentation."""


class Survey:
    """Collects the statistics of a video's frames, in order; memory does not grow with the frames' size."""

    def __init__(self) -> None:
        self._rows: list[FrameStatistics] = []
        self._before: _Reduced | None = None
        self._meter: MotionMeter | None = None

    def follow(self, image: NDArray[np.uint8]) -> None:
        """Take a frame, as ``add`` does, for the one before the next, without a row of its own."""
        self._before = _reduce(_grey(image))

    def add(self, image: NDArray[np.uint8], time_s: float) -> FrameStatistics:
        """Take the next frame, (H, W) grey or (H, W, 3) RGB ``uint8``, all of one size."""
        grey = _grey(image)
        now = _reduce(grey)
        if self._before is not None and self._before.grey.shape != grey.shape:
            raise ValueError(f"survey: a frame of {grey.shape[::-1]} after frames of {self._before.grey.shape[::-1]}")
        if self._meter is None:
            self._meter = MotionMeter(*now.textured.shape)
        row = FrameStatistics(
            time_s,
            float(now.histogram @ np.arange(256) / grey.size),
            sharpness(grey),
            blockiness(grey),
            saturated_fraction(now.histogram),
            float(np.count_nonzero(now.textured) / now.textured.size),
            *(_step(self._before, now, self._meter) if self._before is not None else ()),
        )
        self._before = now
        self._rows.append(row)
        return row

    def table(self) -> FrameTable:
        """All rows so far, as columns of ``float64``."""
        values = np.array([_values(row) for row in self._rows], np.float64).reshape(-1, len(COLUMNS))
        return {name: np.ascontiguousarray(values[:, index]) for index, name in enumerate(COLUMNS)}


@dataclass(frozen=True)
class _Reduced:
    """What is kept of a frame until the next one comes."""

    grey: NDArray[np.uint8]
    reduced: Pyramid
    textured: NDArray[np.bool_]
    histogram: NDArray[np.int64]


def _grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(image) if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def _reduce(grey: NDArray[np.uint8]) -> _Reduced:
    height, width = (max(side // REDUCTION, 16) for side in grey.shape)
    whole = (REDUCTION * height, REDUCTION * width) == grey.shape
    small = _blocks(grey) if whole else cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return _Reduced(grey, pyramid(small), textured_pixels(small), _histogram(grey))


@njit(cache=True, nogil=True)
def _blocks(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Means of blocks of pixels, ``REDUCTION`` a side, halves rounded to even: those of ``cv2.INTER_AREA``."""
    height, width = grey.shape[0] // REDUCTION, grey.shape[1] // REDUCTION
    result, columns = np.empty((height, width), np.uint8), np.empty(grey.shape[1], np.uint16)
    count = REDUCTION * REDUCTION
    for y in range(height):
        columns[:] = 0
        for row in range(REDUCTION * y, REDUCTION * (y + 1)):
            for x in range(len(columns)):
                columns[x] += grey[row, x]
        for x in range(width):
            total = 0
            for k in range(REDUCTION * x, REDUCTION * (x + 1)):
                total += columns[k]
            mean = total // count
            result[y, x] = mean + (2 * (total - mean * count) + (mean & 1) > count)
    return result


def _step(before: _Reduced, now: _Reduced, meter: MotionMeter) -> tuple[float, ...]:
    steps = _histogram(cv2.absdiff(before.grey, now.grey))
    cumulated = np.cumsum(steps)
    mean = float(steps @ np.arange(256) / cumulated[-1])
    q999 = float(np.searchsorted(cumulated, 0.999 * cumulated[-1]))
    coarse = [each.histogram.reshape(64, 4).sum(axis=1) for each in (before, now)]
    overlap = float(np.minimum(*coarse).sum() / now.grey.size)
    motion: Motion = meter.between(before.reduced, now.reduced, before.textured)
    return (mean, q999, overlap, *_values(motion))


def _values(statistics: FrameStatistics | Motion) -> tuple[float, ...]:
    """In the order of the fields, without the copies that ``dataclasses.astuple`` makes."""
    return tuple(vars(statistics).values())


@njit(cache=True, nogil=True)
def _histogram(grey: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many pixels have each grey level, (256,); counted eightfold, since neighbours are often alike."""
    counts, pixels = np.zeros((8, 256), np.int64), grey.ravel()
    for place in range(len(pixels)):
        counts[place % 8, pixels[place]] += 1
    return counts.sum(axis=0)
