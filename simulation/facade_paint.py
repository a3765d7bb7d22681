"""Colours of facades and roofs: walls, windows with frames and sills, shop fronts, doors."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulation.textures import BRICK, CLOUD, GRAIN, band, cell, noise, stripe

PLASTER, BRICKS, CONCRETE, GLASS = range(4)
"""Styles of walls."""


@njit(error_model="numpy", forceinline=True)
def mix(a: float, b: float, share: float) -> float:
    """``a`` where ``share`` is 0, ``b`` where it is 1."""
    return a + (b - a) * share


@njit(error_model="numpy", forceinline=True)
def wall(style: int, maps: NDArray[np.float32], u: float, v: float, wide: float, high: float, shift: float) -> float:
    """Relative brightness of the bare wall."""
    blur_u, blur_v = math.log2(wide), math.log2(high)
    stain = noise(maps, CLOUD, u / 8 + shift, v / 16, blur_u - 3, blur_v - 4)
    fine = noise(maps, GRAIN, u / 2 + shift, v / 2, blur_u - 1, blur_v - 1)
    tone = 1 + 0.09 * stain + 0.05 * fine - 0.22 * math.exp(-v / 0.9)
    if style == BRICKS:
        tone += 0.17 * noise(maps, BRICK, u / 2, v / 1.25, blur_u - 1, blur_v - 0.322)
    elif style == CONCRETE:
        joints = max(stripe(u, 2.4, 0, 0.03, wide), stripe(v, 1.5, 0, 0.03, high))
        tone -= 0.22 * joints
    return tone


@njit(error_model="numpy", forceinline=True)
def shop(
    maps: NDArray[np.float32], u: float, v: float, wide: float, high: float, top: float, seed: int, colour: NDArray
) -> tuple[float, float, float]:
    """A shop front: stall riser, display windows between pillars, a door, a coloured sign above with letters."""
    front = 6.5
    number = math.floor(u / front)
    hue = cell(number, seed, 11)
    inside = u - front * number
    pillar = 1 - band(inside, 0.25, front - 0.25, wide)
    glass = stripe(inside - 0.3, 1.95, 0.06, 1.89, wide) * band(v, 0.55, top - 0.95, high)
    door = band(inside, 2.3, 3.5, wide) * band(v, 0.1, top - 0.95, high)
    sign = band(inside, 0.3, front - 0.3, wide) * band(v, top - 0.8, top - 0.15, high)
    word = band(inside, 1.2, 1.2 + 1.5 + 2.5 * cell(number, seed, 12), wide) * band(v, top - 0.65, top - 0.3, high)
    stroke = stripe(inside, 0.34, 0, 0.2, wide) * (0.7 + 0.3 * stripe(v, 0.16, 0, 0.08, high))
    blur_u, blur_v = math.log2(wide), math.log2(high)
    clutter = noise(maps, CLOUD, u / 4 + 0.37 * seed, v / 4, blur_u - 2, blur_v - 2)
    shelf = noise(maps, BRICK, u / 8, v / 8, blur_u - 3, blur_v - 3)
    tone = 0.55 * (0.9 + 0.2 * hue)
    r, g, b = colour[0] * tone, colour[1] * tone, colour[2] * tone
    inner = max(0.075 + 0.05 * clutter + 0.035 * shelf, 0.015)
    r, g, b = mix(r, inner * 1.1, glass), mix(g, inner, glass), mix(b, inner * 0.95, glass)
    r, g, b = mix(r, 0.06 + 0.1 * hue, door), mix(g, 0.05, door), mix(b, 0.05, door)
    sr, sg, sb = 0.05 + 0.4 * hue * hue, 0.06 + 0.22 * abs(hue - 0.5), 0.05 + 0.35 * (1 - hue) ** 2
    r, g, b = mix(r, sr, sign), mix(g, sg, sign), mix(b, sb, sign)
    r, g, b = mix(r, 0.75, word * stroke), mix(g, 0.73, word * stroke), mix(b, 0.66, word * stroke)
    r, g, b = mix(r, colour[0], pillar), mix(g, colour[1], pillar), mix(b, colour[2], pillar)
    return r, g, b


@njit(error_model="numpy", forceinline=True)
def paint_facade(
    maps: NDArray[np.float32],
    colour: NDArray[np.float64],
    detail: NDArray[np.float64],
    u: float,
    v: float,
    wide: float,
    high: float,
    length: float,
    height: float,
    face: int,
) -> tuple[float, float, float]:
    """Linear albedo at ``u`` metres along a facade of ``length`` and ``v`` metres up, over a footprint in metres.

    ``detail``: bay width, storey height, window width and height as shares of these, style, seed, height of the
    shops (0 = none), tone of the frames.
    """
    style, seed = int(detail[4]), int(detail[5]) + 7 * face
    bays = max(1, int(length / detail[0] + 0.5))
    bay, storey = length / bays, detail[1]
    tone = wall(style, maps, u, v, wide, high, 0.13 * seed)
    r, g, b = colour[0] * tone, colour[1] * tone, colour[2] * tone
    ground_floor = detail[6]
    if ground_floor > 0 and v < ground_floor:
        return shop(maps, u, v, wide, high, ground_floor, seed, colour)
    level = v - ground_floor
    storeys = max(1, int((height - ground_floor - 0.3) / storey))
    half = 0.5 * detail[2] * bay
    sill = 0.30 * storey
    top = sill + detail[3] * storey
    x = u - bay * (math.floor(u / bay) + 0.5)
    within = band(level, 0.0, storeys * storey, high)
    # bands through the middle of the bay, stripes over the storeys
    around = band(x, -half - 0.14, half + 0.14, wide) * stripe(level, storey, sill - 0.12, top + 0.16, high) * within
    opening = band(x, -half, half, wide) * stripe(level, storey, sill, top, high) * within
    ledge = band(x, -half - 0.2, half + 0.2, wide) * stripe(level, storey, sill - 0.14, sill - 0.02, high) * within
    pane = band(x, -half + 0.07, half - 0.07, wide) * stripe(level, storey, sill + 0.07, top - 0.07, high)
    bars = 1 - band(x, -0.035, 0.035, wide)
    if detail[3] > 0.5:
        bars *= 1 - stripe(level, storey, top - 0.6, top - 0.54, high)
    pane *= bars * within
    column, row = math.floor(u / bay), math.floor(level / storey)
    sharp = min(max(1.6 - 0.8 * max(wide / bay, high / storey) * 2, 0.0), 1.0)
    chance = mix(0.5, cell(column, row, seed), sharp)
    rise = (level - storey * row - sill) / max(top - sill, 0.1)
    glass = 0.055 + 0.13 * max(chance - 0.45, 0.0) + 0.05 * min(max(rise, 0.0), 1.0) * sharp
    curtain = 0.0
    if chance > 0.62:
        curtain = (0.75 * sharp) * (1 - band(x, -half * 0.45, half * 0.45, wide))
    elif chance < 0.15:
        curtain = 0.8 * sharp * (1.0 if rise > 0.45 else 0.0)
    lintel = stripe(level, storey, top - 0.14, top, high) * opening
    frame = detail[7]
    if style == GLASS:
        glass = 0.10 + 0.12 * chance + 0.05 * rise * sharp
        curtain *= 0.3
    surround = 0.0 if style == GLASS else 0.5 * (around - opening)
    r, g, b = mix(r, 1.25 * r + 0.05, surround), mix(g, 1.25 * g + 0.05, surround), mix(b, 1.25 * b + 0.05, surround)
    r, g, b = mix(r, frame, opening), mix(g, frame, opening), mix(b, frame, opening)
    r = mix(r, mix(glass * 0.85, 0.42, curtain), pane)
    g = mix(g, mix(glass, 0.40, curtain), pane)
    b = mix(b, mix(glass * 1.2, 0.36, curtain), pane)
    dark = (1 - 0.6 * lintel) * (1 - 0.25 * stripe(level, storey, sill - 0.24, sill - 0.14, high) * (ledge > 0))
    r, g, b = r * dark, g * dark, b * dark
    light = 0.6 * ledge
    r, g, b = mix(r, 0.42, light), mix(g, 0.41, light), mix(b, 0.38, light)
    if ground_floor == 0:
        door = band(u, 0.45 * bay, 0.45 * bay + 1.1, wide) * band(v, 0.0, 2.2, high)
        hue = cell(seed, 5, 9)
        r, g, b = mix(r, 0.06 + 0.25 * hue, door), mix(g, 0.08, door), mix(b, 0.05 + 0.18 * (1 - hue), door)
    eaves = 1 - 0.35 * band(v, height - 0.5, height, high)
    return r * eaves, g * eaves, b * eaves


@njit(error_model="numpy", forceinline=True)
def paint_roof(
    maps: NDArray[np.float32], colour: NDArray[np.float64], u: float, v: float, wide: float, high: float
) -> tuple[float, float, float]:
    """Linear albedo of tiles at ``u`` along and ``v`` up the slope."""
    rows = stripe(v, 0.35, 0, 0.06, high)
    blur_u, blur_v = math.log2(wide), math.log2(high)
    stain = noise(maps, CLOUD, u / 8, v / 8, blur_u - 3, blur_v - 3)
    fine = noise(maps, BRICK, u / 4, v / 4, blur_u - 2, blur_v - 2)
    tone = (1 + 0.12 * stain + 0.1 * fine) * (1 - 0.4 * rows)
    return colour[0] * tone, colour[1] * tone, colour[2] * tone
