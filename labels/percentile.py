"""The percentile of each pixel's depth within its frame, by histogram (LABELS sections 10.4 and 17.3)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

BINS = 65536
STEPS = 4096  # codes per typical inverse depth, so that ties are real ties and float noise changes nothing,
LINEAR = 8  # up to so many typical ones;
OCTAVE = 2048  # beyond, codes per factor of two: the road before the car may be a hundred times as near as the median


def percentile(inverse_depth: NDArray[np.float32], valid: NDArray[np.bool_], typical: float) -> NDArray[np.float32]:
    """``z = (rank - 0.5) / n`` of the depth among the valid pixels, 0 near to 1 far; 0 where not valid.

    ``inverse_depth`` (H, W) ``float32`` >= 0, ``valid`` (H, W), ``typical`` > 0 the scale of the rounding (the median
    of the valid inverse depths). Ties, after rounding to ``typical / 4096`` up to 8 ``typical`` and to a 3000th of
    themselves beyond, share their midrank. Raises ``ValueError`` for a scale that is not positive and finite.
    """
    if not (np.isfinite(typical) and typical > 0):
        raise ValueError(f"percentile: the typical inverse depth must be positive, got {typical}")
    return _percentile(inverse_depth, valid, np.float32(STEPS / typical))


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
