"""Distances in an image that walk round its edges: cells, a graph of points, and its nearest points (LABELS 4.3).

A step from a pixel to its neighbour costs half the sum of their costs, times the square root of two along a diagonal.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

NEIGHBOURS = 32
"""Neighbours of a point that are kept at most: the nearest."""
_FAR = np.float32(1e10)


class Cells(NamedTuple):
    """What each pixel of an image is nearest to."""

    owner: NDArray[np.int32]
    """(H, W), the point whose cell the pixel is in."""
    distance: NDArray[np.float32]
    """(H, W), the distance to it."""


class Graph(NamedTuple):
    """Points whose cells touch, and how far apart they are."""

    neighbours: NDArray[np.int32]
    """(N, NEIGHBOURS), in the order met; those of a point beyond its ``degree`` mean nothing."""
    lengths: NDArray[np.float32]
    """(N, NEIGHBOURS), shortest way over the common border."""
    degree: NDArray[np.int32]
    """(N,), number of neighbours."""


class Nearest(NamedTuple):
    """The points nearest to each of S others."""

    points: NDArray[np.int32]
    """(S, K), nearest first; beyond ``found`` they mean nothing."""
    distances: NDArray[np.float32]
    """(S, K)."""
    found: NDArray[np.int32]
    """(S,), how many there are: fewer than K where the graph falls apart."""


def cells(cost: NDArray[np.float32], x: NDArray[np.int32], y: NDArray[np.int32], rounds: int = 2) -> Cells:
    """Geodesic Voronoi cells of the points (x, y), (N,) each, one or more, in ``cost`` (H, W), above 0.

    ``rounds`` of two raster passes each find all ways that turn no more often than that, and most others.
    """
    owner = np.full(cost.shape, -1, np.int32)
    distance = np.full(cost.shape, _FAR, np.float32)
    distance[y, x] = cost[y, x]
    owner[y, x] = np.arange(len(x), dtype=np.int32)
    for _ in range(rounds):
        _sweep(cost, distance, owner)
        _sweep(cost[::-1, ::-1], distance[::-1, ::-1], owner[::-1, ::-1])
    return Cells(owner, distance)


@njit(cache=True, nogil=True)
def _sweep(cost: NDArray[np.float32], distance: NDArray[np.float32], owner: NDArray[np.int32]) -> None:
    """Shorten the ways of all pixels, in place, through those on the left and above, in raster order."""
    height, width = cost.shape
    half, diagonal = np.float32(0.5), np.float32(np.sqrt(0.5))
    for y in range(height):
        for x in range(width):
            own, best, whose = cost[y, x], distance[y, x], owner[y, x]
            if x > 0:
                way = distance[y, x - 1] + half * (own + cost[y, x - 1])
                if way < best:
                    best, whose = way, owner[y, x - 1]
            if y > 0:
                way = distance[y - 1, x] + half * (own + cost[y - 1, x])
                if way < best:
                    best, whose = way, owner[y - 1, x]
                if x > 0:
                    way = distance[y - 1, x - 1] + diagonal * (own + cost[y - 1, x - 1])
                    if way < best:
                        best, whose = way, owner[y - 1, x - 1]
                if x + 1 < width:
                    way = distance[y - 1, x + 1] + diagonal * (own + cost[y - 1, x + 1])
                    if way < best:
                        best, whose = way, owner[y - 1, x + 1]
            distance[y, x], owner[y, x] = best, whose


@njit(cache=True, nogil=True)
def graph(cost: NDArray[np.float32], owner: NDArray[np.int32], distance: NDArray[np.float32], count: int) -> Graph:
    """Which of ``count`` points have cells side by side, and the length of the shortest way across their border."""
    height, width = cost.shape
    neighbours = np.zeros((count, NEIGHBOURS), np.int32)
    lengths = np.zeros((count, NEIGHBOURS), np.float32)
    degree = np.zeros(count, np.int32)
    half = np.float32(0.5)
    for y in range(height):
        for x in range(width):
            for side in range(2):
                ny, nx = y + side, x + 1 - side
                if ny == height or nx == width or owner[ny, nx] == owner[y, x]:
                    continue
                a, b = owner[y, x], owner[ny, nx]
                length = distance[y, x] + distance[ny, nx] + half * (cost[y, x] + cost[ny, nx])
                _enter(neighbours[a], lengths[a], degree, a, b, length)
                _enter(neighbours[b], lengths[b], degree, b, a, length)
    return Graph(neighbours, lengths, degree)


@njit(inline="always")
def _enter(neighbours, lengths, degree, own, other, length):  # type: ignore[no-untyped-def]
    """Note a way from ``own`` to ``other``: shorter than the one known, or of a new neighbour, or for the farthest."""
    place = 0
    while place < degree[own] and neighbours[place] != other:
        place += 1
    if place < degree[own]:
        lengths[place] = min(lengths[place], length)
        return
    if place < NEIGHBOURS:
        degree[own] += 1
    else:
        place = int(np.argmax(lengths))
        if lengths[place] <= length:
            return
    neighbours[place], lengths[place] = other, length


@njit(cache=True, nogil=True)
def nearest(ways: Graph, sources: NDArray[np.int32], most: int) -> Nearest:
    """The ``most`` points nearest to each of the points ``sources`` (S,), themselves first (Dijkstra 1959)."""
    count = len(ways.degree)
    points = np.zeros((len(sources), most), np.int32)
    distances = np.zeros((len(sources), most), np.float32)
    found = np.zeros(len(sources), np.int32)
    shortest = np.empty(count, np.float32)
    stamp = np.full(count, -1, np.int64)  # a stamp of the search says which of these hold, instead of clearing them
    heap_keys = np.empty(most * NEIGHBOURS + 1, np.float32)
    heap_points = np.empty(most * NEIGHBOURS + 1, np.int32)
    for search in range(len(sources)):
        source = sources[search]
        shortest[source], stamp[source] = 0, search
        heap_keys[0], heap_points[0] = 0, source
        waiting, settled = 1, 0
        while waiting > 0 and settled < most:
            way, point = heap_keys[0], heap_points[0]
            waiting -= 1
            _sink(heap_keys, heap_points, waiting)
            if way > shortest[point]:
                continue  # it was reached by a shorter way since
            points[search, settled], distances[search, settled] = point, way
            settled += 1
            for k in range(ways.degree[point]):
                other, longer = ways.neighbours[point, k], way + ways.lengths[point, k]
                if stamp[other] != search or longer < shortest[other]:
                    stamp[other], shortest[other] = search, longer
                    _rise(heap_keys, heap_points, waiting, longer, other)
                    waiting += 1
        found[search] = settled
    return Nearest(points, distances, found)


@njit(inline="always")
def _rise(keys, values, place, key, value):  # type: ignore[no-untyped-def]
    """Add an entry to a binary heap of ``place`` entries."""
    while place > 0 and key < keys[(place - 1) >> 1]:
        keys[place], values[place] = keys[(place - 1) >> 1], values[(place - 1) >> 1]
        place = (place - 1) >> 1
    keys[place], values[place] = key, value


@njit(inline="always")
def _sink(keys, values, count):  # type: ignore[no-untyped-def]
    """Take the first entry out of a binary heap, which has ``count`` entries then."""
    key, value, place = keys[count], values[count], 0
    while True:
        child = 2 * place + 1
        if child >= count:
            break
        if child + 1 < count and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[place], values[place] = keys[child], values[child]
        place = child
    keys[place], values[place] = key, value
