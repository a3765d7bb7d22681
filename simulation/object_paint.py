"""Colours of things on the street: cars, wheels, leaves, bark, signs, fences, lights."""

import math

from numba import njit
from numpy.typing import NDArray

from simulation.facade_paint import mix
from simulation.raycast import BACK, FRONT, TOP
from simulation.textures import BRICK, CLOUD, GRAIN, LEAF, band, cell, noise, stripe


@njit(error_model="numpy", forceinline=True)
def paint_car_body(
    colour: NDArray, detail: NDArray, size: NDArray, x: float, y: float, z: float, face: int, wide: float
) -> tuple[float, float, float]:
    """The lower half of a car. ``detail``: half the wheel base, seed, wheel radius."""
    r, g, b = colour[0], colour[1], colour[2]
    up = z + size[2]
    if face in (FRONT, BACK):
        trim = band(up, -1.0, 0.12, wide)
        plate = band(y, -0.26, 0.26, wide) * band(up, 0.16, 0.28, wide)
        grille = band(y, -0.5, 0.5, wide) * band(up, 0.28, 0.42, wide) if face == FRONT else 0.0
        lamp = band(abs(y), size[1] - 0.42, size[1] - 0.06, wide) * band(up, 0.30, 0.5, wide)
        dark = max(trim, grille)
        r, g, b = mix(r, 0.02, dark), mix(g, 0.02, dark), mix(b, 0.022, dark)
        letters = 1 - 0.6 * stripe(y, 0.08, 0.0, 0.045, wide) * band(up, 0.19, 0.25, wide)
        r, g, b = mix(r, 0.7 * letters, plate), mix(g, 0.7 * letters, plate), mix(b, 0.62 * letters, plate)
        if face == FRONT:
            return mix(r, 0.75, lamp), mix(g, 0.77, lamp), mix(b, 0.8, lamp)
        return mix(r, 0.42, lamp), mix(g, 0.015, lamp), mix(b, 0.015, lamp)
    if face == TOP:
        return r, g, b
    arch = math.hypot(abs(x) - detail[0], up - 0.08)
    dark = min(max((detail[2] + 0.09 - arch) / max(wide, 0.01) + 0.5, 0.0), 1.0)
    dark = max(dark, band(up, -1.0, 0.09, wide))
    seam = max(band(x, -0.42, -0.40, wide), max(band(x, 0.55, 0.57, wide), band(x, -1.1, -1.085, wide)))
    dark = max(dark, 0.7 * seam)
    return mix(r, 0.015, dark), mix(g, 0.015, dark), mix(b, 0.016, dark)


@njit(error_model="numpy", forceinline=True)
def paint_car_shoulder(
    colour: NDArray, size: NDArray, x: float, y: float, z: float, face: int, wide: float
) -> tuple[float, float, float]:
    """The upper half of a car's body: doors with handles, tail lights, bonnet seams."""
    r, g, b = colour[0], colour[1], colour[2]
    if face == BACK:
        lamp = band(abs(y), size[1] - 0.3, size[1] + 0.1, wide) * band(z, -size[2], 0.5 * size[2], wide)
        return mix(r, 0.42, lamp), mix(g, 0.015, lamp), mix(b, 0.015, lamp)
    if face == TOP:
        dark = 0.6 * max(
            band(abs(y), size[1] - 0.28, size[1] - 0.26, wide), band(x, size[0] - 0.3, size[0] - 0.28, wide)
        )
    elif face == FRONT:
        dark = 0.5 * band(z, size[2] - 0.06, size[2] - 0.03, wide)
    else:
        seam = max(band(x, -0.42, -0.40, wide), max(band(x, 0.55, 0.57, wide), band(x, -1.1, -1.085, wide)))
        handle = max(band(x, -0.32, -0.14, wide), band(x, -1.02, -0.84, wide)) * band(z, 0.02, 0.07, wide)
        dark = max(0.7 * seam, 0.8 * handle)
    return mix(r, 0.02, dark), mix(g, 0.02, dark), mix(b, 0.02, dark)


