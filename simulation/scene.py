"""What stands where along a street, drawn from the seed."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulation.buildings import add_building
from simulation.facade_paint import BRICKS, CONCRETE, GLASS, PLASTER
from simulation.furniture import (
    add_board,
    add_bollard,
    add_box,
    add_fence,
    add_lamp,
    add_round_sign,
    add_traffic_light,
)
from simulation.motion import START, Bodies, CarMotion, make_car_motion, place_solids
from simulation.parameters import DriveParameters
from simulation.raycast import KERB_HEIGHT, Ground
from simulation.shading import Light
from simulation.solids import SolidList, Solids
from simulation.street import Street, make_street
from simulation.sunlight import all_lit, cast_sunlight
from simulation.traffic import BodyList, add_parked_cars, add_traffic
from simulation.vegetation import add_bush, add_hedge, add_tree

HALF_ROAD = 5.7
"""Metres from the centre line to the kerb: a lane, and a row of parked cars."""
HALF_PAVEMENT = 9.2
"""Metres from the centre line to the far side of the pavement."""
VIEW = 250.0
"""Metres of street beyond the place where the drive ends."""
PAVED, GRASSY, SIDE_STREET = range(3)


@dataclass(frozen=True)
class Scene:
    """A street with all that stands and moves on it."""

    street: Street
    motion: CarMotion
    solids: Solids
    bodies: Bodies
    ground: Ground
    light: Light


@dataclass
class Lots:
    """A street being built up: what the parts of this file add to."""

    random: np.random.Generator
    street: Street
    solids: SolidList = field(default_factory=SolidList)
    verge: NDArray[np.int64] = field(default_factory=lambda: np.zeros((2, 0), np.int64))
    crossings: list[float] = field(default_factory=list)

    def at(self, along: float, across: float) -> tuple[float, float, float]:
        """(x, y, heading) in the world."""
        (x, y), heading = self.street.place(np.float64(along), np.float64(across))
        return float(x), float(y), float(heading)


def make_scene(parameters: DriveParameters, part: int, duration: float) -> Scene:
    """Part ``part`` of the video (cuts make more than one), ``duration`` seconds long."""
    random = np.random.default_rng([parameters.seed, part])
    motion = make_car_motion(random, parameters, duration)
    end = float(motion.place(duration)) + VIEW
    street = make_street(random, end + 20, parameters.curves)
    lots = Lots(random, street, verge=np.zeros((2, int(street.length) + 1), np.int64))
    for side in (1, -1):
        build_up(lots, side, end)
    close_view(lots, end)
    furnish(lots, end)
    listed = BodyList()
    add_parked_cars(lots.solids, listed, random, end, lots.verge, lots.crossings)
    add_traffic(lots.solids, listed, random, motion, end, duration, parameters.traffic, lots.crossings)
    solids, bodies, light = lots.solids.solids(), listed.bodies(), make_light(random)
    ground = Ground(
        street.pieces, HALF_ROAD, HALF_PAVEMENT, lots.verge, np.array(lots.crossings, float), parameters.asphalt,
        all_lit(street.length),
    )  # fmt: skip
    rotation, position = place_solids(solids, bodies, street, motion, 0.0)
    standing = ((bodies.speed == 0) & (bodies.across_speed == 0) & (bodies.follows == 0))[solids.body]
    still = Solids(*(column[standing] for column in solids))
    sunlit = cast_sunlight(ground, street, still, rotation[standing], position[standing], light.sun)
    return Scene(street, motion, solids, bodies, ground._replace(sunlit=sunlit), light)


def make_light(random: np.random.Generator) -> Light:
    """The light of a day between sunny and overcast."""
    clouds = random.uniform(-0.4, 0.7)
    sunny = float(np.clip(1 - 1.2 * max(clouds, 0), 0.12, 1))
    azimuth, elevation = random.uniform(0, 2 * np.pi), np.deg2rad(random.uniform(32, 58))
    sun = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
    sky = np.array([0.80, 0.88, 1.0]) * (0.62 + 0.30 * (1 - sunny))
    return Light(
        sun, np.array([1.0, 0.94, 0.83]) * 1.15 * sunny, sky,
        np.array([0.16, 0.33, 0.66]) * (0.8 + 0.4 * (1 - sunny)), np.array([0.62, 0.72, 0.82]),
        float(clouds), float(random.uniform(0, 1)), float(random.uniform(350, 900)),
    )  # fmt: skip


def build_up(lots: Lots, side: int, end: float) -> None:
    """Fill one side of the street with houses, gardens, gaps and side streets; ``side`` 1 left, -1 right."""
    random, along = lots.random, -25.0
    modern = random.random() < 0.35
    while along < end:
        kind = random.random()
        if kind < 0.08 and along > START + 10:
            length = 9.0
            side_street(lots, side, along, length)
        elif kind < 0.55:
            length = random.uniform(11, 22)
            town_house(lots, side, along, length, modern)
        elif kind < 0.86:
            length = random.uniform(12, 20)
            garden_house(lots, side, along, length)
        else:
            length = random.uniform(8, 16)
            green(lots, side, along, length)
        along += length


def mark(lots: Lots, side: int, start: float, end: float, verge: int) -> None:
    """Say what the ground behind the pavement is between two places along the street."""
    lots.verge[0 if side > 0 else 1, max(int(start), 0) : max(int(end), 0)] = verge


def town_house(lots: Lots, side: int, start: float, length: float, modern: bool) -> None:
    """A tall house at the pavement."""
    random = lots.random
    depth = random.uniform(10, 13)
    style = random.choice(
        [PLASTER, BRICKS, CONCRETE, GLASS], p=[0.3, 0.2, 0.25, 0.25] if modern else [0.55, 0.3, 0.12, 0.03]
    )
    place = lots.at(start + length / 2, side * (HALF_PAVEMENT + 0.4 + depth / 2 + random.choice([0.0, 0.0, 0.8])))
    height = random.uniform(9, 19) if not modern else random.uniform(12, 30)
    add_building(lots.solids, random, place, length + 0.25, depth, style, random.random() < 0.65, height)


def garden_house(lots: Lots, side: int, start: float, length: float) -> None:
    """A low house behind a garden with a fence or hedge, bushes and a tree."""
    random = lots.random
    mark(lots, side, start, start + length, GRASSY)
    setback, depth = HALF_PAVEMENT + random.uniform(4, 8), random.uniform(8, 10)
    place = lots.at(start + length / 2, side * (setback + depth / 2))
    style = PLASTER if random.random() < 0.55 else BRICKS
    add_building(
        lots.solids, random, place, length - random.uniform(0.5, 5), depth, style, False, random.uniform(5.5, 9)
    )
    for part in range(2):
        centre = start + (0.25 + 0.5 * part) * length
        place = lots.at(centre, side * (HALF_PAVEMENT + 0.25))
        if random.random() < 0.6:
            add_fence(lots.solids, random, place, 0.5 * length - (0.8 if part else 0.0))
        else:
            add_hedge(lots.solids, random, place, 0.5 * length - (0.8 if part else 0.0))
    for _ in range(random.integers(1, 4)):
        x, y, _ = lots.at(start + random.uniform(1, length - 1), side * (setback - random.uniform(1.0, 2.5)))
        add_bush(lots.solids, random, x, y, random.uniform(0.8, 1.7))
    if random.random() < 0.5:
        x, y, _ = lots.at(start + random.uniform(2, length - 2), side * (HALF_PAVEMENT + 2.2))
        add_tree(lots.solids, random, x, y, random.uniform(5, 9))


def green(lots: Lots, side: int, start: float, length: float) -> None:
    """A gap with trees, and something tall far behind it."""
    random = lots.random
    mark(lots, side, start, start + length, GRASSY)
    add_fence(lots.solids, random, lots.at(start + length / 2, side * (HALF_PAVEMENT + 0.2)), length - 0.3)
    for _ in range(random.integers(2, 5)):
        x, y, _ = lots.at(start + random.uniform(1, length - 1), side * (HALF_PAVEMENT + random.uniform(2.5, 14)))
        add_tree(lots.solids, random, x, y, random.uniform(7, 13))
    place = lots.at(start + length / 2, side * random.uniform(38, 50))
    style = random.choice([PLASTER, CONCRETE, GLASS])
    add_building(lots.solids, random, place, length + 12, 12, style, False, random.uniform(15, 34))


def side_street(lots: Lots, side: int, start: float, length: float) -> None:
    """A street that joins from the side, closed by a house at its far end; a zebra crossing beside it."""
    random = lots.random
    mark(lots, side, start + 1, start + length - 1, SIDE_STREET)
    for edge, grows in ((start, -1), (start + length, 1)):
        for row in range(2):
            place = lots.at(edge + grows * 6, side * (HALF_PAVEMENT + 20 + 14 * row))
            add_building(lots.solids, random, place, 11.5, 13.5, PLASTER, False, random.uniform(8, 15))
    place = lots.at(start + length / 2, side * 56)
    add_building(lots.solids, random, place, 26, 10, BRICKS, True, random.uniform(10, 18))
    crossing = start - 5.0
    if all(abs(crossing - other) > 30 for other in lots.crossings) and crossing > 40:
        lots.crossings.append(crossing)
        x, y, heading = lots.at(crossing - 1.0, -(HALF_ROAD + 0.5))
        add_traffic_light(lots.solids, x, y, heading, 2)
        x, y, heading = lots.at(crossing + 4.2, HALF_ROAD + 0.5)
        add_traffic_light(lots.solids, x, y, heading + np.pi, 2)


def close_view(lots: Lots, end: float) -> None:
    """A row of houses across the far end of the street."""
    random = lots.random
    for across in np.arange(-72, 73, 18.0):
        x, y, heading = lots.at(end + 14, across)
        style = random.choice([PLASTER, BRICKS, CONCRETE])
        add_building(lots.solids, random, (x, y, heading + np.pi / 2), 18.2, 12, style, True, random.uniform(12, 24))


def furnish(lots: Lots, end: float) -> None:
    """Lamps, street trees, signs, bollards and cabinets along the kerbs."""
    random = lots.random
    for side in (1, -1):
        kerb = HALF_ROAD + 0.55
        trees = random.random() < 0.75
        for number, along in enumerate(np.arange(-10 + 6 * side, end, 12.5)):
            along += random.uniform(-1, 1)
            if lots.verge[0 if side > 0 else 1, max(int(along), 0)] == SIDE_STREET:
                continue
            x, y, heading = lots.at(along, side * kerb)
            if number % 3 == 0:
                add_lamp(lots.solids, x, y, heading - side * np.pi / 2)
            elif trees and random.random() < 0.7:
                x, y, _ = lots.at(along, side * (kerb + 0.45))
                add_tree(lots.solids, random, x, y, random.uniform(5.5, 8.5))
            choice, (x, y, heading) = random.random(), lots.at(along + 4, side * kerb)
            towards = heading if side < 0 else heading + np.pi
            if choice < 0.26:
                add_round_sign(lots.solids, x, y, towards, 1 if random.random() < 0.7 else 3)
            elif choice < 0.36:
                add_board(lots.solids, random, *lots.at(along + 4, side * (kerb + 1.1))[:2], towards)
            elif choice < 0.5:
                add_box(lots.solids, random, x, y, heading)
            elif choice < 0.66:
                for step in range(4):
                    x, y, _ = lots.at(along + 3 + 1.5 * step, side * (HALF_ROAD + 0.35))
                    add_bollard(lots.solids, x, y)


__all__ = ["KERB_HEIGHT", "Scene", "make_scene"]
