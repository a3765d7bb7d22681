"""Sums over a neighbourhood that ends at image edges, in O(N): a recursive domain-transform filter on a grid of seeds.

Weighted sums around every seed with weights ``exp(-geodesic distance)``, as EpicFlow's interpolation uses them, come
from a recursive filter (Gastal and Oliveira 2011) whose cost does not depend on the reach.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.lanes import alike, load, store
from labels.matching import Grid


@dataclass(frozen=True)
class EdgeParameters:
    """Reach of the sums."""

    reach_px: float = 20.0
    """Standard deviation of the weights over a flat area."""
    edge_grey: float = 7.0
    """Grey levels of edge that count as one step of the grid."""
    map_grey: float = 255.0
    """Grey levels that an edge of strength 1 in a map of edges counts as."""
    passes: int = 2
    """Passes of the filter: more come nearer to the ideal weights."""


_LANES = 8
"""Sums of a seed that are computed at once."""

Decays = list[tuple[NDArray[np.float64], NDArray[np.float64]]]
"""For each pass the decay from each seed to the next one: to the right, downwards; (rows, columns) each."""


def smooth(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The guide image: frame 1, lightly smoothed."""
    return cv2.GaussianBlur(image, (0, 0), 0.8)


def decays(
    guide: NDArray[np.uint8], grid: Grid, parameters: EdgeParameters, edges: NDArray[np.float32] | None = None
) -> Decays:
    """The decays that ``accumulate`` takes, from the grey levels of ``guide``, (H, W) uint8, or a map of ``edges``.

    The map, (H, W) in [0, 1], takes the guide's place.
    """
    if edges is None:
        edges_x, edges_y = _edges(guide, *grid.place, grid.rows, grid.columns, parameters.edge_grey)
    else:
        scale = parameters.map_grey / parameters.edge_grey
        edges_x = scale * _crossed(edges, grid)
        edges_y = scale * np.ascontiguousarray(_crossed(edges.T, grid.turned()).T)
    result = []
    for number in range(parameters.passes):
        # Gastal and Oliveira, Eq. 14
        share = np.sqrt(3) * 2.0 ** (parameters.passes - number - 1) / np.sqrt(4.0**parameters.passes - 1)
        exponent = -np.sqrt(2) / (parameters.reach_px / grid.step * share)
        result.append((np.exp(exponent * (1 + edges_x)), np.exp(exponent * (1 + edges_y))))
    return result


def _crossed(edges: NDArray[np.float32], grid: Grid) -> NDArray[np.float64]:
    """The edges summed from each seed to the next one on its right, half of them at its own place; 0 from the last."""
    along = np.cumsum(edges[grid.y0 :: grid.step][: grid.rows], axis=1, dtype=np.float64)
    along -= 0.5 * edges[grid.y0 :: grid.step][: grid.rows]
    at = along[:, grid.x0 :: grid.step][:, : grid.columns]
    return np.diff(at, axis=1, append=at[:, -1:])


def accumulate(moments: NDArray[np.float64], along: Decays) -> None:
    """Replace ``moments`` (rows, columns, n) by their weighted sums around each seed. Weights are not normalised."""
    kernel = _filter_many if _LANES <= moments.shape[2] <= 2 * _LANES else _filter
    for along_x, along_y in along:
        kernel(moments, along_x, along_y)


@njit(cache=True, nogil=True, error_model="numpy")
def _edges(
    guide: NDArray[np.uint8], step: int, x0: int, y0: int, rows: int, columns: int, edge_grey: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Summed grey-level changes between neighbouring seeds, in units of ``edge_grey``: to the right, downwards."""
    along_x = np.zeros((rows, columns))
    along_y = np.zeros((rows, columns))
    for j in range(rows):
        y = y0 + j * step
        for i in range(columns):
            x = x0 + i * step
            total = np.int64(0)
            if i + 1 < columns:
                for k in range(step):
                    total += abs(np.int64(guide[y, x + k + 1]) - np.int64(guide[y, x + k]))
            along_x[j, i] = total / edge_grey
            total = np.int64(0)
            if j + 1 < rows:
                for k in range(step):
                    total += abs(np.int64(guide[y + k + 1, x]) - np.int64(guide[y + k, x]))
            along_y[j, i] = total / edge_grey
    return along_x, along_y


@njit(cache=True, nogil=True, error_model="numpy")
def _filter(moments: NDArray[np.float64], along_x: NDArray[np.float64], along_y: NDArray[np.float64]) -> None:
    """Recursive filter in place: rightwards, leftwards, downwards, upwards."""
    rows, columns, count = moments.shape
    for j in range(rows):
        for i in range(1, columns):
            decay = along_x[j, i - 1]
            for c in range(count):
                moments[j, i, c] += decay * moments[j, i - 1, c]
        for i in range(columns - 2, -1, -1):
            decay = along_x[j, i]
            for c in range(count):
                moments[j, i, c] += decay * moments[j, i + 1, c]
    for j in range(1, rows):
        for i in range(columns):
            decay = along_y[j - 1, i]
            for c in range(count):
                moments[j, i, c] += decay * moments[j - 1, i, c]
    for j in range(rows - 2, -1, -1):
        for i in range(columns):
            decay = along_y[j, i]
            for c in range(count):
                moments[j, i, c] += decay * moments[j + 1, i, c]


@njit(cache=True, nogil=True, error_model="numpy")
def _filter_many(moments: NDArray[np.float64], along_x: NDArray[np.float64], along_y: NDArray[np.float64]) -> None:
    """``_filter`` for 8 to 16 sums a seed: the first eight and the last eight, which may overlap, as vectors.

    What is carried along a row stays in registers, and rows go downwards while they are near.
    """
    rows, columns, count = moments.shape
    row, last = columns * count, count - _LANES
    for j in range(rows):
        place = j * row
        a, b = load(8, moments, place), load(8, moments, place + last)
        for i in range(1, columns):
            place += count
            a, b = _carried(moments, place, last, a, b, along_x[j, i - 1])
        for i in range(columns - 2, -1, -1):
            place -= count
            a, b = _carried(moments, place, last, a, b, along_x[j, i])
        for i in range(columns if j else 0):
            above = place - row
            a, b = load(8, moments, above), load(8, moments, above + last)
            _carried(moments, place, last, a, b, along_y[j - 1, i])
            place += count
    for j in range(rows - 2, -1, -1):
        place = j * row
        for i in range(columns):
            below = place + row
            a, b = load(8, moments, below), load(8, moments, below + last)
            _carried(moments, place, last, a, b, along_y[j, i])
            place += count


@njit(inline="always")
def _carried(moments, place, last, a, b, decay):  # type: ignore[no-untyped-def]
    """Add ``decay`` times ``a``, ``b``, the first and last eight sums of a neighbour; returns what comes of both."""
    share = alike(8, decay)
    first, second = load(8, moments, place), load(8, moments, place + last)  # before either is stored: they overlap
    first, second = first + share * a, second + share * b
    store(moments, place, first)
    store(moments, place + last, second)
    return first, second
