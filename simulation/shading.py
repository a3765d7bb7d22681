"""What colour a pixel shows: the surface's own colour, the light that falls on it, haze, and the sky."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulation.facade_paint import paint_facade, paint_roof
from simulation.ground_paint import paint_ground
from simulation.object_paint import (
    paint_bark,
    paint_boards,
    paint_car_body,
    paint_car_cabin,
    paint_car_shoulder,
    paint_leaves,
    paint_lights,
    paint_lorry,
    paint_sign,
    paint_wheel,
)
from simulation.raycast import AIR, BACK, FRONT, ON_KERB, TOP, Ground, View
from simulation.solids import (
    BALL,
    BARK,
    BOARDS,
    BOX,
    CAR_BODY,
    CAR_CABIN,
    CAR_SHOULDER,
    COLUMN,
    FACADE,
    FOLIAGE,
    FRUSTUM,
    LEAVES,
    LIGHTS,
    LORRY,
    METAL,
    RING,
    ROLL,
    ROOF,
    SHADE,
    SIGN,
    WHEEL,
    Solids,
)
from simulation.sunlight import sun_reaches
from simulation.textures import CLOUD, GRAIN, noise


class Light(NamedTuple):
    """Light and air of a day."""

    sun: NDArray[np.float64]
    """(3,): unit vector to the sun, in the world."""
    sun_colour: NDArray[np.float64]
    """(3,): irradiance of a surface that faces the sun, 1 = white paper is white."""
    sky_colour: NDArray[np.float64]
    """(3,): irradiance from the sky on level ground."""
    zenith: NDArray[np.float64]
    """(3,): colour overhead."""
    horizon: NDArray[np.float64]
    """(3,): colour at the horizon, and of the haze."""
    clouds: float
    """Cover: -1 none ... 1 overcast."""
    shift: float
    """Where the clouds begin in their tile."""
    visibility: float
    """Metres after which 63 % of the light is haze."""


@njit(cache=True)
def sky(light: Light, maps: NDArray[np.float32], wx: float, wy: float, wz: float, wide: float) -> tuple:
    """Colour of the sky in the world direction (wx, wy, wz); ``wide``: angle of a pixel in radians."""
    length = math.sqrt(wx * wx + wy * wy + wz * wz)
    wx, wy, wz = wx / length, wy / length, max(wz / length, 0.0)
    height = wz + 0.12
    u, v = wx / height, wy / height
    foot_u, foot_v = wide / height, wide / (height * height)
    foot = max(foot_u, foot_v)
    large = noise(maps, CLOUD, u / 5.0 + light.shift, v / 5.0, foot / 5.0, foot / 5.0)
    small = noise(maps, CLOUD, u / 1.6, v / 1.6 + light.shift, foot / 1.6, foot / 1.6)
    cover = min(max((large + 0.35 * small + 1.5 * light.clouds) * 0.55 + 0.3, 0.0), 1.0)
    cover = cover * cover * (3 - 2 * cover) * min(1.0, 5 * wz + 0.25)
    fade = (1 - wz) ** 4
    bright = 0.93 - 0.10 * small - 0.06 * large
    r = light.zenith[0] + (light.horizon[0] - light.zenith[0]) * fade
    g = light.zenith[1] + (light.horizon[1] - light.zenith[1]) * fade
    b = light.zenith[2] + (light.horizon[2] - light.zenith[2]) * fade
    return r + (bright - r) * cover, g + (bright * 1.005 - g) * cover, b + (bright * 1.02 - b) * cover


@njit(cache=True)
def normal_of(kind: int, size: NDArray, face: int, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Outward unit normal at a point on a solid, in its own frame."""
    if kind == BALL or kind == FOLIAGE:
        nx, ny, nz = x / size[0] ** 2, y / size[1] ** 2, z / size[2] ** 2
        length = max(math.sqrt(nx * nx + ny * ny + nz * nz), 1e-12)
        return nx / length, ny / length, nz / length
    if kind == COLUMN and face == FRONT:
        return x / size[0], y / size[0], 0.0
    if kind == ROLL:
        if face == FRONT:
            return x / size[0], 0.0, z / size[0]
        return 0.0, 1.0 if face == TOP else -1.0, 0.0
    sign = 1.0 - 2.0 * (face % 2)
    if face >= TOP:
        return 0.0, 0.0, sign
    if kind == FRUSTUM:
        axis = face // 2
        slope = (size[3 + axis] - size[axis] + (sign * size[5] if axis == 0 else 0.0)) / (2 * size[2])
        length = math.sqrt(1 + slope * slope)
        if axis == 0:
            return sign / length, 0.0, -slope / length
        return 0.0, sign / length, -slope / length
    if face < LEFT_FACE:
        return sign, 0.0, 0.0
    return 0.0, sign, 0.0


