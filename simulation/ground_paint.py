"""Colours of the ground: asphalt with cracks, patches and markings, kerb stones, paving slabs, grass."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulation.raycast import ON_GRASS, ON_KERB, ON_ROAD, Ground
from simulation.textures import BRICK, CLOUD, CRACK, GRAIN, LEAF, band, cell, noise, stripe

LANE_EDGE = 3.45
"""Metres from the centre line to the line along the parked cars."""
ZEBRA_LENGTH = 3.2
"""Metres of a zebra crossing along the street."""


@njit(error_model="numpy", forceinline=True)
def markings(ground: Ground, s: float, d: float, long: float, wide: float) -> float:
    """Coverage in [0, 1] by white paint at (s, d) under a footprint of ``long`` x ``wide`` metres."""
    metre = min(max(int(s), 0), ground.verge.shape[1] - 1)
    beside = 0 if d > 0 else 1
    paint = stripe(s, 9.0, 0.0, 4.0, long) * band(d, -0.07, 0.07, wide)
    if ground.verge[beside, metre] != 2:
        edge = band(abs(d), LANE_EDGE - 0.06, LANE_EDGE + 0.06, wide)
        bays = stripe(s, 6.2, 0.0, 0.1, long) * band(abs(d), LANE_EDGE, ground.half_road - 0.1, wide)
        paint = max(paint, max(edge, 0.8 * bays))
    for i in range(ground.crossing.shape[0]):
        start = ground.crossing[i]
        if s < start - 5 - long or s > start + ZEBRA_LENGTH + 5 + long:
            continue
        zebra = band(s, start, start + ZEBRA_LENGTH, long)
        bars = stripe(d + 0.25, 1.0, 0.0, 0.5, wide) * band(abs(d), -1.0, ground.half_road - 0.4, wide)
        paint = paint * (1 - band(s, start - 0.8, start + ZEBRA_LENGTH + 0.8, long))
        stop = band(s, start - 1.6, start - 1.2, long) * band(d, -LANE_EDGE, -0.1, wide)
        stop = max(
            stop, band(s, start + ZEBRA_LENGTH + 1.2, start + ZEBRA_LENGTH + 1.6, long) * band(d, 0.1, 3.4, wide)
        )
        paint = max(paint, max(zebra * bars, stop))
    return paint


@njit(error_model="numpy", forceinline=True)
def asphalt(
    ground: Ground, maps: NDArray[np.float32], s: float, d: float, long: float, wide: float
) -> tuple[float, float, float]:
    """Linear albedo of the road."""
    blur_s, blur_d = math.log2(long), math.log2(wide)
    fine = noise(maps, GRAIN, s / 2, d / 2, blur_s - 1, blur_d - 1)
    coarse = noise(maps, GRAIN, s / 8 + 0.3, d / 8, blur_s - 3, blur_d - 3)
    stain = noise(maps, CLOUD, s / 32, d / 8 + 0.2, blur_s - 5, blur_d - 3)
    crack = noise(maps, CRACK, s / 16, d / 16 + 0.4, blur_s - 4, blur_d - 4)
    patch = 0.0
    row, column = math.floor(s / 7.0), math.floor((d + 60.0) / 2.9)
    if cell(row, column, 3) < 0.16:
        inside_s, inside_d = s - 7.0 * row, d + 60.0 - 2.9 * column
        first, last = 1.0 + 2.0 * cell(row, column, 5), 4.0 + 2.5 * cell(row, column, 6)
        filled = band(inside_s, first, last, long) * band(inside_d, 0.3, 2.4, wide)
        core = band(inside_s, first + 0.07, last - 0.07, long) * band(inside_d, 0.37, 2.33, wide)
        patch = (0.5 * cell(row, column, 7) - 0.3) * filled - 0.3 * (filled - core)
    lid_dark, lid_d = 0.0, d + 1.1
    if abs(lid_d) < 0.5:
        lid_s = s - 23.0 * math.floor(s / 23.0) - 11.0
        lid, edge = math.sqrt(lid_s * lid_s + lid_d * lid_d), max(long, wide, 0.01)
        cover = min(max((0.36 - lid) / edge + 0.5, 0.0), 1.0)
        ring = cover - min(max((0.31 - lid) / edge + 0.5, 0.0), 1.0)
        studs = stripe(s, 0.1, 0.0, 0.05, long) * stripe(d, 0.1, 0.0, 0.05, wide)
        lid_dark = -0.35 * cover - 0.3 * ring + 0.25 * cover * studs
    # tyres polish two tracks, oil drips between them
    lane = abs(abs(d) - 1.75)
    tracks = -0.07 * max(0.0, 1 - ((lane - 0.8) / 0.5) ** 2) - 0.12 * max(0.0, 1 - (lane / 0.6) ** 2)
    texture = 0.13 * fine + 0.08 * coarse + 0.14 * stain + 0.75 * crack + tracks + patch + lid_dark
    tone = 0.125 * max(1.0 + ground.asphalt * texture, 0.15)
    paint = markings(ground, s, d, long, wide)
    if paint > 0:
        worn = min(max(0.86 + 0.16 * stain + 0.10 * fine + 0.4 * crack, 0.2), 1.0)
        tone += (0.62 - tone) * paint * worn
    return tone * 1.02, tone, tone * 0.985


@njit(error_model="numpy", forceinline=True)
def paving(
    ground: Ground, maps: NDArray[np.float32], s: float, d: float, long: float, wide: float
) -> tuple[float, float, float]:
    """Linear albedo of the pavement: kerb stones, then slabs."""
    aside = abs(d) - ground.half_road
    side = 1 if d > 0 else 2
    metre = min(max(int(s), 0), ground.verge.shape[1] - 1)
    blur_s, blur_d = math.log2(long), math.log2(wide)
    fine = noise(maps, GRAIN, s, d, blur_s, blur_d)
    stain = noise(maps, CLOUD, s / 16, d / 8, blur_s - 4, blur_d - 3)
    kerb = band(aside, -1.0, 0.16, wide)
    if ground.verge[2 - side if side == 2 else 0, metre] == 2:
        kerb = 0.0
    slab_s, slab_d = 0.75, 0.5
    row, column = math.floor(s / slab_s), math.floor(aside / slab_d)
    sharp = min(max(1.0 - 0.8 * max(long / slab_s, wide / slab_d), 0.0), 1.0)
    tone = 0.27 * (1 + 0.10 * fine + 0.13 * stain + 0.28 * sharp * (cell(row, column, side) - 0.5))
    joint = max(stripe(s, slab_s, 0.0, 0.018, long), stripe(aside, slab_d, 0.0, 0.018, wide))
    tone *= 1 - 0.55 * joint
    stone = 0.36 * (1 + 0.08 * fine + 0.1 * stain) * (1 - 0.5 * stripe(s, 1.0, 0.0, 0.02, long))
    tone += (stone - tone) * kerb
    return tone * 1.03, tone, tone * 0.94


@njit(error_model="numpy", forceinline=True)
def grass(maps: NDArray[np.float32], s: float, d: float, long: float, wide: float) -> tuple[float, float, float]:
    """Linear albedo of a lawn."""
    blur_s, blur_d = math.log2(long), math.log2(wide)
    fine = noise(maps, LEAF, s, d, blur_s, blur_d)
    patchy = noise(maps, CLOUD, s / 8, d / 8, blur_s - 3, blur_d - 3)
    tone = 0.13 * (1 + 0.32 * fine + 0.25 * patchy)
    return tone * (0.75 + 0.12 * patchy), tone, tone * 0.38


@njit(error_model="numpy", forceinline=True)
def paint_ground(
    key: int, ground: Ground, maps: NDArray[np.float32], s: float, d: float, long: float, wide: float
) -> tuple[float, float, float]:
    """Linear albedo (red, green, blue) at ``s`` metres along and ``d`` across, over a footprint in metres."""
    if key == ON_ROAD:
        return asphalt(ground, maps, s, d, long, wide)
    if key == ON_GRASS:
        return grass(maps, s, d, long, wide)
    if key == ON_KERB:
        fine = noise(maps, BRICK, s / 2, 0.3, math.log2(long) - 1, -4.0)
        tone = 0.26 * (1 + 0.1 * fine) * (1 - 0.4 * stripe(s, 1.0, 0.0, 0.02, long))
        return tone, tone, tone * 0.96
    return paving(ground, maps, s, d, long, wide)
