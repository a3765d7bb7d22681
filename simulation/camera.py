"""The camera's view of a scene: solids brought into its frame, culled, and sorted into tiles of the image."""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulation.raycast import COLUMNS, LEAST_DEPTH, ORIGIN, SIZES, TILE, TRANSLATION, WINDOW, View
from simulation.solids import FOLIAGE, Solids, half_extents
from simulation.textures import SIZE

FAR = 260.0
"""Metres: no solid farther away is drawn."""


@dataclass(frozen=True)
class Camera:
    """Intrinsics in pixels; ``rotation`` (3, 3) from camera (x right, y down, z forward) to world."""

    width: int
    height: int
    focal: float
    rotation: NDArray[np.float64]
    position: NDArray[np.float64]

    @property
    def centre(self) -> tuple[float, float]:
        """Principal point in pixels."""
        return (self.width - 1) / 2, (self.height - 1) / 2

    @property
    def matrix(self) -> NDArray[np.float64]:
        """K, (3, 3)."""
        x, y = self.centre
        return np.array([[self.focal, 0, x], [0, self.focal, y], [0, 0, 1]])


def camera_rotation(heading: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """(3, 3) from camera to world; radians: ``heading`` from x to the left, ``pitch`` up, ``roll`` clockwise."""
    cosine, sine = math.cos(heading), math.sin(heading)
    level = np.array([[sine, 0, cosine], [-cosine, 0, sine], [0, -1.0, 0]])
    a, b = math.cos(pitch), math.sin(pitch)
    up = np.array([[1, 0, 0], [0, a, -b], [0, b, a]])
    c, d = math.cos(roll), math.sin(roll)
    clockwise = np.array([[c, -d, 0], [d, c, 0], [0, 0, 1]])
    return level @ up @ clockwise


def look(
    camera: Camera, solids: Solids, rotation: NDArray[np.float64], position: NDArray[np.float64], far: float = FAR
) -> View:
    """The view of solids up to ``far`` metres, placed in the world by ``rotation`` (N, 3, 3), ``position`` (N, 3)."""
    extents = half_extents(solids)
    reach = np.linalg.norm(extents, axis=1)
    offset = position - camera.position
    ahead = offset @ camera.rotation[:, 2]
    near = np.flatnonzero((ahead > -reach) & (ahead < far + reach))
    to_camera = camera.rotation.T
    rotations = to_camera @ rotation[near]
    translations = offset[near] @ camera.rotation
    x, y = camera.centre
    bounds = windows(rotations, translations, extents[near], camera.focal, x, y)
    seen = (bounds[:, 0] < camera.width) & (bounds[:, 1] > -1) & (bounds[:, 2] < camera.height) & (bounds[:, 3] > -1)
    seen &= bounds[:, 4] < far
    # the windows are two pixels wider than the solids: drop specks that no pixel would notice
    seen &= np.maximum(bounds[:, 1] - bounds[:, 0], bounds[:, 3] - bounds[:, 2]) > 2.5
    # nearest first, so that a ray may stop at the first solid that begins behind what it has met
    order = np.flatnonzero(seen)[np.argsort(bounds[seen, 4], kind="stable")]
    near, bounds = near[order], bounds[order]
    rotations, translations = rotations[order], translations[order]
    size = solids.size[near].copy()
    leaves = solids.kind[near] == FOLIAGE
    texel = 3.0 / SIZE * camera.focal / np.maximum(np.linalg.norm(translations[leaves], axis=1), 1.0)
    size[leaves, 3] = np.clip(np.round(-np.log2(texel)), 1, 7)
    data = np.empty((len(near), COLUMNS))
    data[:, :ORIGIN] = rotations.reshape(-1, 9)
    data[:, ORIGIN:TRANSLATION] = -np.einsum("kij,ki->kj", rotations, translations)
    data[:, TRANSLATION:WINDOW], data[:, WINDOW:SIZES], data[:, SIZES:] = translations, bounds, size
    starts, members = tiles(bounds, math.ceil(camera.width / TILE), math.ceil(camera.height / TILE))
    return View(
        near, solids.kind[near], data, starts, members, math.ceil(camera.width / TILE), camera.focal, x, y,
        np.ascontiguousarray(camera.rotation), camera.position,
    )  # fmt: skip


@njit(cache=True, error_model="numpy")
def windows(
    rotations: NDArray, translations: NDArray, extents: NDArray, focal: float, centre_x: float, centre_y: float
) -> NDArray[np.float64]:
    """(K, 5): the image window of each solid's bounding box, a pixel wider, and its least depth; empty: x to = -inf."""
    count = rotations.shape[0]
    out = np.empty((count, 5))
    corner = np.empty((8, 3))
    for k in range(count):
        for i in range(8):
            a = extents[k, 0] if i & 1 else -extents[k, 0]
            b = extents[k, 1] if i & 2 else -extents[k, 1]
            c = extents[k, 2] if i & 4 else -extents[k, 2]
            for axis in range(3):
                m = rotations[k, axis]
                corner[i, axis] = m[0] * a + m[1] * b + m[2] * c + translations[k, axis]
        x0, x1, y0, y1, nearest = math.inf, -math.inf, math.inf, -math.inf, math.inf
        for i in range(8):
            nearest = min(nearest, corner[i, 2])
            for bit in (0, 1, 2, 4):
                # bit 0: the corner itself; else where the edge to its neighbour crosses the near plane
                other = i ^ bit
                px, py, pz = corner[i, 0], corner[i, 1], corner[i, 2]
                if bit == 0:
                    if pz < LEAST_DEPTH:
                        continue
                else:
                    if other < i or (pz < LEAST_DEPTH) == (corner[other, 2] < LEAST_DEPTH):
                        continue
                    share = (LEAST_DEPTH - pz) / (corner[other, 2] - pz)
                    px += share * (corner[other, 0] - px)
                    py += share * (corner[other, 1] - py)
                    pz = LEAST_DEPTH
                u, v = focal * px / pz + centre_x, focal * py / pz + centre_y
                x0, x1, y0, y1 = min(x0, u), max(x1, u), min(y0, v), max(y1, v)
        out[k, 0], out[k, 1], out[k, 2], out[k, 3] = x0 - 1, x1 + 1, y0 - 1, y1 + 1
        out[k, 4] = max(nearest, 0.0)
    return out


@njit(cache=True, error_model="numpy")
def tiles(bounds: NDArray[np.float64], across: int, down: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(starts, members): which solids each tile's rays may meet, in the order of ``bounds``."""
    count = np.zeros(across * down + 1, np.int64)
    spans = np.empty((bounds.shape[0], 4), np.int64)
    for k in range(bounds.shape[0]):
        # a ray may start half a pixel outside its tile's pixels: the windows are a pixel wider for that
        spans[k, 0] = min(max(bounds[k, 0] / TILE, 0.0), across - 1.0)
        spans[k, 1] = min(max(bounds[k, 1] / TILE, 0.0), across - 1.0)
        spans[k, 2] = min(max(bounds[k, 2] / TILE, 0.0), down - 1.0)
        spans[k, 3] = min(max(bounds[k, 3] / TILE, 0.0), down - 1.0)
        for row in range(spans[k, 2], spans[k, 3] + 1):
            for column in range(spans[k, 0], spans[k, 1] + 1):
                count[row * across + column + 1] += 1
    starts = np.empty(len(count), np.int64)
    total = 0
    for tile in range(len(count)):
        total += count[tile]
        starts[tile] = total
    members = np.empty(starts[-1], np.int64)
    filled = starts[:-1].copy()
    for k in range(bounds.shape[0]):
        for row in range(spans[k, 2], spans[k, 3] + 1):
            for column in range(spans[k, 0], spans[k, 1] + 1):
                tile = row * across + column
                members[filled[tile]] = k
                filled[tile] += 1
    return starts, members
