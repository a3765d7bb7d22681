"""Pedestrians and cyclists, in a frame whose x axis points forward and whose origin is on the ground."""

import numpy as np

from simulation.solids import (
    BALL,
    BICYCLIST,
    BOX,
    FRUSTUM,
    METAL,
    PEDESTRIAN,
    PLAIN,
    RING,
    SHADE,
    VOID,
    SolidList,
)
from simulation.vehicles import Extent

CLOTHES = [(0.03, 0.04, 0.10), (0.03, 0.03, 0.03), (0.30, 0.05, 0.04), (0.35, 0.33, 0.28), (0.12, 0.15, 0.10),
           (0.08, 0.16, 0.28), (0.45, 0.36, 0.10), (0.16, 0.12, 0.09), (0.5, 0.5, 0.48)]  # fmt: skip
TROUSERS = [(0.03, 0.035, 0.06), (0.025, 0.025, 0.025), (0.18, 0.15, 0.11), (0.06, 0.08, 0.13)]
SKIN = [(0.50, 0.32, 0.22), (0.36, 0.21, 0.14), (0.16, 0.09, 0.06)]
HAIR = [(0.03, 0.02, 0.015), (0.10, 0.06, 0.03), (0.3, 0.22, 0.12)]


def add_pedestrian(solids: SolidList, random: np.random.Generator, body: int) -> Extent:
    """Someone walking: legs and arms swing with the way gone."""
    scale = random.uniform(0.92, 1.06)
    coat, trousers = CLOTHES[random.integers(len(CLOTHES))], TROUSERS[random.integers(len(TROUSERS))]
    skin, hair = SKIN[random.integers(len(SKIN))], HAIR[random.integers(len(HAIR))]
    phase = random.uniform(0, 6.28)
    add_figure(solids, body, scale, coat, trousers, skin, hair, phase)
    solids.add(SHADE, (0.35, 0.35, 0.1, 0.3, 0.45), (0, 0, 0.02), PLAIN, (0, 0, 0), VOID, body=body)
    return 0.7 * scale, 0.55 * scale, 1.76 * scale


def add_figure(
    solids: SolidList, body: int, scale: float, coat: tuple, trousers: tuple, skin: tuple, hair: tuple, phase: float
) -> None:
    """Head, neck, trunk, hips, arms and legs of a walker ``1.76 * scale`` metres tall."""

    def part(kind: int, size: tuple, at: tuple, colour: tuple, swing: tuple = (0, 0, 0, 0)) -> None:
        scaled = tuple(scale * value for value in size)
        where = (scale * at[0], scale * at[1], scale * at[2])
        solids.add(kind, scaled, where, PLAIN, colour, PEDESTRIAN, body=body, swing=swing)

    part(BALL, (0.10, 0.085, 0.125), (0.02, 0, 1.63), skin)
    part(BALL, (0.11, 0.095, 0.11), (-0.012, 0, 1.67), hair)
    part(BOX, (0.05, 0.05, 0.06), (0, 0, 1.48), skin)
    part(FRUSTUM, (0.12, 0.17, 0.30, 0.115, 0.22, 0.0), (0, 0, 1.14), coat)
    part(BALL, (0.115, 0.22, 0.09), (0, 0, 1.43), coat)
    part(BALL, (0.13, 0.175, 0.15), (0, 0, 0.87), trousers)
    stride = 2 * np.pi / 1.4
    for side in (-1, 1):
        leg, arm = (0.42 * side, phase, 0.42 * scale, stride), (-0.38 * side, phase, 0.30 * scale, stride)
        part(FRUSTUM, (0.055, 0.05, 0.42, 0.085, 0.08, 0.0), (0, 0.09 * side, 0.45), trousers, leg)
        part(
            BOX,
            (0.12, 0.045, 0.04),
            (0.05, 0.09 * side, 0.04),
            (0.02, 0.02, 0.02),
            (leg[0], phase, 0.83 * scale, stride),
        )
        part(FRUSTUM, (0.04, 0.04, 0.30, 0.055, 0.05, 0.0), (0, 0.265 * side, 1.13), coat, arm)
        part(BALL, (0.045, 0.035, 0.06), (0, 0.265 * side, 0.80), skin, (arm[0], phase, 0.63 * scale, stride))


