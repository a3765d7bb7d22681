"""Cars, vans, lorries and buses, built of tapered boxes and wheels in a frame whose x axis points forward."""

import numpy as np

from simulation.solids import (
    BOX,
    CAR,
    CAR_BODY,
    CAR_CABIN,
    CAR_SHOULDER,
    FRUSTUM,
    LORRY,
    PLAIN,
    ROLL,
    SHADE,
    VOID,
    WHEEL,
    SolidList,
)

PAINTS = [
    (0.6, 0.6, 0.6), (0.55, 0.56, 0.57), (0.03, 0.03, 0.033), (0.05, 0.055, 0.06), (0.12, 0.125, 0.13),
    (0.3, 0.31, 0.32), (0.02, 0.05, 0.16), (0.30, 0.02, 0.02), (0.16, 0.02, 0.025), (0.05, 0.10, 0.16),
    (0.10, 0.13, 0.09), (0.35, 0.28, 0.19),
]  # fmt: skip
"""Linear albedo: mostly white, silver, grey and black, as in any street."""

Extent = tuple[float, float, float]
"""Length, width, height in metres."""


def add_car(solids: SolidList, random: np.random.Generator, body: int) -> Extent:
    """A saloon, hatchback or sport utility car."""
    colour = np.array(PAINTS[random.integers(len(PAINTS))])
    shape = random.choice(3, p=[0.35, 0.4, 0.25])
    length, width = [(4.6, 1.80), (4.0, 1.74), (4.5, 1.86)][shape]
    length, tall = length + random.uniform(-0.15, 0.15), [1.43, 1.47, 1.68][shape]
    waist, floor, wheel = [0.88, 0.90, 1.02][shape], [0.18, 0.18, 0.24][shape], [0.31, 0.30, 0.35][shape]
    half, side, step = length / 2, width / 2, 0.30 + 0.35 * waist
    axle = 0.30 * length
    detail = (axle, float(random.integers(1, 999)), wheel)

    def frustum(size: tuple[float, ...], at: tuple[float, float, float], material: int) -> None:
        solids.add(FRUSTUM, size, at, material, colour, CAR, body=body, detail=detail)

    lower = 0.5 * (step - floor)
    frustum((half - 0.06, side - 0.03, lower, half, side, 0.0), (0, 0, floor + lower), CAR_BODY)
    upper = 0.5 * (waist - step)
    nose = 0.14 if shape != 2 else 0.07
    frustum((half, side, upper, half - nose, side - 0.07, -0.04), (0, 0, step + upper), CAR_SHOULDER)
    # the cabin: from the foot of the windscreen to the rear window, (front, back) below and above
    below = [(0.17, -0.42), (0.20, -0.48), (0.20, -0.485)][shape]
    above = [(-0.01, -0.27), (0.02, -0.40), (0.05, -0.43)][shape]
    cabin = 0.5 * (tall - waist)
    bottom, top = 0.5 * (below[0] - below[1]) * length, 0.5 * (above[0] - above[1]) * length
    middle, over = 0.5 * (below[0] + below[1]) * length, 0.5 * (above[0] + above[1]) * length
    size = (bottom, side - 0.08, cabin, top, side - 0.27, over - middle)
    frustum(size, (middle, 0, waist + cabin), CAR_CABIN)
    add_wheels(solids, body, axle, side, wheel)
    for mirror in (-1, 1):
        at = (middle + 0.5 * bottom, mirror * (side + 0.06), waist + 0.07)
        solids.add(BOX, (0.07, 0.09, 0.06), at, PLAIN, colour, CAR, body=body)
    add_shade(solids, body, half, side)
    return length, width, tall


def add_wheels(solids: SolidList, body: int, axle: float, side: float, radius: float) -> None:
    """Four wheels, a centimetre proud of the body."""
    for x in (-axle, axle):
        for y in (-1, 1):
            at = (x, y * (side - 0.09), radius)
            solids.add(ROLL, (radius, 0.105, radius), at, WHEEL, (0.1, 0.1, 0.1), CAR, body=body)


def add_shade(solids: SolidList, body: int, half: float, side: float, dark: float = 0.8) -> None:
    """The dark ground under a body."""
    size = (half + 0.35, side + 0.35, 0.2, 0.55, dark)
    solids.add(SHADE, size, (0, 0, 0.05), PLAIN, (0, 0, 0), VOID, body=body)


def add_lorry(solids: SolidList, random: np.random.Generator, body: int, large: bool) -> Extent:
    """A delivery van, or a lorry with a high box (``large``)."""
    length, width, tall = (7.5, 2.35, 3.3) if large else (5.3, 2.0, 2.35)
    half, side, floor = length / 2, width / 2, 0.35
    cab = 1.7 if large else 1.6
    white = np.array([0.6, 0.6, 0.58]) * random.uniform(0.8, 1.1)
    detail = (0.30 * length, float(random.integers(1, 999)), 0.42)
    box = length - cab
    size = (box / 2, side, 0.5 * (tall - 0.75))
    at = (-half + box / 2, 0, 0.75 + size[2])
    solids.add(BOX, size, at, LORRY, white, CAR, body=body, detail=detail)
    chassis = (half - 0.05, side - 0.04, 0.22, half, side - 0.02, 0.0)
    solids.add(FRUSTUM, chassis, (0, 0, floor + 0.22), CAR_BODY, white, CAR, body=body, detail=detail)
    high = 2.4 if large else 2.1
    cabin = (cab / 2 + 0.04, side - 0.05, 0.5 * (high - 1.05), cab / 2 - (0.1 if large else 0.3), side - 0.12, -0.2)
    at = (half - cab / 2 - 0.04, 0, 1.05 + cabin[2])
    solids.add(FRUSTUM, cabin, at, CAR_CABIN, white, CAR, body=body)
    nose = (cab / 2 + 0.02, side - 0.03, 0.2)
    solids.add(BOX, nose, (half - cab / 2, 0, 0.9), CAR_SHOULDER, white, CAR, body=body)
    add_wheels(solids, body, detail[0], side, detail[2])
    add_shade(solids, body, half, side)
    return length, width, tall
