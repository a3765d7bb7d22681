"""One ray against the street: which solid or piece of ground a line of sight meets first."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulation.solids import BALL, BOX, COLUMN, FOLIAGE, FRUSTUM, RING, ROLL
from simulation.street import along_across
from simulation.textures import LEAF, texel

TILE = 16
"""Pixels: rays of a tile try the same short list of solids."""
KERB_HEIGHT = 0.13
"""Metres of the pavement over the road."""
MISS = -1.0
LEAST_DEPTH = 0.05
"""Metres: nothing nearer is drawn."""
NEAR_HOLES, FAR_HOLES = -0.45, 0.0
"""Leaf noise below which the near and the far skin of foliage are open."""
AIR, ON_ROAD, ON_PAVEMENT, ON_KERB, ON_GRASS = -1, -2, -3, -4, -5
"""Keys of what is no solid. A solid's key is 8 times its number in the view plus the face that was met."""
FRONT, BACK, LEFT, RIGHT, TOP, BOTTOM = range(6)


ROTATION, ORIGIN, TRANSLATION, WINDOW, NEAREST, SIZES = 0, 9, 12, 15, 19, 20
"""Columns of View.data."""
COLUMNS = 26


class View(NamedTuple):
    """What one camera sees of the scene: the K solids near it, and which of them each tile may show."""

    solid: NDArray[np.int64]
    """(K,): index into Solids."""
    kind: NDArray[np.int64]
    """(K,)"""
    data: NDArray[np.float64]
    """(K, 26). ROTATION: 3x3 by rows, from the solid's frame to the camera's (x right, y down, z forward). ORIGIN: the
    camera in the solid's frame, metres. TRANSLATION: the solid's centre in the camera's frame, metres. WINDOW: x from,
    to, y from, to in pixels. NEAREST: the least depth, metres. SIZES: six numbers as in Solids.size."""
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


class Hits(NamedTuple):
    """What the rays through M points of the image met first."""

    key: NDArray[np.int32]
    """(M,): AIR, a piece of ground, or 8 times the solid's number in the view plus the face."""
    depth: NDArray[np.float64]
    """(M,): Z in metres; inf for AIR."""
    along: NDArray[np.float64]
    """(M,): for the ground, metres along the street."""
    across: NDArray[np.float64]
    """(M,): for the ground, metres across the street."""
    piece: NDArray[np.int32]
    """(M,): for the ground, the piece of the street."""


class Ground(NamedTuple):
    """The ground of a street."""

    pieces: NDArray[np.float64]
    """(N, 6): see street.Street."""
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


@njit(error_model="numpy", forceinline=True)
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


@njit(error_model="numpy", forceinline=True)
def meet_ground(
    ground: Ground, position: NDArray[np.float64], dx: float, dy: float, dz: float, nearest: float, hint: int
) -> tuple[int, float, float, float, int]:
    """(key, depth, along, across, piece) of the ground along a ray in the world, nearer than ``nearest``."""
    if dz > -1e-9:
        return AIR, nearest, 0.0, 0.0, hint
    upper, lower = (KERB_HEIGHT - position[2]) / dz, -position[2] / dz
    if upper >= nearest:
        return AIR, nearest, 0.0, 0.0, hint
    depth, piece, key = upper, hint, AIR
    along, across = 0.0, 0.0
    # first at the height of the pavement, then on the road; if there is no road below, the ray has run into the face
    # of a kerb on the way: halve the way until it is found
    for attempt in range(42):
        along, across, piece = along_across(ground.pieces, position[0] + depth * dx, position[1] + depth * dy, piece)
        key = region(ground, along, across)
        if attempt == 0:
            if key != ON_ROAD:
                break
            depth = lower
            continue
        if attempt == 1:
            if key == ON_ROAD:
                break
        elif key == ON_ROAD:
            upper = depth
        else:
            lower = depth
        depth, key = (upper + lower) / 2, ON_KERB
    if depth >= nearest:
        return AIR, nearest, 0.0, 0.0, piece
    return key, depth, along, across, piece


