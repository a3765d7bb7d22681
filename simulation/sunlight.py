"""Where the sun reaches the ground: a map along and across the street, cast once from everything that stands still."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

CELL = 0.2
"""Metres of the map's finest cells."""
HALF_WIDTH = 12.8
"""Metres to either side of the centre line; beyond, all is lit as at the edge."""
LEVELS = 5


@njit(error_model="numpy", forceinline=True)
def sun_reaches(sunlit: NDArray[np.float32], along: float, across: float, wide: float) -> float:
    """Share in [0, 1] of the sun that reaches a place on the ground, over ``wide`` metres."""
    level = int(min(max(math.log2(max(wide / CELL, 1e-3)) + 0.5, 0.0), sunlit.shape[0] - 1.0))
    size = CELL * (1 << level)
    rows, columns = sunlit.shape[1] >> level, sunlit.shape[2] >> level
    x = min(max(along / size - 0.5, 0.0), columns - 1.001)
    y = min(max((across + HALF_WIDTH) / size - 0.5, 0.0), rows - 1.001)
    column, row = int(x), int(y)
    fx, fy = x - column, y - row
    upper = sunlit[level, row, column] * (1 - fx) + sunlit[level, row, column + 1] * fx
    lower = sunlit[level, row + 1, column] * (1 - fx) + sunlit[level, row + 1, column + 1] * fx
    return upper * (1 - fy) + lower * fy


def pyramid(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """(LEVELS, rows, columns): the map and its halvings, each in the corner of its level."""
    levels = np.zeros((LEVELS, *cells.shape), np.float32)
    for level in range(LEVELS):
        levels[level, : cells.shape[0], : cells.shape[1]] = cells
        cells = (cells[0::2, 0::2] + cells[0::2, 1::2] + cells[1::2, 0::2] + cells[1::2, 1::2]) / np.float32(4)
    return levels


def all_lit(metres: float) -> NDArray[np.float32]:
    """The map of a street without shadows."""
    columns = math.ceil(metres / CELL / 32) * 32
    return pyramid(np.ones((round(2 * HALF_WIDTH / CELL), columns), np.float32))