@njit(error_model="numpy", forceinline=True)
def paint_car_cabin(
    colour: NDArray, size: NDArray, x: float, y: float, z: float, face: int, wide: float
) -> tuple[float, float, float]:
    """Windows between pillars under a painted roof. ``size`` as of the frustum."""
    if face == TOP:
        return colour[0], colour[1], colour[2]
    share = (z + size[2]) / (2 * size[2])
    glass = band(share, 0.08, 0.9, wide / (2 * size[2]))
    if face in (FRONT, BACK):
        half = mix(size[1], size[4], share)
        glass *= band(y, -half + 0.07, half - 0.07, wide)
    else:
        front, back = mix(size[0], size[3] + size[5], share), mix(-size[0], -size[3] + size[5], share)
        glass *= band(x, back + 0.1, front - 0.1, wide)
        middle = 0.5 * (front + back)
        glass *= 1 - band(x, middle - 0.06, middle + 0.05, wide)
    # the sky's mirror image brightens the panes upwards, seats darken them below
    inside = 0.035 + 0.09 * share * share
    if face != FRONT and face != BACK:
        seats = band(share, -1.0, 0.55, 0.1) * stripe(x + 0.2, 1.0, 0.0, 0.45, max(wide, 0.1))
    else:
        seats = band(share, -1.0, 0.6, 0.1) * stripe(y + 0.6, 0.8, 0.0, 0.42, max(wide, 0.1))
    inside *= 1 - 0.6 * seats
    return (
        mix(colour[0], inside * 0.9, glass),
        mix(colour[1], inside, glass),
        mix(colour[2], inside * 1.15, glass),
    )


@njit(error_model="numpy", forceinline=True)
def paint_wheel(size: NDArray, x: float, y: float, z: float, face: int, wide: float) -> tuple[float, float, float]:
    """A tyre with a spoked rim."""
    if face == FRONT:
        return 0.02, 0.02, 0.02
    radius = math.hypot(x, z) / size[0]
    edge = max(wide / size[0], 0.02)
    rim = min(max((0.68 - radius) / edge + 0.5, 0.0), 1.0)
    spokes = 0.5 + 0.5 * math.cos(5 * math.atan2(z, x))
    hub = min(max((0.2 - radius) / edge + 0.5, 0.0), 1.0)
    metal = mix(0.06 + 0.32 * spokes, 0.35, max(hub, min(edge * 3, 1.0)))
    tone = mix(0.022, metal, rim)
    return tone, tone, tone * 1.03


@njit(error_model="numpy", forceinline=True)
def paint_leaves(
    maps: NDArray, colour: NDArray, detail: NDArray, u: float, v: float, height: float, wide: float
) -> tuple[float, float, float]:
    """Leaves at (u, v) metres; ``height`` -1 below to 1 above in the crown."""
    blur = math.log2(wide)
    clump = noise(maps, LEAF, u / 4 + detail[0], v / 4 + detail[1], blur - 2, blur - 2)
    fine = noise(maps, LEAF, u + detail[1], v, blur, blur)
    tone = max(1 + 0.30 * clump + 0.28 * fine, 0.12) * (0.8 + 0.25 * height)
    warm = 1 + 0.12 * clump
    return colour[0] * tone * warm, colour[1] * tone, colour[2] * tone


@njit(error_model="numpy", forceinline=True)
def paint_sign(
    colour: NDArray, detail: NDArray, size: NDArray, y: float, z: float, wide: float
) -> tuple[float, float, float]:
    """``detail[0]``: 0 a blue board with lines of words, 1 a speed limit, 2 yellow board, 3 no entry; 4 its back."""
    kind = int(detail[0])
    if kind == 4:
        return 0.25, 0.25, 0.26
    if kind == 1 or kind == 3:
        radius = math.hypot(y, z) / size[0]
        edge = max(wide / size[0], 0.02)
        inner = min(max((0.78 - radius) / edge + 0.5, 0.0), 1.0)
        if kind == 3:
            bar = band(abs(y), -1.0, 0.65 * size[0], wide) * band(abs(z), -1.0, 0.16 * size[0], wide)
            return mix(0.5, 0.75, bar), mix(0.02, 0.75, bar), mix(0.02, 0.75, bar)
        digits = band(abs(abs(y) - 0.2 * size[0]), 0.08 * size[0], 0.17 * size[0], wide)
        digits *= band(abs(z), -1.0, 0.36 * size[0], wide)
        tone = 0.78 * (1 - 0.95 * digits)
        return mix(0.5, tone, inner), mix(0.02, tone, inner), mix(0.02, tone, inner)
    border = band(abs(y), size[1] - 0.08, size[1] - 0.04, wide) * band(abs(z), -1, size[2] - 0.04, wide)
    border = max(border, band(abs(z), size[2] - 0.08, size[2] - 0.04, wide) * band(abs(y), -1, size[1] - 0.04, wide))
    row = math.floor((z + size[2]) / 0.3)
    words = stripe(z + size[2], 0.3, 0.1, 0.22, wide) * stripe(y, 0.12, 0, 0.075, wide)
    words *= band(y, -0.8 * size[1], size[1] * (0.8 - 0.9 * cell(row, int(detail[1]), 3)), wide)
    white = max(border, words * band(abs(z), -1, size[2] - 0.12, wide))
    ink = 0.02 if kind == 2 else 0.8
    return mix(colour[0], ink, white), mix(colour[1], ink, white), mix(colour[2], ink, white)


