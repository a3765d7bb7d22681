"""Houses: blocks of flats with shops, terraced houses with tiled roofs, offices of glass and concrete."""

import numpy as np

from simulation.facade_paint import BRICKS, CONCRETE, GLASS, PLASTER
from simulation.solids import BOX, BUILDING, FACADE, FRUSTUM, PLAIN, ROOF, SolidList, turned

WALLS = {
    PLASTER: [
        (0.62, 0.55, 0.42), (0.66, 0.62, 0.54), (0.58, 0.45, 0.32), (0.5, 0.5, 0.47), (0.6, 0.52, 0.46),
        (0.42, 0.45, 0.45),
    ],
    BRICKS: [(0.34, 0.15, 0.095), (0.40, 0.22, 0.14), (0.30, 0.17, 0.12), (0.45, 0.36, 0.25)],
    CONCRETE: [(0.40, 0.39, 0.37), (0.33, 0.33, 0.33), (0.48, 0.46, 0.42)],
    GLASS: [(0.20, 0.23, 0.26), (0.30, 0.31, 0.32), (0.15, 0.17, 0.18)],
}  # fmt: skip
"""Linear albedo by style."""
TILES = [(0.27, 0.10, 0.06), (0.20, 0.09, 0.07), (0.10, 0.10, 0.11), (0.16, 0.13, 0.12)]


def add_building(
    solids: SolidList,
    random: np.random.Generator,
    place: tuple[float, float, float],
    length: float,
    depth: float,
    style: int,
    shops: bool,
    height: float,
) -> None:
    """A house centred at ``place`` (x, y, heading); ``length`` along and ``depth`` across the street, metres."""
    x, y, heading = place
    colour = np.array(WALLS[style][random.integers(len(WALLS[style]))]) * random.uniform(0.85, 1.1)
    bay, storey = random.uniform(2.6, 3.8), random.uniform(2.9, 3.5)
    share, tall = random.uniform(0.34, 0.5), random.uniform(0.48, 0.62)
    frame = 0.6 if random.random() < 0.7 else 0.08
    if style == GLASS:
        bay, share, tall, frame = random.uniform(1.4, 2.2), 0.86, 0.66, 0.12
    ground_floor = random.uniform(3.6, 4.3) if shops else 0.0
    height = ground_floor + max(1, round((height - ground_floor) / storey)) * storey + 0.5
    detail = (bay, storey, share, tall, style, float(random.integers(1, 900)), ground_floor, frame)
    size = (length / 2, depth / 2, height / 2)
    solids.add(BOX, size, (x, y, height / 2), FACADE, colour, BUILDING, heading=heading, detail=detail)
    trim = np.minimum(colour * random.uniform(0.75, 1.25), 0.8)

    def part(along: float, across: float, up: float, half: tuple[float, float, float]) -> None:
        dx, dy, _ = turned(heading) @ np.array([along, across, 0.0])
        solids.add(BOX, half, (x + dx, y + dy, up), PLAIN, trim, BUILDING, heading=heading)

    if style in (PLASTER, BRICKS) and height < 14 and not shops:
        ridge = random.uniform(2.2, 3.6)
        tiles = TILES[random.integers(len(TILES))]
        roof = (length / 2 + 0.15, depth / 2 + 0.45, ridge / 2, length / 2 + 0.1, 0.15, 0.0)
        solids.add(FRUSTUM, roof, (x, y, height + ridge / 2), ROOF, tiles, BUILDING, heading=heading)
        chimney = random.uniform(-0.35, 0.35) * length
        part(chimney, random.choice([-1.0, 1.0]) * 0.9, height + ridge, (0.4, 0.35, 0.8))
    else:
        part(0, 0, height + 0.05, (length / 2 + 0.22, depth / 2 + 0.22, 0.18))
        if random.random() < 0.6:
            part(random.uniform(-0.2, 0.2) * length, 0, height + 1.2, (0.16 * length, 0.22 * depth, 1.1))
    if shops:
        part(0, 0, ground_floor + 0.02, (length / 2 + 0.12, depth / 2 + 0.16, 0.09))
    bays = max(1, int(length / bay + 0.5))
    if style in (PLASTER, CONCRETE) and random.random() < 0.55 and bays >= 3:
        storeys = int((height - ground_floor - 0.3) / storey)
        for column in range(1, bays, 2):
            for floor in range(0 if shops else 1, storeys):
                along = length * ((column + 0.5) / bays - 0.5)
                for side in (-1, 1):
                    up = ground_floor + floor * storey + 0.25
                    part(along, side * (depth / 2 + 0.45), up + 0.3, (0.4 * length / bays, 0.45, 0.42))
