"""A whole picture: a ray through every pixel's centre, and four more where surfaces meet."""

import functools

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulation.raycast import WINDOW, Ground, Hits, View, trace
from simulation.shading import Light, shade_ground, shade_sky, shade_solids
from simulation.solids import Solids

SAMPLES = np.array([(-0.375, 0.125), (-0.125, -0.375), (0.125, 0.375), (0.375, -0.125)])
"""Where the four rays of an edge's pixel pass: the corners of a turned square, no two in one row or column."""


def cast_picture(
    view: View, solids: Solids, ground: Ground, light: Light, maps: NDArray[np.float32], height: int, width: int
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float64]]:
    """The picture (H, W, 3) float32 linear, and at pixel centres the keys (H, W) and depths (H, W) in metres."""
    x, y = pixel_centres(height, width)
    hits = trace(view, ground, maps, x, y)
    picture = shade(view, solids, ground, light, maps, x, y, hits, np.ones(len(x), bool)).reshape(height, width, 3)
    keys = hits.key.reshape(height, width)
    edges = np.flatnonzero(edge_pixels(view, keys))
    points = np.stack([edges % width, edges // width], 1)[:, None, :] + SAMPLES
    x, y = np.ascontiguousarray(points.reshape(-1, 2).T)
    around = trace(view, ground, maps, x, y)
    # samples that meet what the centre meets take its colour: shading is already averaged over the pixel
    owner = np.repeat(edges, len(SAMPLES))
    same = around.key == hits.key[owner]
    samples = shade(view, solids, ground, light, maps, x, y, around, ~same)
    flat = picture.reshape(-1, 3)
    samples[same] = flat[owner[same]]
    flat[edges] = samples.reshape(-1, len(SAMPLES), 3).mean(1)
    return picture, keys, hits.depth.reshape(height, width)


@functools.lru_cache(maxsize=4)
def pixel_centres(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(x, y), each (H W,), by rows."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    return x.ravel(), y.ravel()


def shade(
    view: View, solids: Solids, ground: Ground, light: Light, maps: NDArray[np.float32],
    x: NDArray[np.float64], y: NDArray[np.float64], hits: Hits, wanted: NDArray[np.bool_],
) -> NDArray[np.float32]:  # fmt: skip
    """(M, 3) linear colours of the wanted points; the others stay 0."""
    colours = np.zeros((len(x), 3), np.float32)
    shade_sky(view, light, maps, x, y, hits, wanted, colours)
    shade_ground(view, ground, light, maps, x, y, hits, wanted, colours)
    shade_solids(view, solids, light, maps, x, y, hits, wanted, colours)
    return colours


@njit(cache=True, error_model="numpy")
def edge_pixels(view: View, keys: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(H, W): a neighbour shows something else, or a solid is so small that rays through the centres may miss it."""
    height, width = keys.shape
    edges = np.zeros((height, width), np.bool_)
    for row in range(height):
        for column in range(width):
            key = keys[row, column]
            same = key == keys[max(row - 1, 0), column] and key == keys[min(row + 1, height - 1), column]
            same = same and key == keys[row, max(column - 1, 0)] and key == keys[row, min(column + 1, width - 1)]
            edges[row, column] = not same
    for k in range(view.data.shape[0]):
        x0, x1 = view.data[k, WINDOW], view.data[k, WINDOW + 1]
        y0, y1 = view.data[k, WINDOW + 2], view.data[k, WINDOW + 3]
        # the window is a pixel wider than the solid on every side
        if min(x1 - x0, y1 - y0) > 4.5 or max(x1 - x0, y1 - y0) > 120:
            continue
        for row in range(max(int(y0), 0), min(int(y1) + 1, height)):
            for column in range(max(int(x0), 0), min(int(x1) + 1, width)):
                edges[row, column] = True
    return edges