@njit(error_model="numpy", forceinline=True)
def meet_box(
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, data: NDArray[np.float64], k: int
) -> tuple[float, int]:
    """(depth, face) where a ray enters a box; the eye is outside."""
    near, far, face = 0.0, 1e18, -1
    for axis in range(3):
        o = ox if axis == 0 else (oy if axis == 1 else oz)
        d = dx if axis == 0 else (dy if axis == 1 else dz)
        half = data[k, SIZES + axis]
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


@njit(error_model="numpy", forceinline=True)
def meet_frustum(
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, data: NDArray[np.float64], k: int
) -> tuple[float, int]:
    """(depth, face) where a ray enters a tapered box: each side plane is n . p <= c with its own slope in z."""
    near, far, face = 0.0, 1e18, -1
    middle_z = data[k, SIZES + 2]
    inverse_height = 1.0 / (2 * middle_z)
    for side in range(6):
        if side < 4:
            axis, sign = side // 2, 1.0 - 2.0 * (side % 2)
            bottom = data[k, SIZES + axis]
            top = data[k, SIZES + 3 + axis] + (sign * data[k, SIZES + 5] if axis == 0 else 0.0)
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


@njit(error_model="numpy", forceinline=True)
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


@njit(error_model="numpy", forceinline=True)
def meet_ball(
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, data: NDArray[np.float64], k: int
) -> tuple[float, float]:
    """The two depths at which a ray crosses an ellipsoid, or MISS twice."""
    a, b, c = 1.0 / data[k, SIZES], 1.0 / data[k, SIZES + 1], 1.0 / data[k, SIZES + 2]
    px, py, pz = ox * a, oy * b, oz * c
    qx, qy, qz = dx * a, dy * b, dz * c
    square, half = qx * qx + qy * qy + qz * qz, px * qx + py * qy + pz * qz
    root = half * half - square * (px * px + py * py + pz * pz - 1.0)
    if root < 0:
        return MISS, MISS
    root = math.sqrt(root)
    return (-half - root) / square, (-half + root) / square


@njit(error_model="numpy", forceinline=True)
def leaf_density(maps: NDArray[np.float32], x: float, y: float, z: float, data: NDArray[np.float64], k: int) -> float:
    """Leaf noise on the skin of an ellipsoid, mapped along its dominant axis; sizes 3: level, 4 and 5: shift."""
    ax, ay, az = abs(x) / data[k, SIZES], abs(y) / data[k, SIZES + 1], abs(z) / data[k, SIZES + 2]
    u, v = x, y
    if ax >= ay and ax >= az:
        u, v = y, z
    elif ay >= az:
        u, v = x, z
    level = int(data[k, SIZES + 3])
    # a tile of leaves is 3 m
    return texel(maps, LEAF, level, level, u / 3.0 + data[k, SIZES + 4], v / 3.0 + data[k, SIZES + 5])


@njit(error_model="numpy", forceinline=True)
def meet_foliage(
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, data: NDArray[np.float64], k: int,
    maps: NDArray[np.float32],
) -> tuple[float, int]:  # fmt: skip
    """(depth, face) of an ellipsoid of leaves: FRONT for its near skin, BACK for its far skin seen through holes."""
    depth, last = meet_ball(ox, oy, oz, dx, dy, dz, data, k)
    if last <= 0:
        return MISS, 0
    # one loop, so that the texture look-up is compiled once
    for face in range(2):
        if depth > 0:
            density = leaf_density(maps, ox + depth * dx, oy + depth * dy, oz + depth * dz, data, k)
            if density > (NEAR_HOLES if face == 0 else FAR_HOLES):
                return depth, face
        depth = last
    return MISS, 0


