"""Features of a patch of an image's channels: single pixels, and differences between its parts (LABELS section 5).

A patch is 16x16 channel pixels, 32x32 of the image, around a corner of channel pixels. Features 0 to 3327 are its
pixels, channel by channel; the 3900 after them are, for each channel, the differences between all pairs of 5x5 places
in the smoother channels. A feature is a byte; a difference of none is 128.
"""

from itertools import combinations
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.edge_channels import NUMBER, Channels

SIDE = 16
"""Channel pixels across a patch, and image pixels across the part of it whose edges are told."""
PIXELS = SIDE * SIDE * NUMBER
_PLACES = [(row, column) for row in (1, 4, 8, 11, 14) for column in (1, 4, 8, 11, 14)]
_PAIRS = list(combinations(_PLACES, 2))
COUNT = PIXELS + len(_PAIRS) * NUMBER
"""Number of features: 7228."""


def _table() -> NDArray[np.int32]:
    pixels = [(c, y, x, -1, -1) for c in range(NUMBER) for y in range(SIDE) for x in range(SIDE)]
    pairs = [(c, *one, *two) for c in range(NUMBER) for one, two in _PAIRS]
    return np.array(pixels + pairs, np.int32)


TABLE = _table()
"""(COUNT, 5): channel, row and column of each feature, and of what is taken off it (-1: nothing)."""


def padded(found: Channels) -> Channels:
    """Channels mirrored beyond the image by half a patch, so that every corner of pixels has a patch."""
    margin = ((0, 0), (SIDE // 2, SIDE // 2), (SIDE // 2, SIDE // 2))
    return Channels(np.pad(found.fine, margin, "symmetric"), np.pad(found.coarse, margin, "symmetric"))


def features(around: Channels, corners: NDArray[np.int32], chosen: NDArray[np.int32]) -> NDArray[np.uint8]:
    """(N, F): the ``chosen`` features, (F,), of the patches at ``corners``, (N, 2) rows and columns, of ``padded``.

    Corner (y, x) is the one above and left of channel pixel (y, x).
    """
    return _features(around.fine, around.coarse, corners, TABLE[chosen])


@njit(inline="always")
def value(fine, coarse, y, x, place):  # type: ignore[no-untyped-def]
    """The feature at ``place``, a row of ``TABLE``, of the patch at a corner."""
    if place[3] < 0:
        return fine[place[0], y + place[1], x + place[2]]
    first = np.int32(coarse[place[0], y + place[1], x + place[2]])
    second = np.int32(coarse[place[0], y + place[3], x + place[4]])
    difference: Any = 128 + first - second
    return np.uint8(min(max(difference, 0), 255))


@njit(cache=True, nogil=True)
def _features(
    fine: NDArray[np.uint8], coarse: NDArray[np.uint8], corners: NDArray[np.int32], places: NDArray[np.int32]
) -> NDArray[np.uint8]:
    result = np.empty((len(corners), len(places)), np.uint8)
    for k in range(len(corners)):
        for f in range(len(places)):
            result[k, f] = value(fine, coarse, corners[k, 0], corners[k, 1], places[f])
    return result