def add_cyclist(solids: SolidList, random: np.random.Generator, body: int) -> Extent:
    """A rider on a bicycle; the legs pedal."""
    coat, trousers = CLOTHES[random.integers(len(CLOTHES))], TROUSERS[random.integers(len(TROUSERS))]
    frame = CLOTHES[random.integers(len(CLOTHES))]
    skin, phase = SKIN[random.integers(len(SKIN))], random.uniform(0, 6.28)
    helmet = (0.55, 0.55, 0.5) if random.random() < 0.5 else (0.03, 0.02, 0.015)

    def part(kind: int, size: tuple, at: tuple, colour: tuple, tilt: float = 0.0, swing: tuple = (0, 0, 0, 0)) -> None:
        material = METAL if kind in (RING, BOX) else PLAIN
        solids.add(kind, size, at, material, colour, BICYCLIST, body=body, tilt=tilt, swing=swing)

    for x in (-0.52, 0.52):
        part(RING, (0.345, 0.02, 0.30), (x, 0, 0.345), (0.02, 0.02, 0.02))
        part(BOX, (0.03, 0.04, 0.03), (x, 0, 0.345), (0.3, 0.3, 0.3))
    part(BOX, (0.30, 0.02, 0.02), (0.10, 0, 0.80), frame)
    part(BOX, (0.33, 0.02, 0.02), (0.16, 0, 0.55), frame, -0.85)
    part(BOX, (0.28, 0.02, 0.02), (-0.16, 0, 0.58), frame, 1.25)
    part(BOX, (0.24, 0.02, 0.015), (-0.30, 0, 0.34), frame)
    part(BOX, (0.36, 0.02, 0.02), (0.46, 0, 0.68), frame, 1.25)
    part(BOX, (0.03, 0.26, 0.02), (0.36, 0, 1.05), (0.04, 0.04, 0.04))
    part(BOX, (0.12, 0.07, 0.03), (-0.25, 0, 0.90), (0.02, 0.02, 0.02))
    part(BALL, (0.15, 0.17, 0.14), (-0.22, 0, 1.00), trousers)
    part(FRUSTUM, (0.11, 0.16, 0.28, 0.11, 0.20, 0.0), (-0.06, 0, 1.24), coat, 0.55)
    part(BALL, (0.13, 0.21, 0.10), (0.07, 0, 1.44), coat)
    part(BALL, (0.10, 0.085, 0.125), (0.17, 0, 1.62), skin)
    part(BALL, (0.125, 0.10, 0.10), (0.15, 0, 1.68), helmet)
    for side in (-1, 1):
        part(FRUSTUM, (0.045, 0.045, 0.27, 0.05, 0.05, 0.0), (0.22, 0.21 * side, 1.24), coat, -0.75)
        pedal = (0.32 * side, phase, 0.32, 2 * np.pi / 5.0)
        part(FRUSTUM, (0.05, 0.05, 0.38, 0.085, 0.08, 0.0), (-0.06, 0.10 * side, 0.62), trousers, -0.25, pedal)
        part(
            BOX,
            (0.11, 0.045, 0.035),
            (0.04, 0.10 * side, 0.24),
            (0.02, 0.02, 0.02),
            0.0,
            (pedal[0], phase, 0.7, pedal[3]),
        )
    solids.add(SHADE, (0.9, 0.3, 0.1, 0.3, 0.45), (0, 0, 0.02), PLAIN, (0, 0, 0), VOID, body=body)
    return 1.75, 0.6, 1.8
