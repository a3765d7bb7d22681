"""Noise that does not alias: tiles stored at every combination of horizontal and vertical resolution.

A surface seen at a grazing angle needs to be blurred along one axis only. A pyramid with independent levels in
the two axes (a rip map) does that exactly where the texture's axes are those of the foreshortening, as on roads and
facades.
"""

import functools
import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

SIZE = 256
"""Texels of a tile in either direction."""
LEVELS = 9
"""Levels an axis: 256, 128, ..., 1 texels."""
GRAIN, CLOUD, LEAF, CRACK, BRICK = range(5)
"""The tiles: fine stones; 1/f clouds; leaf clumps; dark cracks; courses of bricks. All have mean 0."""
LAYERS = 5
STRIDE = 2 * SIZE + 16
"""Columns of the stored maps: not a power of two, so that neighbouring rows do not evict each other from the cache."""


@functools.cache
def rip_maps() -> NDArray[np.float32]:
    """All tiles at all resolutions, (LAYERS, 2 SIZE, STRIDE): halvings stand beside and below one another.

    The level halved i times in v and j times in u starts at row ``2 SIZE - (2 SIZE >> i)`` and column
    ``2 SIZE - (2 SIZE >> j)``.
    """
    random = np.random.default_rng(20240)
    tiles = [grain(random), clouds(random), leaves(random), cracks(random), bricks(random)]
    maps = np.zeros((LAYERS, 2 * SIZE, STRIDE), np.float32)
    for layer, tile in enumerate(tiles):
        rows = tile - tile.mean()
        for i in range(LEVELS):
            top, columns = 2 * SIZE - (2 * SIZE >> i), rows
            for j in range(LEVELS):
                left = 2 * SIZE - (2 * SIZE >> j)
                maps[layer, top : top + columns.shape[0], left : left + columns.shape[1]] = columns
                columns = (columns[:, 0::2] + columns[:, 1::2]) / 2 if columns.shape[1] > 1 else columns
            rows = (rows[0::2] + rows[1::2]) / 2 if rows.shape[0] > 1 else rows
    return maps