LEFT_FACE = 2


@njit(cache=True)
def rounded(position: float, half: float, margin: float) -> float:
    """How far a normal leans outwards near the edge of a face, as on pressed metal sheet."""
    inside = half - abs(position)
    lean = max(0.0, 1.0 - inside / margin)
    return math.copysign(0.8 * lean, position)


@njit(cache=True)
def paint_solid(
    solids: Solids, n: int, maps: NDArray[np.float32], face: int, x: float, y: float, z: float, foot: NDArray
) -> tuple[float, float, float]:
    """Linear albedo of solid ``n`` at a point on it; ``foot``: (3,) extent of a pixel there along x, y, z in metres."""
    kind, material = solids.kind[n], solids.material[n]
    size, colour, detail = solids.size[n], solids.colour[n], solids.detail[n]
    across = face < LEFT_FACE
    wide = foot[1] if across else foot[0]
    if material == FACADE:
        if face == TOP:
            return 0.12, 0.12, 0.12
        u, half = (y, size[1]) if across else (x, size[0])
        high = foot[2]
        return paint_facade(maps, colour, detail, u + half, z + size[2], wide, high, 2 * half, 2 * size[2], face)
    if material == ROOF:
        return paint_roof(maps, colour, y if across else x, z * 1.3, wide, foot[2] * 1.3)
    mean = max(wide, foot[2])
    if material == CAR_BODY:
        return paint_car_body(colour, detail, size, x, y, z, face, mean)
    if material == CAR_SHOULDER:
        return paint_car_shoulder(colour, size, x, y, z, face, max(foot[0], foot[1]) if face == TOP else mean)
    if material == CAR_CABIN:
        return paint_car_cabin(colour, size, x, y, z, face, mean)
    if material == WHEEL:
        return paint_wheel(size, x, y, z, face, max(foot[0], foot[2]))
    if material == LORRY:
        return paint_lorry(colour, detail, size, x, y, z, face, mean)
    if material == LIGHTS:
        return paint_lights(size, detail, y, z, face, mean)
    if material == SIGN:
        if kind == ROLL:
            return paint_sign(colour, detail, size, x, z, mean)
        return paint_sign(colour, detail, size, y, z, mean) if face <= BACK else (0.3, 0.3, 0.3)
    if material == BOARDS:
        return paint_boards(maps, colour, y if across else x, z, wide, foot[2])
    if material == LEAVES:
        ax, ay, az = abs(x) / size[0], abs(y) / size[1], abs(z) / size[2]
        u, v = (y, z) if ax >= ay and ax >= az else ((x, z) if ay >= az else (x, y))
        wide = min(foot[0], min(foot[1], foot[2])) if kind == FOLIAGE else mean
        r, g, b = paint_leaves(maps, colour, detail, u, v, z / size[2], max(wide, 0.003))
        inner = 0.55 if kind == FOLIAGE and face == BACK else 1.0
        return r * inner, g * inner, b * inner
    if material == BARK:
        return paint_bark(maps, colour, math.atan2(y, x) * size[0], z, mean)
    tone = 1.0
    if material != METAL:
        tone += 0.10 * noise(maps, GRAIN, x + y, z, wide + foot[1], foot[2])
    tone += 0.12 * noise(maps, CLOUD, (x + y) / 2.5, z / 2.5, mean / 2.5, mean / 2.5)
    return colour[0] * tone, colour[1] * tone, colour[2] * tone


