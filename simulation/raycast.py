"""One ray against the street: which solid or piece of ground a line of sight meets first.

Numba caches this compiled code beside the file and looks only at the file of the outermost function when it decides
whether it is current: after changing an inner function, remove ``__pycache__``.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulation.solids import BOX, COLUMN, FOLIAGE, FRUSTUM, RING, ROLL, SHADE
from simulation.street import along_across
from simulation.textures import LEAF, SIZE, texel

TILE = 16
"""Pixels: rays of a tile try the same short list of solids."""
KERB_HEIGHT = 0.13
"""Metres of the pavement over the road."""
MISS = -1.0
AIR, ON_ROAD, ON_PAVEMENT, ON_KERB, ON_GRASS = -1, -2, -3, -4, -5
"""Keys of what is no solid. A solid's key is 8 times its number in the view plus the face that was met."""
FRONT, BACK, LEFT, RIGHT, TOP, BOTTOM = range(6)


class View(NamedTuple):
    """What one camera sees of the scene: the K solids near it, and which of them each tile may show."""

    solid: NDArray[np.int64]
    """(K,): index into Solids."""
    kind: NDArray[np.int64]
    """(K,)"""
    size: NDArray[np.float64]
    """(K, 6)"""
    rotation: NDArray[np.float64]
    """(K, 3, 3): from the solid's frame to the camera's (x right, y down, z forward)."""
    translation: NDArray[np.float64]
    """(K, 3): the solid's centre in the camera frame, metres."""
    origin: NDArray[np.float64]
    """(K, 3): the camera in the solid's frame, metres."""
    bounds: NDArray[np.float64]
    """(K, 5): the window on the image, x from, to, y from, to in pixels, and the least depth in metres."""
    starts: NDArray[np.int64]
    """(tiles + 1,): where each tile's solids start in ``members``; tiles by rows."""
    members: NDArray[np.int64]
    tiles_across: int
    focal: float
    centre_x: float
    centre_y: float
    camera: NDArray[np.float64]
    """(3, 3): from the camera's frame to the world's."""
    position: NDArray[np.float64]
    """(3,): the camera in the world, metres."""


class Ground(NamedTuple):
    """The ground of a street."""

    pieces: NDArray[np.float64]
    """(N, 4): see street.Street."""
    half_road: float
    """Metres from the centre line to the kerb."""
    half_pavement: float
    """Metres from the centre line to the far side of the pavement."""
    verge: NDArray[np.int64]
    """(2, metres): behind the pavement, left and right: 0 paved, 1 grass, 2 a side street."""
    crossing: NDArray[np.float64]
    """(C,): metres along the street where zebra crossings begin."""
    asphalt: float
    """Contrast of the road's texture."""
    sunlit: NDArray[np.float32]
    """(levels, cells across, cells along): share of the ground's cells that the sun reaches."""


@njit(cache=True)
def region(ground: Ground, along: float, across: float) -> int:
    """ON_ROAD, ON_PAVEMENT or ON_GRASS at a place on the street."""
    aside = abs(across)
    if aside < ground.half_road:
        return ON_ROAD
    side = 0 if across > 0 else 1
    metre = min(max(int(along), 0), ground.verge.shape[1] - 1)
    verge = ground.verge[side, metre]
    if verge == 2:
        return ON_ROAD
    if verge == 1 and aside > ground.half_pavement:
        return ON_GRASS
    return ON_PAVEMENT


@njit(cache=True)
def meet_ground(
    ground: Ground, position: NDArray[np.float64], dx: float, dy: float, dz: float, nearest: float, hint: int
) -> tuple[int, float, float, float, int]:
    """(key, depth, along, across, piece) of the ground along a ray in the world, nearer than ``nearest``."""
    if dz > -1e-9:
        return AIR, nearest, 0.0, 0.0, hint
    upper = (KERB_HEIGHT - position[2]) / dz
    if upper >= nearest:
        return AIR, nearest, 0.0, 0.0, hint
    x, y = position[0], position[1]
    along, across, piece = along_across(ground.pieces, x + upper * dx, y + upper * dy, hint)
    key = region(ground, along, across)
    if key != ON_ROAD:
        return key, upper, along, across, piece
    lower = -position[2] / dz
    along, across, piece = along_across(ground.pieces, x + lower * dx, y + lower * dy, piece)
    if region(ground, along, across) != ON_ROAD:
        # between the two heights the ray runs into the face of a kerb: halve the way until it is found
        for _ in range(40):
            middle = (upper + lower) / 2
            along, across, piece = along_across(ground.pieces, x + middle * dx, y + middle * dy, piece)
            if region(ground, along, across) == ON_ROAD:
                upper = middle
            else:
                lower = middle
        key = ON_KERB
    if lower >= nearest:
        return AIR, nearest, 0.0, 0.0, piece
    return key, lower, along, across, piece


