"""Who stands parked, drives, cycles and walks along the street."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulation.motion import Bodies, CarMotion
from simulation.people import add_cyclist, add_pedestrian
from simulation.raycast import KERB_HEIGHT
from simulation.solids import SolidList
from simulation.vehicles import Extent, add_car, add_lorry

KINDS = ("", "Car", "Van", "Truck", "Pedestrian", "Cyclist")
"""Types of KITTI's labels, index = Bodies.kind; the first gets no box."""
PARKED = 4.62
"""Metres across: the middle of the row of parked cars."""


@dataclass
class BodyList:
    """Collects bodies while a scene is built."""

    rows: list[list[float]] = field(default_factory=lambda: [[0.0] * 8])
    extents: list[Extent] = field(default_factory=lambda: [(0.0, 0.0, 0.0)])

    @property
    def following(self) -> int:
        """The number that the next body gets."""
        return len(self.rows)

    def add(
        self,
        kind: str,
        extent: Extent,
        along: float,
        across: float,
        *,
        speed: float = 0.0,
        across_speed: float = 0.0,
        turn: float = 0.0,
        height: float = 0.0,
        follows: bool = False,
    ) -> None:
        """Add a body; units as in ``Bodies``."""
        self.rows.append([along, speed, across, across_speed, turn, height, float(follows), KINDS.index(kind)])
        self.extents.append(extent)

    def bodies(self) -> Bodies:
        """The arrays."""
        along, speed, across, across_speed, turn, height, follows, kind = np.array(self.rows).T.copy()
        kinds, extents = kind.astype(np.int64), np.array(self.extents)
        return Bodies(along, speed, across, across_speed, turn, height, follows, kinds, extents)


def add_parked_cars(
    solids: SolidList, bodies: BodyList, random: np.random.Generator, end: float,
    verge: NDArray[np.int64], crossings: list[float],
) -> None:  # fmt: skip
    """Two rows of parked cars with gaps at crossings and side streets."""
    for side in (1, -1):
        busy = random.uniform(0.45, 0.85)
        for along in np.arange(0.0, end, 6.2):
            middle = along + 3.1 + random.uniform(-0.35, 0.35)
            near = verge[0 if side > 0 else 1, int(along) : int(along) + 8]
            at_crossing = any(-6 < middle - crossing < 10 for crossing in crossings)
            if random.random() > busy or at_crossing or (near == 2).any():
                continue
            turn = (0.0 if side < 0 else np.pi) + random.uniform(-0.03, 0.03)
            kind, extent = any_vehicle(solids, random, bodies.following, 0.07)
            bodies.add(kind, extent, middle, side * (PARKED + random.uniform(-0.1, 0.1)), turn=turn)


def any_vehicle(solids: SolidList, random: np.random.Generator, body: int, heavy: float) -> tuple[str, Extent]:
    """A car, or with the chance ``heavy`` a van or lorry."""
    if random.random() > heavy:
        return "Car", add_car(solids, random, body)
    large = bool(random.random() < 0.4)
    return "Truck" if large else "Van", add_lorry(solids, random, body, large)


def add_traffic(
    solids: SolidList, bodies: BodyList, random: np.random.Generator, motion: CarMotion, end: float, duration: float,
    density: float, crossings: list[float],
) -> None:  # fmt: skip
    """Oncoming cars, a car ahead, cyclists, and people on the pavements and crossings."""
    if density <= 0:
        return
    if random.random() < min(0.75 * density, 1):
        gap = random.uniform(9, 26)
        kind, extent = any_vehicle(solids, random, bodies.following, 0.15)
        bodies.add(kind, extent, gap, -1.75, follows=True)
    start = float(motion.place(0.0))
    reach = float(motion.place(duration))
    speed, along = random.uniform(8, 12), start + random.uniform(12, 40)
    while along < reach + 200 + speed * duration:
        kind, extent = any_vehicle(solids, random, bodies.following, 0.15)
        bodies.add(kind, extent, along, 1.75, speed=-speed, turn=np.pi)
        along += random.uniform(18, 70) / density
    along = start + random.uniform(15, 30)
    while along < reach + 60:
        ahead = random.random() < 0.6
        speed, side = random.uniform(3.5, 5.5), -3.05 if ahead else 3.05
        extent = add_cyclist(solids, random, bodies.following)
        bodies.add("Cyclist", extent, along, side, speed=speed if ahead else -speed, turn=0.0 if ahead else np.pi)
        along += random.uniform(25, 80) / density
    add_walkers(solids, bodies, random, start, end, density)
    for crossing in crossings:
        for _ in range(random.integers(0, 3)):
            # they wait at the kerb, or have just crossed: nobody walks before a moving car
            side = random.choice([-1.0, 1.0])
            extent = add_pedestrian(solids, random, bodies.following)
            across, along = side * random.uniform(6.2, 7.0), crossing + random.uniform(0.3, 2.9)
            turn = -side * np.pi / 2
            bodies.add("Pedestrian", extent, along, across, turn=turn, height=KERB_HEIGHT)


def add_walkers(
    solids: SolidList, bodies: BodyList, random: np.random.Generator, start: float, end: float, density: float
) -> None:
    """People who walk along the pavements, alone or in pairs."""
    along = start + 2.0
    while along < end:
        side, ahead = random.choice([-1.0, 1.0]), random.choice([-1.0, 1.0])
        speed, across = random.uniform(1.0, 1.6) * ahead, random.uniform(6.9, 8.7)
        for partner in range(1 + (random.random() < 0.3)):
            extent = add_pedestrian(solids, random, bodies.following)
            turn = 0.0 if ahead > 0 else np.pi
            bodies.add(
                "Pedestrian", extent, along + 0.2 * partner, side * (across - 0.6 * partner), speed=speed, turn=turn,
                height=KERB_HEIGHT,
            )  # fmt: skip
        along += random.uniform(4, 22) / density
