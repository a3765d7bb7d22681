"""What the town puts along a street: lamps, signs, traffic lights, bollards, bins, fences, walls."""

import numpy as np

from simulation.raycast import KERB_HEIGHT
from simulation.solids import (
    BALL,
    BOARDS,
    BOX,
    COLUMN,
    FENCE,
    LIGHTS,
    METAL,
    PLAIN,
    POLE,
    ROLL,
    SIGN,
    SIGN_SYMBOL,
    SolidList,
    turned,
)

STEEL = (0.16, 0.17, 0.17)
BLUE, YELLOW, RED = (0.02, 0.09, 0.33), (0.75, 0.5, 0.04), (0.5, 0.02, 0.02)


def add_lamp(solids: SolidList, x: float, y: float, towards: float) -> None:
    """A street lamp, its arm in the direction ``towards`` (rad)."""
    height = 7.5
    solids.add(COLUMN, (0.075, 0.075, height / 2), (x, y, height / 2), METAL, STEEL, POLE)
    solids.add(COLUMN, (0.11, 0.11, 0.6), (x, y, 0.7), METAL, STEEL, POLE)
    dx, dy, _ = turned(towards) @ np.array([1.0, 0, 0])
    arm = (x + 0.8 * dx, y + 0.8 * dy, height - 0.05)
    solids.add(BOX, (0.85, 0.04, 0.04), arm, METAL, STEEL, POLE, heading=towards)
    head = (x + 1.7 * dx, y + 1.7 * dy, height - 0.06)
    solids.add(BOX, (0.38, 0.14, 0.07), head, PLAIN, (0.4, 0.4, 0.4), POLE, heading=towards)


def add_round_sign(solids: SolidList, x: float, y: float, heading: float, kind: int) -> None:
    """A round sign on a post that faces drivers who come along ``heading``; kind as of paint_sign."""
    solids.add(COLUMN, (0.035, 0.035, 1.4), (x, y, 1.4), METAL, (0.3, 0.3, 0.31), POLE)
    at = (x - 0.05 * np.cos(heading), y - 0.05 * np.sin(heading), 2.45)
    size = (0.32, 0.015, 0.32)
    turn = heading + np.pi / 2
    solids.add(ROLL, size, at, SIGN, RED, SIGN_SYMBOL, heading=turn, detail=(kind,))


def add_board(solids: SolidList, random: np.random.Generator, x: float, y: float, heading: float) -> None:
    """A board with directions on two posts that faces drivers who come along ``heading``."""
    half = random.uniform(0.7, 1.1)
    colour, kind = (BLUE, 0) if random.random() < 0.6 else (YELLOW, 2)
    for side in (-0.6 * half, 0.6 * half):
        dx, dy, _ = turned(heading) @ np.array([0.06, side, 0])
        solids.add(COLUMN, (0.04, 0.04, 1.6), (x + dx, y + dy, 1.6), METAL, (0.3, 0.3, 0.31), POLE)
    detail = (kind, float(random.integers(1, 99)))
    solids.add(BOX, (0.02, half, 0.55), (x, y, 2.75), SIGN, colour, SIGN_SYMBOL, heading=heading, detail=detail)


def add_traffic_light(solids: SolidList, x: float, y: float, heading: float, lit: int) -> None:
    """A traffic light that faces drivers who come along ``heading``; ``lit``: 0 red, 1 amber, 2 green."""
    solids.add(COLUMN, (0.06, 0.06, 1.6), (x, y, 1.6), METAL, (0.10, 0.11, 0.10), POLE)
    at = (x - 0.12 * np.cos(heading), y - 0.12 * np.sin(heading), 2.85)
    solids.add(BOX, (0.1, 0.16, 0.5), at, LIGHTS, STEEL, SIGN_SYMBOL, heading=heading + np.pi, detail=(lit,))


def add_bollard(solids: SolidList, x: float, y: float) -> None:
    """A low post that keeps cars off the pavement."""
    solids.add(COLUMN, (0.06, 0.06, 0.5), (x, y, KERB_HEIGHT + 0.4), METAL, (0.09, 0.09, 0.1), POLE)
    solids.add(BALL, (0.075, 0.075, 0.06), (x, y, KERB_HEIGHT + 0.93), METAL, (0.09, 0.09, 0.1), POLE)


def add_box(solids: SolidList, random: np.random.Generator, x: float, y: float, heading: float) -> None:
    """A cabinet or bin."""
    colour = [(0.25, 0.26, 0.24), (0.04, 0.10, 0.06), (0.45, 0.33, 0.03), (0.3, 0.05, 0.04)][random.integers(4)]
    tall = random.uniform(0.5, 0.65)
    size = (random.uniform(0.2, 0.5), 0.22, tall)
    solids.add(BOX, size, (x, y, KERB_HEIGHT + tall), PLAIN, colour, POLE, heading=heading)


def add_fence(solids: SolidList, random: np.random.Generator, place: tuple[float, float, float], length: float) -> None:
    """A fence at ``place`` (x, y, heading): boards, a low wall, or a railing of posts and bars."""
    x, y, heading = place
    kind = random.random()
    if kind < 0.4:
        wood = np.array([0.22, 0.15, 0.09]) * random.uniform(0.7, 1.4)
        height = random.uniform(1.2, 1.8)
        size = (length / 2, 0.04, height / 2)
        solids.add(BOX, size, (x, y, height / 2), BOARDS, wood, FENCE, heading=heading)
        return
    if kind < 0.7:
        stone = np.array([0.3, 0.28, 0.25]) * random.uniform(0.8, 1.2)
        solids.add(BOX, (length / 2, 0.15, 0.5), (x, y, 0.5), BOARDS, stone, FENCE, heading=heading)
        solids.add(BOX, (length / 2, 0.2, 0.04), (x, y, 1.04), PLAIN, stone * 1.2, FENCE, heading=heading)
        return
    iron = (0.05, 0.06, 0.055)
    for height in (0.35, 0.75, 1.15):
        solids.add(BOX, (length / 2, 0.025, 0.03), (x, y, height), METAL, iron, FENCE, heading=heading)
    for along in np.linspace(-length / 2, length / 2, max(2, int(length / 1.5))):
        dx, dy, _ = turned(heading) @ np.array([along, 0, 0])
        solids.add(BOX, (0.03, 0.03, 0.62), (x + dx, y + dy, 0.62), METAL, iron, FENCE, heading=heading)