@njit(cache=True)
def meet_box(ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, size: NDArray) -> tuple[float, int]:
    """(depth, face) where a ray enters a box; the eye is outside."""
    near, far, face = 0.0, 1e18, -1
    for axis in range(3):
        o = ox if axis == 0 else (oy if axis == 1 else oz)
        d = dx if axis == 0 else (dy if axis == 1 else dz)
        half = size[axis]
        if abs(d) < 1e-12:
            if abs(o) > half:
                return MISS, 0
            continue
        inverse = 1.0 / d
        if d > 0:
            first, last, entered = (-half - o) * inverse, (half - o) * inverse, 2 * axis + 1
        else:
            first, last, entered = (half - o) * inverse, (-half - o) * inverse, 2 * axis
        if first > near:
            near, face = first, entered
        far = min(far, last)
        if near > far:
            return MISS, 0
    return (near, face) if face >= 0 else (MISS, 0)


@njit(cache=True)
def meet_frustum(ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, size: NDArray) -> tuple[float, int]:
    """(depth, face) where a ray enters a tapered box: each side plane is n . p <= c with its own slope in z."""
    near, far, face = 0.0, 1e18, -1
    middle_z, inverse_height = size[2], 1.0 / (2 * size[2])
    for side in range(6):
        if side < 4:
            axis, sign = side // 2, 1.0 - 2.0 * (side % 2)
            bottom = size[axis]
            top = size[3 + axis] + (sign * size[5] if axis == 0 else 0.0)
            slope = (top - bottom) * inverse_height
            o, d = (ox, dx) if axis == 0 else (oy, dy)
            height = sign * o - bottom - slope * (oz + middle_z)
            rate = sign * d - slope * dz
        elif side == 4:
            height, rate = oz - middle_z, dz
        else:
            height, rate = -oz - middle_z, -dz
        if abs(rate) < 1e-12:
            if height > 0:
                return MISS, 0
            continue
        depth = -height / rate
        if rate < 0:
            if depth > near:
                near, face = depth, side
        else:
            far = min(far, depth)
        if near > far:
            return MISS, 0
    return (near, face) if face >= 0 else (MISS, 0)


@njit(cache=True)
def meet_cylinder(
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, radius: float, half: float
) -> tuple[float, int]:
    """(depth, face) of a cylinder along z: FRONT for the mantle, TOP and BOTTOM for the ends."""
    a, b, c = dx * dx + dy * dy, ox * dx + oy * dy, ox * ox + oy * oy - radius * radius
    root = b * b - a * c
    if root < 0 or a < 1e-18:
        return MISS, 0
    depth = (-b - math.sqrt(root)) / a
    if depth > 0 and abs(oz + depth * dz) <= half:
        return depth, FRONT
    if abs(dz) > 1e-12:
        cap = half if dz < 0 else -half
        depth = (cap - oz) / dz
        x, y = ox + depth * dx, oy + depth * dy
        if depth > 0 and x * x + y * y <= radius * radius and abs(oz) > half:
            return depth, TOP if dz < 0 else BOTTOM
    return MISS, 0


@njit(cache=True)
def meet_ball(ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, size: NDArray) -> tuple[float, float]:
    """The two depths at which a ray crosses an ellipsoid, or MISS twice."""
    px, py, pz = ox / size[0], oy / size[1], oz / size[2]
    qx, qy, qz = dx / size[0], dy / size[1], dz / size[2]
    a, b = qx * qx + qy * qy + qz * qz, px * qx + py * qy + pz * qz
    root = b * b - a * (px * px + py * py + pz * pz - 1.0)
    if root < 0:
        return MISS, MISS
    root = math.sqrt(root)
    return (-b - root) / a, (-b + root) / a


