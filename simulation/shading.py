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
from simulation.raycast import (
    AIR,
    BACK,
    FRONT,
    LEFT,
    ON_KERB,
    ORIGIN,
    SIZES,
    TILE,
    TOP,
    TRANSLATION,
    WINDOW,
    Ground,
    Hits,
    View,
)
from simulation.solids import (
    BALL,
    BARK,
    BOARDS,
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
from simulation.street import PIECE
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


@njit(error_model="numpy", forceinline=True)
def sky(light: Light, maps: NDArray[np.float32], wx: float, wy: float, wz: float, wide: float) -> tuple:
    """Colour of the sky in the world direction (wx, wy, wz); ``wide``: angle of a pixel in radians."""
    length = math.sqrt(wx * wx + wy * wy + wz * wz)
    wx, wy, wz = wx / length, wy / length, max(wz / length, 0.0)
    height = wz + 0.12
    u, v = wx / height, wy / height
    foot = math.log2(wide / (height * height))
    large = noise(maps, CLOUD, u / 4.0 + light.shift, v / 4.0, foot - 2, foot - 2)
    small = noise(maps, CLOUD, u / 2.0, v / 2.0 + light.shift, foot - 1, foot - 1)
    cover = min(max((large + 0.35 * small + 1.5 * light.clouds) * 0.55 + 0.3, 0.0), 1.0)
    cover = cover * cover * (3 - 2 * cover) * min(1.0, 5 * wz + 0.25)
    fade = (1 - wz) ** 4
    bright = 0.93 - 0.10 * small - 0.06 * large
    r = light.zenith[0] + (light.horizon[0] - light.zenith[0]) * fade
    g = light.zenith[1] + (light.horizon[1] - light.zenith[1]) * fade
    b = light.zenith[2] + (light.horizon[2] - light.zenith[2]) * fade
    return r + (bright - r) * cover, g + (bright * 1.005 - g) * cover, b + (bright * 1.02 - b) * cover


@njit(error_model="numpy", forceinline=True)
def normal_of(
    kind: int, data: NDArray[np.float64], k: int, face: int, x: float, y: float, z: float
) -> tuple[float, float, float]:
    """Outward unit normal at a point on a solid, in its own frame."""
    if kind in (BALL, FOLIAGE):
        nx, ny, nz = x / data[k, SIZES] ** 2, y / data[k, SIZES + 1] ** 2, z / data[k, SIZES + 2] ** 2
        length = max(math.sqrt(nx * nx + ny * ny + nz * nz), 1e-12)
        return nx / length, ny / length, nz / length
    if kind == COLUMN and face == FRONT:
        return x / data[k, SIZES], y / data[k, SIZES], 0.0
    if kind == ROLL:
        if face == FRONT:
            return x / data[k, SIZES], 0.0, z / data[k, SIZES]
        return 0.0, 1.0 if face == TOP else -1.0, 0.0
    sign = 1.0 - 2.0 * (face % 2)
    if face >= TOP:
        return 0.0, 0.0, sign
    if kind == FRUSTUM:
        axis = face // 2
        widening = data[k, SIZES + 3 + axis] - data[k, SIZES + axis]
        if axis == 0:
            widening += sign * data[k, SIZES + 5]
        slope = widening / (2 * data[k, SIZES + 2])
        length = math.sqrt(1 + slope * slope)
        if axis == 0:
            return sign / length, 0.0, -slope / length
        return 0.0, sign / length, -slope / length
    if face < LEFT:
        return sign, 0.0, 0.0
    return 0.0, sign, 0.0


@njit(error_model="numpy", forceinline=True)
def rounded(position: float, half: float, margin: float) -> float:
    """How far a normal leans outwards near the edge of a face, as on pressed metal sheet."""
    inside = half - abs(position)
    lean = max(0.0, 1.0 - inside / margin)
    return math.copysign(0.8 * lean, position)


@njit(error_model="numpy", forceinline=True)
def paint_solid(
    solids: Solids, n: int, maps: NDArray[np.float32], face: int, x: float, y: float, z: float,
    foot_x: float, foot_y: float, foot_z: float,
) -> tuple[float, float, float]:  # fmt: skip
    """Linear albedo of solid ``n`` at a point on it; ``foot``: extent of a pixel there along x, y, z in metres."""
    kind, material = solids.kind[n], solids.material[n]
    size, colour, detail = solids.size[n], solids.colour[n], solids.detail[n]
    across = face < LEFT
    wide = foot_y if across else foot_x
    if material == FACADE:
        if face == TOP:
            return 0.12, 0.12, 0.12
        u, half = (y, size[1]) if across else (x, size[0])
        high = foot_z
        return paint_facade(maps, colour, detail, u + half, z + size[2], wide, high, 2 * half, 2 * size[2], face)
    if material == ROOF:
        return paint_roof(maps, colour, y if across else x, z * 1.3, wide, foot_z * 1.3)
    mean = max(wide, foot_z)
    if material == CAR_BODY:
        return paint_car_body(colour, detail, size, x, y, z, face, mean)
    if material == CAR_SHOULDER:
        return paint_car_shoulder(colour, size, x, y, z, face, max(foot_x, foot_y) if face == TOP else mean)
    if material == CAR_CABIN:
        return paint_car_cabin(colour, size, x, y, z, face, mean)
    if material == WHEEL:
        return paint_wheel(size, x, y, z, face, max(foot_x, foot_z))
    if material == LORRY:
        return paint_lorry(colour, detail, size, x, y, z, face, mean)
    if material == LIGHTS:
        return paint_lights(size, detail, y, z, face, mean)
    if material == SIGN:
        if kind == ROLL:
            return paint_sign(colour, detail, size, x, z, mean)
        return paint_sign(colour, detail, size, y, z, mean) if face <= BACK else (0.3, 0.3, 0.3)
    if material == BOARDS:
        return paint_boards(maps, colour, y if across else x, z, wide, foot_z)
    if material == LEAVES:
        ax, ay, az = abs(x) / size[0], abs(y) / size[1], abs(z) / size[2]
        u, v = (y, z) if ax >= ay and ax >= az else ((x, z) if ay >= az else (x, y))
        wide = min(foot_x, min(foot_y, foot_z)) if kind == FOLIAGE else mean
        r, g, b = paint_leaves(maps, colour, detail, u, v, z / size[2], max(wide, 0.003))
        inner = 0.55 if kind == FOLIAGE and face == BACK else 1.0
        return r * inner, g * inner, b * inner
    if material == BARK:
        return paint_bark(maps, colour, math.atan2(y, x) * size[0], z, mean)
    tone, blur = 1.0, math.log2(max(foot_x, mean))
    if material != METAL:
        tone += 0.10 * noise(maps, GRAIN, x + y, z, blur, blur)
    tone += 0.12 * noise(maps, CLOUD, (x + y) / 2, z / 2, blur - 1, blur - 1)
    return colour[0] * tone, colour[1] * tone, colour[2] * tone


@njit(error_model="numpy", forceinline=True)
def footprint(
    depth: float, focal: float,
    dx: float, dy: float, dz: float, rx: float, ry: float, rz: float, ux: float, uy: float, uz: float,
    nx: float, ny: float, nz: float,
) -> tuple[float, float, float]:  # fmt: skip
    """Extent in metres along each axis of what one pixel covers on the plane through a point: |dP/dx| + |dP/dy|.

    In the frame of the surface: ``d`` the ray per metre of depth, ``r`` and ``u`` the image's axes (right and down),
    ``n`` the normal.
    """
    facing = dx * nx + dy * ny + dz * nz
    facing = math.copysign(max(abs(facing), 0.02), facing)
    step = depth / focal
    a, b = (rx * nx + ry * ny + rz * nz) / facing, (ux * nx + uy * ny + uz * nz) / facing
    return (
        step * (abs(rx - a * dx) + abs(ux - b * dx)),
        step * (abs(ry - a * dy) + abs(uy - b * dy)),
        step * (abs(rz - a * dz) + abs(uz - b * dz)),
    )


@njit(error_model="numpy", forceinline=True)
def under_bodies(view: View, x: float, y: float, depth: float) -> float:
    """Share in [0, 1] of the light that things standing close over the ground leave to it at pixel (x, y)."""
    share, data = 1.0, view.data
    rows = (view.starts.shape[0] - 1) // view.tiles_across
    column = min(max(int(x) // TILE, 0), view.tiles_across - 1)
    tile = min(max(int(y) // TILE, 0), rows - 1) * view.tiles_across + column
    px, py = depth * (x - view.centre_x) / view.focal, depth * (y - view.centre_y) / view.focal
    for member in range(view.starts[tile], view.starts[tile + 1]):
        k = view.members[member]
        if view.kind[k] != SHADE:
            continue
        if x < data[k, WINDOW] or x > data[k, WINDOW + 1] or y < data[k, WINDOW + 2] or y > data[k, WINDOW + 3]:
            continue
        qx, qy, qz = px - data[k, TRANSLATION], py - data[k, TRANSLATION + 1], depth - data[k, TRANSLATION + 2]
        ahead = abs(data[k, 0] * qx + data[k, 3] * qy + data[k, 6] * qz)
        aside = abs(data[k, 1] * qx + data[k, 4] * qy + data[k, 7] * qz)
        soft = data[k, SIZES + 3]
        inside = min(max((data[k, SIZES] - ahead) / soft, 0.0), 1.0)
        inside *= min(max((data[k, SIZES + 1] - aside) / soft, 0.0), 1.0)
        share *= 1 - data[k, SIZES + 4] * inside
    return share


# see ``raycast.fill_hits`` about reference counts
@njit(cache=True, error_model="numpy", nogil=True, _nrt=False)
def shade_ground(
    view: View, ground: Ground, light: Light, maps: NDArray[np.float32], xs: NDArray, ys: NDArray, hits: Hits,
    wanted: NDArray[np.bool_], colours: NDArray[np.float32],
) -> None:  # fmt: skip
    """Fill ``colours`` (M, 3) of the wanted points that show the ground with the light it sends back."""
    c, sun = view.camera, light.sun
    for point in range(xs.shape[0]):
        key = hits.key[point]
        if key >= AIR or not wanted[point]:
            continue
        depth, along, across, piece = hits.depth[point], hits.along[point], hits.across[point], hits.piece[point]
        x, y = xs[point], ys[point]
        dx, dy = (x - view.centre_x) / view.focal, (y - view.centre_y) / view.focal
        # the axes along and across the street: the heading of the piece, turned by its curvature
        turn = ground.pieces[piece, 3] * (along - PIECE * piece)
        cosine = ground.pieces[piece, 4] - ground.pieces[piece, 5] * turn
        sine = ground.pieces[piece, 5] + ground.pieces[piece, 4] * turn
        px, py = c[0, 0] * dx + c[0, 1] * dy + c[0, 2], c[1, 0] * dx + c[1, 1] * dy + c[1, 2]
        pz = c[2, 0] * dx + c[2, 1] * dy + c[2, 2]
        side = 0.0 if key != ON_KERB else (-1.0 if across > 0 else 1.0)
        long, wide, high = footprint(
            depth, view.focal,
            cosine * px + sine * py, cosine * py - sine * px, pz,
            cosine * c[0, 0] + sine * c[1, 0], cosine * c[1, 0] - sine * c[0, 0], c[2, 0],
            cosine * c[0, 1] + sine * c[1, 1], cosine * c[1, 1] - sine * c[0, 1], c[2, 1],
            0.0, side, 1.0 - abs(side),
        )  # fmt: skip
        r, g, b = paint_ground(key, ground, maps, along, across, long, high if key == ON_KERB else wide)
        share = under_bodies(view, x, y, depth)
        lit = sun_reaches(ground.sunlit, along, across, max(long, wide))
        direct = sun[2] * lit * min(1.0, 0.35 + 0.65 * share)
        ambient = share * (0.88 + 0.12 * lit)
        if key == ON_KERB:
            direct = max(side * (cosine * sun[1] - sine * sun[0]), 0.0) * lit
            ambient *= 0.6
        haze = 1 - math.exp(-depth / light.visibility)
        r *= light.sky_colour[0] * ambient + light.sun_colour[0] * direct
        g *= light.sky_colour[1] * ambient + light.sun_colour[1] * direct
        b *= light.sky_colour[2] * ambient + light.sun_colour[2] * direct
        colours[point, 0] = r + (light.horizon[0] - r) * haze
        colours[point, 1] = g + (light.horizon[1] - g) * haze
        colours[point, 2] = b + (light.horizon[2] - b) * haze


@njit(cache=True, error_model="numpy", nogil=True, _nrt=False)
def shade_solids(
    view: View, solids: Solids, light: Light, maps: NDArray[np.float32], xs: NDArray, ys: NDArray, hits: Hits,
    wanted: NDArray[np.bool_], colours: NDArray[np.float32],
) -> None:  # fmt: skip
    """Fill ``colours`` (M, 3) of the wanted points that show solids with the light these send back."""
    data, c = view.data, view.camera
    for point in range(xs.shape[0]):
        if hits.key[point] < 0 or not wanted[point]:
            continue
        k, face, depth = hits.key[point] // 8, hits.key[point] % 8, hits.depth[point]
        n = view.solid[k]
        kind, material = solids.kind[n], solids.material[n]
        dx, dy = (xs[point] - view.centre_x) / view.focal, (ys[point] - view.centre_y) / view.focal
        lx = data[k, 0] * dx + data[k, 3] * dy + data[k, 6]
        ly = data[k, 1] * dx + data[k, 4] * dy + data[k, 7]
        lz = data[k, 2] * dx + data[k, 5] * dy + data[k, 8]
        px, py, pz = data[k, ORIGIN] + depth * lx, data[k, ORIGIN + 1] + depth * ly, data[k, ORIGIN + 2] + depth * lz
        nx, ny, nz = normal_of(kind, data, k, face, px, py, pz)
        if kind in (BALL, FOLIAGE, RING):
            foot_x = foot_y = foot_z = 1.4 * depth / view.focal
        else:
            foot_x, foot_y, foot_z = footprint(
                depth, view.focal, lx, ly, lz, data[k, 0], data[k, 1], data[k, 2], data[k, 3], data[k, 4], data[k, 5],
                nx, ny, nz,
            )  # fmt: skip
        r, g, b = paint_solid(solids, n, maps, face, px, py, pz, foot_x, foot_y, foot_z)
        if material in (CAR_BODY, CAR_SHOULDER, CAR_CABIN):
            if face < LEFT:
                ny += rounded(py, data[k, SIZES + 1], 0.25)
            elif face < TOP:
                nx += rounded(px, data[k, SIZES], 0.3)
            if face < TOP:
                nz += 0.35 * rounded(pz, data[k, SIZES + 2], 0.2)
        # to the camera's frame, then to the world's
        cx = data[k, 0] * nx + data[k, 1] * ny + data[k, 2] * nz
        cy = data[k, 3] * nx + data[k, 4] * ny + data[k, 5] * nz
        cz = data[k, 6] * nx + data[k, 7] * ny + data[k, 8] * nz
        wx = c[0, 0] * cx + c[0, 1] * cy + c[0, 2] * cz
        wy = c[1, 0] * cx + c[1, 1] * cy + c[1, 2] * cz
        wz = c[2, 0] * cx + c[2, 1] * cy + c[2, 2] * cz
        length = max(math.sqrt(wx * wx + wy * wy + wz * wz), 1e-9)
        wz /= length
        facing = (wx * light.sun[0] + wy * light.sun[1]) / length + wz * light.sun[2]
        if material == LEAVES:
            facing = 0.35 + 0.65 * facing  # leaves let light through
        direct, ambient = max(facing, 0.0), 0.68 + 0.32 * wz
        if material == CAR_BODY and face < TOP:
            ambient *= 0.85 + 0.15 * pz / data[k, SIZES + 2]
        haze = 1 - math.exp(-depth / light.visibility)
        r *= light.sky_colour[0] * ambient + light.sun_colour[0] * direct
        g *= light.sky_colour[1] * ambient + light.sun_colour[1] * direct
        b *= light.sky_colour[2] * ambient + light.sun_colour[2] * direct
        colours[point, 0] = r + (light.horizon[0] - r) * haze
        colours[point, 1] = g + (light.horizon[1] - g) * haze
        colours[point, 2] = b + (light.horizon[2] - b) * haze


@njit(cache=True, error_model="numpy", nogil=True, _nrt=False)
def shade_sky(
    view: View, light: Light, maps: NDArray[np.float32], xs: NDArray, ys: NDArray, hits: Hits,
    wanted: NDArray[np.bool_], colours: NDArray[np.float32],
) -> None:  # fmt: skip
    """Fill ``colours`` (M, 3) of the wanted points that show the sky."""
    c = view.camera
    for point in range(xs.shape[0]):
        if hits.key[point] != AIR or not wanted[point]:
            continue
        dx, dy = (xs[point] - view.centre_x) / view.focal, (ys[point] - view.centre_y) / view.focal
        wx, wy = c[0, 0] * dx + c[0, 1] * dy + c[0, 2], c[1, 0] * dx + c[1, 1] * dy + c[1, 2]
        r, g, b = sky(light, maps, wx, wy, c[2, 0] * dx + c[2, 1] * dy + c[2, 2], 1 / view.focal)
        colours[point, 0], colours[point, 1], colours[point, 2] = r, g, b
