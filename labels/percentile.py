"""The percentile of each pixel's depth within its frame, by histogram (LABELS sections 10.4 and 17.3)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

BINS = 65536
STEPS = 4096  # codes per typical inverse depth, so that ties are real ties and float noise changes nothing,
LINEAR = 8  # up to so many typical ones;
OCTAVE = 2048  # beyond, codes per factor of two: the road before the car may be a hundred times as near as the median


def percentile(
    inverse_depth: NDArray[np.float32],
    valid: NDArray[np.bool_],
    typical: float,
    unknown: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """``z = (rank - 0.5) / n`` of the depth among the valid pixels, 0 near to 1 far; 0 where not valid.

    ``inverse_depth`` (H, W) ``float32`` >= 0, ``valid`` (H, W), ``typical`` > 0 the scale of the rounding (the median
    of the valid inverse depths). Ties, after rounding to ``typical / 4096`` up to 8 ``typical`` and to a 3000th of
    themselves beyond, share their midrank. ``unknown`` (H, W), none of it valid, has no z but counts as if it were as
    near as the median valid pixel of its row, or of the nearest row that has one: percentiles of a frame's area, which
    do not shift when the masks do. Raises ``ValueError`` for a scale that is not positive and finite.
    """
    if not (np.isfinite(typical) and typical > 0):
        raise ValueError(f"percentile: the typical inverse depth must be positive, got {typical}")
    scale = np.float32(STEPS / typical)
    if unknown is None or not unknown.any() or not valid.any():
        return _percentile(inverse_depth, valid, scale)
    filled = np.where(unknown, _row_medians(inverse_depth, valid)[:, None], inverse_depth)
    z = _percentile(filled, valid | unknown, scale)
    z[unknown] = 0
    return z


def _row_medians(inverse_depth: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Of the valid pixels; a row without any takes that of the nearest one that has some."""
    rows = np.flatnonzero(valid.any(axis=1))
    medians = np.array([np.median(inverse_depth[row][valid[row]]) for row in rows], np.float32)
    nearest = np.abs(np.arange(len(valid))[:, None] - rows).argmin(axis=1)
    return medians[nearest]


@njit(cache=True)
def _percentile(inverse_depth: NDArray, valid: NDArray, scale: np.float32) -> NDArray:
    height, width = inverse_depth.shape
    histogram = np.zeros(BINS, np.int64)
    codes = np.empty((height, width), np.uint16)
    n = 0
    for row in range(height):
        for column in range(width):
            if valid[row, column]:
                scaled = inverse_depth[row, column] * scale + np.float32(0.5)
                if scaled > LINEAR * STEPS:
                    scaled = LINEAR * STEPS + OCTAVE * np.log2(scaled / np.float32(LINEAR * STEPS))
                code = min(np.float32(BINS - 1), max(np.float32(0), scaled))
                codes[row, column] = np.uint16(code)
                histogram[int(code)] += 1
                n += 1
    z_of_code = np.zeros(BINS, np.float32)
    nearer = 0
    for code in range(BINS - 1, -1, -1):
        z_of_code[code] = (nearer + 0.5 * histogram[code]) / max(n, 1)
        nearer += histogram[code]
    z = np.zeros((height, width), np.float32)
    for row in range(height):
        for column in range(width):
            if valid[row, column]:
                z[row, column] = z_of_code[codes[row, column]]
    return z