@njit(cache=True)
def leaf_density(maps: NDArray[np.float32], x: float, y: float, z: float, size: NDArray) -> float:
    """Leaf noise on the skin of an ellipsoid, mapped along its dominant axis; size[3]: level, size[4:6]: shift."""
    ax, ay, az = abs(x) / size[0], abs(y) / size[1], abs(z) / size[2]
    if ax >= ay and ax >= az:
        u, v = y, z
    elif ay >= az:
        u, v = x, z
    else:
        u, v = x, y
    level = int(size[3])
    texels = SIZE >> level
    # a tile of leaves is 3 m
    return texel(maps[LEAF, level, level], texels, texels, u / 3.0 + size[4], v / 3.0 + size[5])


@njit(cache=True)
def meet_foliage(
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, size: NDArray, maps: NDArray[np.float32]
) -> tuple[float, int]:
    """(depth, face) of an ellipsoid of leaves: FRONT for its near skin, BACK for its far skin seen through holes."""
    first, second = meet_ball(ox, oy, oz, dx, dy, dz, size)
    if first > 0 and leaf_density(maps, ox + first * dx, oy + first * dy, oz + first * dz, size) > -0.45:
        return first, FRONT
    if second > 0 and leaf_density(maps, ox + second * dx, oy + second * dy, oz + second * dz, size) > 0.0:
        return second, BACK
    return MISS, 0


@njit(cache=True)
def meet(
    kind: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, size: NDArray, maps: NDArray
) -> tuple[float, int]:
    """(depth, face) of a solid along a ray in its own frame; MISS where there is none."""
    if kind == BOX:
        return meet_box(ox, oy, oz, dx, dy, dz, size)
    if kind == FRUSTUM:
        return meet_frustum(ox, oy, oz, dx, dy, dz, size)
    if kind == FOLIAGE:
        return meet_foliage(ox, oy, oz, dx, dy, dz, size, maps)
    if kind == COLUMN:
        return meet_cylinder(ox, oy, oz, dx, dy, dz, size[0], size[2])
    if kind == ROLL:
        return meet_cylinder(ox, oz, oy, dx, dz, dy, size[0], size[1])
    if kind == RING:
        if abs(dy) < 1e-12:
            return MISS, 0
        depth = -oy / dy
        x, z = ox + depth * dx, oz + depth * dz
        square = x * x + z * z
        return (depth, LEFT) if size[2] ** 2 <= square <= size[0] ** 2 else (MISS, 0)
    if kind == SHADE:
        return MISS, 0
    first, _ = meet_ball(ox, oy, oz, dx, dy, dz, size)
    return first, FRONT


@njit(cache=True)
def trace(
    view: View, ground: Ground, maps: NDArray[np.float32], x: float, y: float, hint: int
) -> tuple[int, float, float, float, int]:
    """(key, depth, along, across, piece) of what pixel (x, y) shows; depth is Z in metres, inf for the sky."""
    dx, dy = (x - view.centre_x) / view.focal, (y - view.centre_y) / view.focal
    best, key = math.inf, AIR
    rows = (view.starts.shape[0] - 1) // view.tiles_across
    column = min(max(int(x) // TILE, 0), view.tiles_across - 1)
    tile = min(max(int(y) // TILE, 0), rows - 1) * view.tiles_across + column
    for member in range(view.starts[tile], view.starts[tile + 1]):
        k = view.members[member]
        bounds = view.bounds[k]
        if bounds[4] >= best:
            break
        if x < bounds[0] or x > bounds[1] or y < bounds[2] or y > bounds[3]:
            continue
        r, o = view.rotation[k], view.origin[k]
        lx = r[0, 0] * dx + r[1, 0] * dy + r[2, 0]
        ly = r[0, 1] * dx + r[1, 1] * dy + r[2, 1]
        lz = r[0, 2] * dx + r[1, 2] * dy + r[2, 2]
        depth, face = meet(view.kind[k], o[0], o[1], o[2], lx, ly, lz, view.size[k], maps)
        if 0.05 < depth < best:
            best, key = depth, 8 * k + face
    c = view.camera
    wx = c[0, 0] * dx + c[0, 1] * dy + c[0, 2]
    wy = c[1, 0] * dx + c[1, 1] * dy + c[1, 2]
    wz = c[2, 0] * dx + c[2, 1] * dy + c[2, 2]
    below, depth, along, across, piece = meet_ground(ground, view.position, wx, wy, wz, best, hint)
    if below != AIR:
        return below, depth, along, across, piece
    return key, best, 0.0, 0.0, piece
