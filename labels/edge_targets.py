"""What edge detectors learn from a map of motion edges: patches cut into segments, and patches without an edge.

For each of some thresholds the map is cut into edge and not; a patch near an edge has as its target the segments into
which the edges cut its inner 16x16 pixels, a patch far from all edges has one segment (LABELS section 5).
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from labels.edge_features import SIDE

NEAR_PX = 8
"""Distance from an edge, in pixels of the map, up to which a patch is near it."""
SURELY_NONE = 0.1
"""Strength of an edge up to which there is none."""


@dataclass(frozen=True)
class Bracket:
    """Thresholds at which a map of edges is cut."""

    low: float
    high: float
    number: int = 4

    def thresholds(self) -> NDArray[np.float64]:
        """From low to high, each the same factor above the one before."""
        return np.geomspace(self.low, self.high, self.number)


@dataclass(frozen=True)
class Targets:
    """Patches of one image: corners (N, 2) of channel pixels, and the segments of each, (N, 16, 16) ``uint8``."""

    corners: NDArray[np.int32]
    segments: NDArray[np.uint8]


def targets(
    edges: NDArray[np.float32], bracket: Bracket, positives: int, negatives: int, generator: np.random.Generator
) -> Targets:
    """Patches near an edge and far from all, at most so many of each, from a map (H, W) of edges in [0, 1]."""
    corners, segments = [np.empty((0, 2), np.int32)], [np.empty((0, SIDE, SIDE), np.uint8)]
    grid = _corners(*edges.shape)
    far = grid[_distance(edges > SURELY_NONE)[tuple(2 * grid.T)] > NEAR_PX]
    for threshold in bracket.thresholds():
        near = grid[_distance(edges >= threshold)[tuple(2 * grid.T)] <= NEAR_PX]
        chosen = _some(near, -(-2 * positives // bracket.number), generator)
        cut, parts = _cut(edges >= threshold, chosen)
        kept = np.flatnonzero(parts > 1)[: -(-positives // bracket.number)]
        corners.append(chosen[kept])
        segments.append(cut[kept])
    none = _some(far, negatives, generator)
    return Targets(
        np.concatenate([*corners, none]),
        np.concatenate([*segments, np.zeros((len(none), SIDE, SIDE), np.uint8)]),
    )


def _corners(height: int, width: int) -> NDArray[np.int32]:
    """Corners of channel pixels whose target lies within a map of this size, (N, 2)."""
    reach = SIDE // 2
    rows, columns = (np.arange(reach // 2, (side - reach) // 2 + 1) for side in (height, width))
    return np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2).astype(np.int32)


def _distance(edges: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distance of each pixel to the nearest edge."""
    return distance_transform_edt(~edges) if edges.any() else np.full(edges.shape, np.inf)


def _some(corners: NDArray[np.int32], number: int, generator: np.random.Generator) -> NDArray[np.int32]:
    return corners[generator.permutation(len(corners))[:number]]


@njit(cache=True, nogil=True)
def _cut(edges: NDArray[np.bool_], corners: NDArray[np.int32]) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Segments around each corner, (N, 16, 16), and their number, (N,)."""
    segments = np.zeros((len(corners), SIDE, SIDE), np.uint8)
    parts = np.zeros(len(corners), np.int32)
    for k in range(len(corners)):
        top, left = 2 * corners[k, 0] - SIDE // 2, 2 * corners[k, 1] - SIDE // 2
        parts[k] = _segment(edges[top : top + SIDE, left : left + SIDE], segments[k])
    return segments, parts


@njit(cache=True, nogil=True)
def _segment(edges: NDArray[np.bool_], segments: NDArray[np.uint8]) -> int:
    """Number the 4-connected regions between the edges from 0; edge pixels go to a region beside them."""
    unknown, parts = np.uint8(255), 0
    segments[:] = unknown
    stack = np.empty((SIDE * SIDE, 2), np.int32)
    for y in range(SIDE):
        for x in range(SIDE):
            if edges[y, x] or segments[y, x] != unknown:
                continue
            segments[y, x] = parts
            stack[0], held = (y, x), 1
            while held:
                held -= 1
                row, column = stack[held]
                for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                    v, u = row + dy, column + dx
                    if 0 <= v < SIDE and 0 <= u < SIDE and not edges[v, u] and segments[v, u] == unknown:
                        segments[v, u] = parts
                        stack[held] = v, u
                        held += 1
            parts += 1
    _absorb(segments)
    return parts


@njit(cache=True, nogil=True)
def _absorb(segments: NDArray[np.uint8]) -> None:
    """Give what has no region yet to a region beside it, from the regions outwards."""
    unknown, missing = np.uint8(255), True
    before = segments.copy()
    for _ in range(SIDE):
        missing = False
        for y in range(SIDE):
            for x in range(SIDE):
                if before[y, x] != unknown:
                    continue
                for dy, dx in ((0, -1), (-1, 0), (0, 1), (1, 0)):
                    v, u = y + dy, x + dx
                    if 0 <= v < SIDE and 0 <= u < SIDE and before[v, u] != unknown:
                        segments[y, x] = before[v, u]
                missing = missing or segments[y, x] == unknown
        before[:] = segments
        if not missing:
            return
    for y in range(SIDE):
        for x in range(SIDE):
            if segments[y, x] == unknown:  # no region at all
                segments[y, x] = 0