@njit(error_model="numpy", forceinline=True)
def meet(
    kind: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, data: NDArray[np.float64], k: int,
    maps: NDArray[np.float32],
) -> tuple[float, int]:  # fmt: skip
    """(depth, face) of solid ``k`` along a ray in its own frame; MISS where there is none."""
    depth, face = MISS, 0
    if kind == BOX:
        depth, face = meet_box(ox, oy, oz, dx, dy, dz, data, k)
    elif kind == FRUSTUM:
        depth, face = meet_frustum(ox, oy, oz, dx, dy, dz, data, k)
    elif kind == FOLIAGE:
        depth, face = meet_foliage(ox, oy, oz, dx, dy, dz, data, k, maps)
    elif kind == COLUMN:
        depth, face = meet_cylinder(ox, oy, oz, dx, dy, dz, data[k, SIZES], data[k, SIZES + 2])
    elif kind == ROLL:
        depth, face = meet_cylinder(ox, oz, oy, dx, dz, dy, data[k, SIZES], data[k, SIZES + 1])
    elif kind == RING:
        depth, face = -oy / dy if abs(dy) > 1e-12 else MISS, LEFT
        x, z = ox + depth * dx, oz + depth * dz
        square = x * x + z * z
        if square < data[k, SIZES + 2] ** 2 or square > data[k, SIZES] ** 2:
            depth = MISS
    elif kind == BALL:
        depth, _ = meet_ball(ox, oy, oz, dx, dy, dz, data, k)
    return depth, face


@njit(error_model="numpy", forceinline=True)
def meet_solid(view: View, k: int, dx: float, dy: float, maps: NDArray[np.float32]) -> tuple[float, int]:
    """(depth, face) of solid ``k`` of the view along the ray (dx, dy, 1) of the camera."""
    data = view.data
    lx = data[k, 0] * dx + data[k, 3] * dy + data[k, 6]
    ly = data[k, 1] * dx + data[k, 4] * dy + data[k, 7]
    lz = data[k, 2] * dx + data[k, 5] * dy + data[k, 8]
    return meet(view.kind[k], data[k, ORIGIN], data[k, ORIGIN + 1], data[k, ORIGIN + 2], lx, ly, lz, data, k, maps)


def trace(
    view: View, ground: Ground, maps: NDArray[np.float32], xs: NDArray[np.float64], ys: NDArray[np.float64]
) -> Hits:
    """What the rays through the image points (xs, ys), (M,) in pixels, meet first."""
    count = len(xs)
    hits = Hits(np.empty(count, np.int32), np.empty(count), np.zeros(count), np.zeros(count), np.zeros(count, np.int32))
    fill_hits(view, ground, maps, xs, ys, hits)
    return hits


# without numba's counting of references, which costs half the time in loops over arrays from tuples; what is compiled
# so must make no arrays
@njit(cache=True, error_model="numpy", nogil=True, _nrt=False)
def fill_hits(
    view: View, ground: Ground, maps: NDArray[np.float32], xs: NDArray[np.float64], ys: NDArray[np.float64], hits: Hits
) -> None:
    """Fill ``hits`` with what the rays through the image points (xs, ys) meet."""
    rows = (view.starts.shape[0] - 1) // view.tiles_across
    data, c, piece = view.data, view.camera, 0
    for point in range(xs.shape[0]):
        x, y = xs[point], ys[point]
        dx, dy = (x - view.centre_x) / view.focal, (y - view.centre_y) / view.focal
        best, key = math.inf, AIR
        column = min(max(int(x) // TILE, 0), view.tiles_across - 1)
        tile = min(max(int(y) // TILE, 0), rows - 1) * view.tiles_across + column
        for member in range(view.starts[tile], view.starts[tile + 1]):
            k = view.members[member]
            if data[k, NEAREST] >= best:
                break
            if x < data[k, WINDOW] or x > data[k, WINDOW + 1] or y < data[k, WINDOW + 2] or y > data[k, WINDOW + 3]:
                continue
            depth, face = meet_solid(view, k, dx, dy, maps)
            if LEAST_DEPTH < depth < best:
                best, key = depth, 8 * k + face
        wx = c[0, 0] * dx + c[0, 1] * dy + c[0, 2]
        wy = c[1, 0] * dx + c[1, 1] * dy + c[1, 2]
        wz = c[2, 0] * dx + c[2, 1] * dy + c[2, 2]
        below, depth, along, across, piece = meet_ground(ground, view.position, wx, wy, wz, best, piece)
        if below != AIR:
            best, key = depth, below
        hits.key[point], hits.depth[point], hits.piece[point] = key, best, piece
        hits.along[point], hits.across[point] = along, across
