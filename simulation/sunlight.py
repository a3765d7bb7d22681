"""Where the sun reaches the ground: a map along and across the street, cast once from everything that stands still.

The sun is a camera so far away that its rays are parallel: what it sees of the ground is lit.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulation.camera import Camera, look
from simulation.raycast import TILE, Ground, trace
from simulation.solids import Solids
from simulation.street import Street
from simulation.textures import rip_maps

CELL = 0.2
"""Metres of the map's finest cells."""
HALF_WIDTH = 12.8
"""Metres to either side of the centre line; beyond, all is lit as at the edge."""
LEVELS = 5
SUN_DISTANCE = 20_000.0
"""Metres."""
BLOCK = 1024
"""Cells along the street that are cast at once, 205 m: the rays to them differ by half a degree."""


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
    return pyramid(np.ones((round(2 * HALF_WIDTH / CELL), columns(metres)), np.float32))


def columns(metres: float) -> int:
    """Cells along a street: whole at all levels."""
    return math.ceil(metres / CELL / 32) * 32


def cast_sunlight(
    ground: Ground, street: Street, solids: Solids, rotation: NDArray[np.float64], position: NDArray[np.float64],
    sun: NDArray[np.float64],
) -> NDArray[np.float32]:  # fmt: skip
    """The map of a street on which the solids, placed by ``rotation`` (N, 3, 3) and ``position`` (N, 3), stand still.

    ``sun``: (3,) unit vector to it.
    """
    lit = np.empty((round(2 * HALF_WIDTH / CELL), columns(street.length)), np.float32)
    for start in range(0, lit.shape[1], BLOCK):
        block = lit[:, start : start + BLOCK]
        row, column = np.mgrid[0 : block.shape[0], start : start + block.shape[1]].astype(np.float64)
        places, _ = street.place((column + 0.5) * CELL, (row + 0.5) * CELL - HALF_WIDTH)
        cells = np.concatenate([places, np.zeros((*places.shape[:2], 1))], -1).reshape(-1, 3)
        camera, x, y = sun_camera(cells, sun)
        view = look(camera, solids, rotation, position, 2 * SUN_DISTANCE)
        block[:] = trace(view, ground, rip_maps(), x, y).key.reshape(block.shape) < 0
    return pyramid(lit)


def sun_camera(
    points: NDArray[np.float64], sun: NDArray[np.float64]
) -> tuple[Camera, NDArray[np.float64], NDArray[np.float64]]:
    """A camera in the sun's place that sees the points (M, 3) of the world, a tile a metre; and their x and y (M,)."""
    right = np.array([-sun[1], sun[0], 0.0]) / np.hypot(sun[0], sun[1])
    rotation = np.stack([right, np.cross(-sun, right), -sun], 1)
    position = points.mean(0) + SUN_DISTANCE * sun
    X, Y, Z = rotation.T @ (points - position).T
    focal = TILE * SUN_DISTANCE
    x, y = focal * X / Z, focal * Y / Z
    width, height = 2 * math.ceil(np.abs(x).max()) + 3, 2 * math.ceil(np.abs(y).max()) + 3
    camera = Camera(width, height, focal, rotation, position)
    return camera, x + camera.centre[0], y + camera.centre[1]