@njit(error_model="numpy", forceinline=True)
def paint_boards(
    maps: NDArray, colour: NDArray, u: float, v: float, wide: float, high: float
) -> tuple[float, float, float]:
    """Upright boards with dark gaps, each of its own tone, and the grain of wood."""
    width = 0.16
    number = math.floor(u / width)
    sharp = min(max(1.5 - wide / width, 0.0), 1.0)
    tone = 1 + 0.35 * sharp * (cell(number, 3, 1) - 0.5)
    blur_u, blur_v = math.log2(wide), math.log2(high)
    tone *= 1 + 0.12 * noise(maps, GRAIN, u, v / 4, blur_u, blur_v - 2)
    tone *= 1 + 0.14 * noise(maps, CLOUD, u / 8, v / 8, blur_u - 3, blur_v - 3)
    tone *= 1 - 0.75 * stripe(u, width, 0, 0.02, wide)
    return colour[0] * tone, colour[1] * tone, colour[2] * tone


@njit(error_model="numpy", forceinline=True)
def paint_bark(maps: NDArray, colour: NDArray, u: float, v: float, wide: float) -> tuple[float, float, float]:
    """Bark at ``u`` around and ``v`` up the trunk."""
    blur = math.log2(wide)
    tone = 1 + 0.35 * noise(maps, GRAIN, u, v / 4, blur, blur - 2)
    tone += 0.15 * noise(maps, BRICK, u / 2, v / 2, blur - 1, blur - 1)
    tone = max(tone, 0.2)
    return colour[0] * tone, colour[1] * tone, colour[2] * tone


@njit(error_model="numpy", forceinline=True)
def paint_lorry(
    colour: NDArray, detail: NDArray, size: NDArray, x: float, y: float, z: float, face: int, wide: float
) -> tuple[float, float, float]:
    """The box of a van or lorry: a coloured band with a word on its sides, doors and lights at its back."""
    r, g, b = colour[0], colour[1], colour[2]
    if face == TOP:
        return r, g, b
    if face in (BACK, FRONT):
        seam = max(band(y, -0.015, 0.015, wide), band(abs(y), size[1] - 0.05, size[1], wide))
        lamp = band(abs(y), size[1] - 0.22, size[1] - 0.05, wide) * band(z, -size[2], -size[2] + 0.3, wide)
        r, g, b = mix(r, 0.05, seam), mix(g, 0.05, seam), mix(b, 0.05, seam)
        return mix(r, 0.4, lamp), mix(g, 0.02, lamp), mix(b, 0.02, lamp)
    hue = cell(int(detail[1]), 1, 2)
    strip = band(z, -0.25 * size[2], 0.35 * size[2], wide)
    word = strip * band(z, -0.12 * size[2], 0.22 * size[2], wide) * stripe(x, 0.5, 0, 0.32, wide)
    word *= band(abs(x), -1, 0.6 * size[0], wide)
    r, g, b = mix(r, 0.08 + 0.4 * hue, strip), mix(g, 0.12, strip), mix(b, 0.5 * (1 - hue), strip)
    return mix(r, 0.8, word), mix(g, 0.8, word), mix(b, 0.8, word)


@njit(error_model="numpy", forceinline=True)
def paint_lights(
    size: NDArray, detail: NDArray, y: float, z: float, face: int, wide: float
) -> tuple[float, float, float]:
    """A traffic light's box: three lamps, ``detail[0]`` says which one is lit."""
    if face != FRONT:
        return 0.03, 0.035, 0.03
    lit = int(detail[0])
    for lamp in range(3):
        centre = (1 - lamp) * 0.3
        if math.hypot(y, z - centre) < 0.1:
            glow = 1.0 if lamp == lit else 0.12
            return (
                (0.9 if lamp < 2 else 0.1) * glow,
                (0.1 if lamp == 0 else 0.75) * glow,
                (0.4 if lamp == 2 else 0.05) * glow,
            )
    return 0.03, 0.035, 0.03
