"""Sums over a neighbourhood that ends at image edges, in O(N): a recursive domain-transform filter on a grid of seeds.

Weighted sums around every seed with weights ``exp(-geodesic distance)``, as EpicFlow's interpolation uses them, come
from a recursive filter (Gastal and Oliveira 2011) whose cost does not depend on the reach.
"""

from dataclasses import dataclass
from typing import Any

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
        greys = _changes(guide, *grid.place, grid.rows, grid.columns)
        sums = np.arange(255 * grid.step + 1) / parameters.edge_grey  # all that there can be: far fewer than seeds
        return [(table.take(greys[0]), table.take(greys[1])) for table in _decays(sums, grid.step, parameters)]
    scale = parameters.map_grey / parameters.edge_grey
    across = _decays(scale * _crossed(edges, grid), grid.step, parameters)
    down = _decays(scale * np.ascontiguousarray(_crossed(edges.T, grid.turned()).T), grid.step, parameters)
    return list(zip(across, down, strict=True))


def _decays(edges: NDArray[np.float64], step: int, parameters: EdgeParameters) -> list[NDArray[np.float64]]:
    """For each pass the decay over a step of the grid that crosses such ``edges``."""
    # Gastal and Oliveira, Eq. 14
    shares = np.sqrt(3) * 2.0 ** np.arange(parameters.passes)[::-1] / np.sqrt(4.0**parameters.passes - 1)
    return [np.exp(-np.sqrt(2) / (parameters.reach_px / step * share) * (1 + edges)) for share in shares]


def _crossed(edges: NDArray[np.float32], grid: Grid) -> NDArray[np.float64]:
    """The edges summed from each seed to the next one on its right, half of them at its own place; 0 from the last."""
    along = np.cumsum(edges[grid.y0 :: grid.step][: grid.rows], axis=1, dtype=np.float64)
    along -= 0.5 * edges[grid.y0 :: grid.step][: grid.rows]
    at = along[:, grid.x0 :: grid.step][:, : grid.columns]
    return np.diff(at, axis=1, append=at[:, -1:])


def accumulate(moments: NDArray[np.float64], along: Decays) -> None:
    """Replace ``moments`` (rows, columns, n) by their weighted sums around each seed. Weights are not normalised."""
    count = moments.shape[2]
    kernel = next((of_lanes for lanes, of_lanes in _FILTERS.items() if lanes <= count <= 2 * lanes), _filter)
    for along_x, along_y in along:
        kernel(moments, along_x, along_y)


@njit(cache=True, nogil=True)
def _changes(
    guide: NDArray[np.uint8], step: int, x0: int, y0: int, rows: int, columns: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Summed changes of grey level between neighbouring seeds, to the right and downwards; 0 from the last ones."""
    along_x = np.zeros((rows, columns), np.int32)
    along_y = np.zeros((rows, columns), np.int32)
    changes = np.zeros(guide.shape[1], np.int32)
    for j in range(rows):
        y = y0 + j * step
        row = guide[y]
        for x in range(len(row) - 1):
            changes[x] = abs(np.int32(row[x + 1]) - np.int32(row[x]))
        for i in range(columns - 1):
            for k in range(step):
                along_x[j, i] += changes[x0 + i * step + k]
        if j + 1 == rows:
            break
        changes[:] = 0
        for k in range(y, y + step):
            here, below = guide[k], guide[k + 1]
            for x in range(len(here)):
                changes[x] += abs(np.int32(below[x]) - np.int32(here[x]))
        for i in range(columns):
            along_y[j, i] = changes[x0 + i * step]
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


def _filter_of(lanes: int) -> Any:
    """``_filter`` for ``lanes`` to twice as many sums a seed: the first and the last, which may overlap, as vectors."""

    @njit(cache=True, nogil=True, error_model="numpy")
    def filter_(moments, along_x, along_y):  # type: ignore[no-untyped-def]
        """What is carried along a row stays in registers, and rows go downwards while they are near."""
        rows, columns, count = moments.shape
        row, last = columns * count, count - lanes
        for j in range(rows):
            place = j * row
            a, b = load(lanes, moments, place), load(lanes, moments, place + last)
            for i in range(1, columns):
                place += count
                a, b = _carried(lanes, moments, place, last, a, b, along_x[j, i - 1])
            for i in range(columns - 2, -1, -1):
                place -= count
                a, b = _carried(lanes, moments, place, last, a, b, along_x[j, i])
            for i in range(columns if j else 0):
                above = place - row
                a, b = load(lanes, moments, above), load(lanes, moments, above + last)
                _carried(lanes, moments, place, last, a, b, along_y[j - 1, i])
                place += count
        for j in range(rows - 2, -1, -1):
            place = j * row
            for i in range(columns):
                below = place + row
                a, b = load(lanes, moments, below), load(lanes, moments, below + last)
                _carried(lanes, moments, place, last, a, b, along_y[j, i])
                place += count

    return filter_


@njit(inline="always")
def _carried(lanes, moments, place, last, a, b, decay):  # type: ignore[no-untyped-def]
    """Add ``decay`` times ``a``, ``b``, the first and last sums of a neighbour; returns what comes of both."""
    share = alike(lanes, decay)
    first, second = load(lanes, moments, place), load(lanes, moments, place + last)  # before either is stored
    first, second = first + share * a, second + share * b
    store(moments, place, first)
    store(moments, place + last, second)
    return first, second


_FILTERS = {lanes: _filter_of(lanes) for lanes in (2, 8)}
"""Filters by the sums of a seed that they compute at once."""