@njit(cache=True)
def footprint(
    depth: float, focal: float, d: NDArray, right: NDArray, down: NDArray, normal: tuple, foot: NDArray
) -> None:
    """Extent along each axis of what one pixel covers on the plane through the point: |dP/dx| + |dP/dy|.

    ``d``, ``right``, ``down``: ray and image axes in the frame of ``normal``; fills ``foot`` (3,), in metres.
    """
    facing = d[0] * normal[0] + d[1] * normal[1] + d[2] * normal[2]
    facing = math.copysign(max(abs(facing), 0.02), facing)
    step = depth / focal
    a = (right[0] * normal[0] + right[1] * normal[1] + right[2] * normal[2]) / facing
    b = (down[0] * normal[0] + down[1] * normal[1] + down[2] * normal[2]) / facing
    for axis in range(3):
        foot[axis] = step * (abs(right[axis] - a * d[axis]) + abs(down[axis] - b * d[axis]))


@njit(cache=True)
def shade_ground(
    key: int, depth: float, along: float, across: float, piece: int, x: float, y: float,
    view: View, ground: Ground, light: Light, maps: NDArray[np.float32], d: NDArray, right: NDArray, down: NDArray,
    foot: NDArray, solids: Solids,
) -> tuple[float, float, float]:  # fmt: skip
    """Light that the ground sends back; the parameters are those of ``trace`` and ``footprint``."""
    c = view.camera
    dx, dy = (x - view.centre_x) / view.focal, (y - view.centre_y) / view.focal
    for axis in range(3):
        d[axis] = c[axis, 0] * dx + c[axis, 1] * dy + c[axis, 2]
        right[axis], down[axis] = c[axis, 0], c[axis, 1]
    # turn the ground's axes along the street
    heading = ground.pieces[piece, 2] + ground.pieces[piece, 3] * (along - 8.0 * piece)
    cosine, sine = math.cos(heading), math.sin(heading)
    px, py = view.position[0] + depth * d[0], view.position[1] + depth * d[1]
    for vector in (d, right, down):
        vector[0], vector[1] = cosine * vector[0] + sine * vector[1], cosine * vector[1] - sine * vector[0]
    up = (0.0, 0.0, 1.0)
    side = 0.0
    if key == ON_KERB:
        side = -1.0 if across > 0 else 1.0
        up = (0.0, side, 0.0)
    footprint(depth, view.focal, d, right, down, up, foot)
    r, g, b = paint_ground(key, ground, maps, along, across, foot[0], foot[2] if key == ON_KERB else foot[1])
    shade = 1.0
    rows = (view.starts.shape[0] - 1) // view.tiles_across
    tile = min(max(int(y) // 16, 0), rows - 1) * view.tiles_across + min(max(int(x) // 16, 0), view.tiles_across - 1)
    for member in range(view.starts[tile], view.starts[tile + 1]):
        k = view.members[member]
        if view.kind[k] != SHADE:
            continue
        bounds = view.bounds[k]
        if x < bounds[0] or x > bounds[1] or y < bounds[2] or y > bounds[3]:
            continue
        m, t, size = view.rotation[k], view.translation[k], view.size[k]
        qx, qy, qz = depth * dx - t[0], depth * dy - t[1], depth - t[2]
        lx = abs(m[0, 0] * qx + m[1, 0] * qy + m[2, 0] * qz)
        ly = abs(m[0, 1] * qx + m[1, 1] * qy + m[2, 1] * qz)
        soft = size[3]
        inside = min(max((size[0] - lx) / soft, 0.0), 1.0) * min(max((size[1] - ly) / soft, 0.0), 1.0)
        shade *= 1 - size[4] * inside
    lit = sun_reaches(ground.sunlit, along, across, max(foot[0], foot[1]))
    direct = light.sun[2] * lit * min(1.0, 0.35 + 0.65 * shade)
    if key == ON_KERB:
        facing = -sine * light.sun[0] * side + cosine * light.sun[1] * side
        direct = max(facing, 0.0) * lit
    ambient = (1.0 if key != ON_KERB else 0.6) * shade * (0.88 + 0.12 * lit)
    return (
        r * (light.sky_colour[0] * ambient + light.sun_colour[0] * direct),
        g * (light.sky_colour[1] * ambient + light.sun_colour[1] * direct),
        b * (light.sky_colour[2] * ambient + light.sun_colour[2] * direct),
    )


@njit(cache=True)
def shade_solid(
    key: int, depth: float, x: float, y: float, view: View, solids: Solids, light: Light, maps: NDArray[np.float32],
    d: NDArray, right: NDArray, down: NDArray, foot: NDArray,
) -> tuple[float, float, float]:  # fmt: skip
    """Light that a solid sends back."""
    k, face = key // 8, key % 8
    n = view.solid[k]
    m, o = view.rotation[k], view.origin[k]
    dx, dy = (x - view.centre_x) / view.focal, (y - view.centre_y) / view.focal
    for axis in range(3):
        d[axis] = m[0, axis] * dx + m[1, axis] * dy + m[2, axis]
        right[axis], down[axis] = m[0, axis], m[1, axis]
    px, py, pz = o[0] + depth * d[0], o[1] + depth * d[1], o[2] + depth * d[2]
    size, kind, material = solids.size[n], solids.kind[n], solids.material[n]
    nx, ny, nz = normal_of(kind, size, face, px, py, pz)
    if kind == BALL or kind == FOLIAGE or kind == RING:
        for axis in range(3):
            foot[axis] = 1.4 * depth / view.focal
    else:
        footprint(depth, view.focal, d, right, down, (nx, ny, nz), foot)
    r, g, b = paint_solid(solids, n, maps, face, px, py, pz, foot)
    if material == CAR_BODY or material == CAR_SHOULDER or material == CAR_CABIN:
        if face < LEFT_FACE:
            ny += rounded(py, size[1], 0.25)
        elif face < TOP:
            nx += rounded(px, size[0], 0.3)
        nz += 0.35 * rounded(pz, size[2], 0.2) if face < TOP else 0.0
    # to the camera's frame, then to the world's
    cx = m[0, 0] * nx + m[0, 1] * ny + m[0, 2] * nz
    cy = m[1, 0] * nx + m[1, 1] * ny + m[1, 2] * nz
    cz = m[2, 0] * nx + m[2, 1] * ny + m[2, 2] * nz
    c = view.camera
    wx = c[0, 0] * cx + c[0, 1] * cy + c[0, 2] * cz
    wy = c[1, 0] * cx + c[1, 1] * cy + c[1, 2] * cz
    wz = c[2, 0] * cx + c[2, 1] * cy + c[2, 2] * cz
    length = max(math.sqrt(wx * wx + wy * wy + wz * wz), 1e-9)
    wx, wy, wz = wx / length, wy / length, wz / length
    facing = wx * light.sun[0] + wy * light.sun[1] + wz * light.sun[2]
    if material == LEAVES:
        facing = 0.35 + 0.65 * facing  # leaves let light through
    direct = max(facing, 0.0)
    ambient = 0.68 + 0.32 * wz
    if material == CAR_BODY and face < TOP:
        ambient *= 0.85 + 0.15 * pz / size[2]
    return (
        r * (light.sky_colour[0] * ambient + light.sun_colour[0] * direct),
        g * (light.sky_colour[1] * ambient + light.sun_colour[1] * direct),
        b * (light.sky_colour[2] * ambient + light.sun_colour[2] * direct),
    )


@njit(cache=True)
def shade(
    key: int, depth: float, along: float, across: float, piece: int, x: float, y: float,
    view: View, solids: Solids, ground: Ground, light: Light, maps: NDArray[np.float32],
    d: NDArray, right: NDArray, down: NDArray, foot: NDArray,
) -> tuple[float, float, float]:  # fmt: skip
    """Linear colour of what ``trace`` met at pixel (x, y); d, right, down, foot: (3,) scratch."""
    if key == AIR:
        c = view.camera
        dx, dy = (x - view.centre_x) / view.focal, (y - view.centre_y) / view.focal
        wx, wy = c[0, 0] * dx + c[0, 1] * dy + c[0, 2], c[1, 0] * dx + c[1, 1] * dy + c[1, 2]
        return sky(light, maps, wx, wy, c[2, 0] * dx + c[2, 1] * dy + c[2, 2], 1 / view.focal)
    if key < 0:
        r, g, b = shade_ground(
            key, depth, along, across, piece, x, y, view, ground, light, maps, d, right, down, foot, solids
        )
    else:
        r, g, b = shade_solid(key, depth, x, y, view, solids, light, maps, d, right, down, foot)
    haze = 1 - math.exp(-depth / light.visibility)
    h = light.horizon
    return r + (h[0] - r) * haze, g + (h[1] - g) * haze, b + (h[2] - b) * haze