def spectrum_noise(random: np.random.Generator, exponent: float, low: float = 1.0, high: float = 128.0) -> NDArray:
    """Periodic Gaussian noise of unit variance, amplitude ~ frequency ** -exponent between two frequencies a tile."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIZE, 1 / SIZE), np.fft.fftfreq(SIZE, 1 / SIZE)))
    band = (frequency >= low) & (frequency <= high)
    amplitude = np.where(band, np.maximum(frequency, 1) ** -exponent, 0)
    field = np.fft.ifft2(np.fft.fft2(random.standard_normal((SIZE, SIZE))) * amplitude).real
    return field / field.std()


def grain(random: np.random.Generator) -> NDArray:
    """Stones in tar: nearly white, with some bright ones."""
    field = spectrum_noise(random, 0.3, 4)
    return np.clip(field + 0.4 * np.maximum(field - 1, 0), -3, 4)


def clouds(random: np.random.Generator) -> NDArray:
    """Smooth at large, rough at small scales."""
    return np.clip(spectrum_noise(random, 1.6), -3, 3)


def leaves(random: np.random.Generator) -> NDArray:
    """Clumps with some finer structure."""
    return np.clip(spectrum_noise(random, 0.9, 5) + 0.4 * spectrum_noise(random, 0.2, 24), -3, 3)


def cracks(random: np.random.Generator) -> NDArray:
    """Thin dark lines where a smooth field crosses zero, here and there."""
    lines = np.exp(-((spectrum_noise(random, 1.7, 1, 40) / 0.022) ** 2))
    return -lines * np.clip(spectrum_noise(random, 2.0, 1, 6) + 0.2, 0, 1)


def bricks(random: np.random.Generator) -> NDArray:
    """Sixteen courses of eight bricks; mortar is brighter, bricks differ."""
    row, column = np.mgrid[0:SIZE, 0:SIZE]
    course = row // 16
    shifted = (column + 16 * (course % 2)) % SIZE
    tone = random.normal(0, 0.55, (16, 8))[course, shifted // 32]
    mortar = ((row % 16) < 2) | ((shifted % 32) < 2)
    return np.where(mortar, 1.3, tone) + 0.15 * spectrum_noise(random, 0.5, 8)


TEXEL = "float64(float32[:, :, ::1], int64, int64, int64, float64, float64)"


@njit(TEXEL, cache=True, error_model="numpy", forceinline=True)
def texel(maps: NDArray[np.float32], layer: int, i: int, j: int, u: float, v: float) -> float:
    """Bilinear, periodic value at (u, v) in tiles of the level halved ``i`` times in v and ``j`` times in u."""
    rows, columns = SIZE >> i, SIZE >> j
    top, left = 2 * SIZE - (2 * SIZE >> i), 2 * SIZE - (2 * SIZE >> j)
    x, y = u * columns - 0.5, v * rows - 0.5
    column, row = math.floor(x), math.floor(y)
    fx, fy = x - column, y - row
    c0, r0 = left + (column & (columns - 1)), top + (row & (rows - 1))
    c1, r1 = left + ((column + 1) & (columns - 1)), top + ((row + 1) & (rows - 1))
    upper = maps[layer, r0, c0] + (maps[layer, r0, c1] - maps[layer, r0, c0]) * fx
    lower = maps[layer, r1, c0] + (maps[layer, r1, c1] - maps[layer, r1, c0]) * fx
    return upper + (lower - upper) * fy


@njit("float64(float32[:, :, ::1], int64, float64, float64, float64, float64)", cache=True, error_model="numpy")
def noise(maps: NDArray[np.float32], layer: int, u: float, v: float, wide: float, high: float) -> float:
    """Tile ``layer`` at (u, v) in tiles, averaged over 2**wide x 2**high tiles."""
    across = min(max(wide + 8.0, 0.0), LEVELS - 1.001)
    down = min(max(high + 8.0, 0.0), LEVELS - 1.001)
    j, i = int(across), int(down)
    # between two levels only in the middle third of the way: mostly one look-up instead of four
    fj = min(max(3 * (across - j) - 1, 0.0), 1.0)
    fi = min(max(3 * (down - i) - 1, 0.0), 1.0)
    if fj == 1:
        j, fj = j + 1, 0.0
    if fi == 1:
        i, fi = i + 1, 0.0
    value = texel(maps, layer, i, j, u, v)
    if fj > 0:
        value += fj * (texel(maps, layer, i, j + 1, u, v) - value)
    if fi > 0:
        below = texel(maps, layer, i + 1, j, u, v)
        if fj > 0:
            below += fj * (texel(maps, layer, i + 1, j + 1, u, v) - below)
        value += fi * (below - value)
    return value


@njit("float64(int64, int64, int64)", cache=True, error_model="numpy", forceinline=True)
def cell(x: int, y: int, z: int) -> float:
    """A number in [0, 1) for a whole-numbered cell: the same each time."""
    h = np.uint32(x & 0xFFFFFFFF) * np.uint32(374761393) + np.uint32(y & 0xFFFFFFFF) * np.uint32(668265263)
    h = np.uint32(h + np.uint32(z & 0xFFFFFFFF) * np.uint32(2246822519))
    h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(1274126177))
    h = np.uint32(h ^ (h >> np.uint32(16)))
    return h / 4294967296.0


@njit("float64(float64, float64, float64, float64)", cache=True, error_model="numpy", forceinline=True)
def stripe_length(x: float, period: float, start: float, end: float) -> float:
    """Total length of the stripes between 0 and x."""
    whole = math.floor(x / period)
    rest = x - whole * period
    return whole * (end - start) + min(max(rest - start, 0.0), end - start)


@njit("float64(float64, float64, float64, float64, float64)", cache=True, error_model="numpy", forceinline=True)
def stripe(x: float, period: float, start: float, end: float, wide: float) -> float:
    """Coverage in [0, 1] of stripes [start, end) of each ``period`` under a box of width ``wide`` around ``x``."""
    wide = max(wide, 1e-6)
    return (stripe_length(x + wide / 2, period, start, end) - stripe_length(x - wide / 2, period, start, end)) / wide


@njit("float64(float64, float64, float64, float64)", cache=True, error_model="numpy", forceinline=True)
def band(x: float, start: float, end: float, wide: float) -> float:
    """Coverage in [0, 1] of the one stripe [start, end) under a box of width ``wide`` around ``x``."""
    wide = max(wide, 1e-6)
    return max(min(x + wide / 2, end) - max(x - wide / 2, start), 0.0) / wide
