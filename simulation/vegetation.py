"""Trees, bushes and hedges."""

import numpy as np

from simulation.solids import BARK, BOX, COLUMN, FOLIAGE, LEAVES, TREE, SolidList

GREENS = [(0.085, 0.13, 0.035), (0.06, 0.11, 0.035), (0.11, 0.14, 0.04), (0.07, 0.10, 0.045), (0.14, 0.12, 0.035)]
"""Linear albedo of leaves."""


def add_tree(solids: SolidList, random: np.random.Generator, x: float, y: float, height: float) -> None:
    """A tree of ``height`` metres: a trunk, and a crown of a dozen overlapping clumps of leaves."""
    radius = height * random.uniform(0.26, 0.36)
    trunk = 0.025 * height + 0.03
    clear = height * random.uniform(0.28, 0.36)
    bark = np.array([0.10, 0.08, 0.06]) * random.uniform(0.7, 1.3)
    solids.add(COLUMN, (trunk, trunk, 0.5 * (clear + 1.5)), (x, y, 0.5 * (clear + 1.5)), BARK, bark, TREE)
    green = np.array(GREENS[random.integers(len(GREENS))]) * random.uniform(0.85, 1.2)
    middle, half = 0.5 * (height + clear), 0.5 * (height - clear)
    clumps = int(11 + height)
    for clump in range(clumps):
        # spread evenly over the sphere (golden angle), then pushed about
        lift = 1 - 2 * (clump + 0.5) / clumps
        angle = 2.39996 * clump + random.uniform(-0.4, 0.4)
        spread = np.sqrt(1 - lift * lift) * random.uniform(0.5, 0.72)
        size = radius * random.uniform(0.36, 0.56)
        centre = (
            x + radius * spread * np.cos(angle),
            y + radius * spread * np.sin(angle),
            middle + half * 0.72 * lift,
        )
        shifts = tuple(random.uniform(0, 1, 2))
        extent = (size, size, size * random.uniform(0.7, 0.95), 0.0, *shifts)
        tone = green * random.uniform(0.82, 1.18)
        turn = random.uniform(0, 6.28)
        solids.add(FOLIAGE, extent, centre, LEAVES, tone, TREE, heading=turn, detail=shifts)
    core = (0.62 * radius, 0.62 * radius, 0.66 * half, 0.0, 0.3, 0.7)
    solids.add(FOLIAGE, core, (x, y, middle), LEAVES, green * 0.6, TREE, detail=(0.5, 0.5))


def add_bush(solids: SolidList, random: np.random.Generator, x: float, y: float, size: float) -> None:
    """A round bush, ``size`` metres high."""
    green = np.array(GREENS[random.integers(len(GREENS))]) * random.uniform(0.8, 1.2)
    for _ in range(4):
        dx, dy = random.uniform(-0.4, 0.4, 2) * size
        shifts = tuple(random.uniform(0, 1, 2))
        extent = (0.5 * size, 0.5 * size, random.uniform(0.35, 0.5) * size, 0.0, *shifts)
        solids.add(FOLIAGE, extent, (x + dx, y + dy, 0.42 * size), LEAVES, green, TREE, detail=shifts)


def add_hedge(solids: SolidList, random: np.random.Generator, place: tuple[float, float, float], length: float) -> None:
    """A clipped hedge at ``place`` (x, y, heading), ``length`` metres long."""
    x, y, heading = place
    height = random.uniform(1.1, 1.9)
    green = np.array(GREENS[random.integers(len(GREENS))])
    size = (length / 2, 0.4, height / 2)
    shifts = tuple(random.uniform(0, 1, 2))
    solids.add(BOX, size, (x, y, height / 2), LEAVES, green, TREE, heading=heading, detail=shifts)
