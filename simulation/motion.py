"""How the camera car and the traffic move."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulation.camera import Camera, camera_rotation
from simulation.parameters import DriveParameters
from simulation.solids import Solids, turned
from simulation.street import Street

STEP = 1 / 240
"""Seconds between the samples of the speed."""
LANE = -1.75
"""Metres across: the middle of the right lane."""
CAMERA_HEIGHT = 1.45
"""Metres."""
START = 20.0
"""Metres along the street at time 0."""
AHEAD = 8.0
"""Seconds beyond the end of the drive for which the way is known (cars ahead follow it)."""


@dataclass(frozen=True)
class CarMotion:
    """The camera car.

    ``times`` (N,) s, ``along`` (N,) m, ``speeds`` (N,) m/s; ``waves`` (M, 3) of the road: length (m), phase, share.
    """

    times: NDArray[np.float64]
    along: NDArray[np.float64]
    speeds: NDArray[np.float64]
    waves: NDArray[np.float64]
    bumps: float

    def place(self, time: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Metres along the street at ``time`` in seconds."""
        return np.asarray(np.interp(time, self.times, self.along))

    def shake(self, time: float) -> tuple[float, float, float]:
        """Pitch and roll in radians, heave in metres, from the road's waves, braking and accelerating."""
        along = self.place(time)
        length, phase, share = self.waves.T
        angle = 2 * np.pi * along / length + phase
        before, after = np.interp([time - 0.15, time + 0.15], self.times, self.speeds)
        squat = np.deg2rad(0.12) * (after - before) / 0.3
        pitch = self.bumps * np.deg2rad(0.22) * np.sum(share * np.sin(angle)) + squat
        roll = self.bumps * np.deg2rad(0.18) * np.sum(share * np.sin(angle * 0.83 + 2 * phase))
        heave = self.bumps * 0.012 * np.sum(share * np.cos(angle + 1.0))
        return float(pitch), float(roll), float(heave)


def make_car_motion(random: np.random.Generator, parameters: DriveParameters, duration: float) -> CarMotion:
    """The way of the camera car over ``duration`` seconds: speed rises and falls, and stops if asked for."""
    times = np.arange(-2.0, duration + AHEAD, STEP)
    slow, quick = random.uniform(9, 14), random.uniform(4, 6)
    phases = random.uniform(0, 2 * np.pi, 2)
    change = 0.22 * np.sin(2 * np.pi * times / slow + phases[0]) + 0.1 * np.sin(2 * np.pi * times / quick + phases[1])
    speeds = parameters.speed * (1 + change)
    for stop in range(parameters.stops):
        middle = duration * (stop + 0.5) / parameters.stops
        brake = min(2.5, 0.35 * duration / parameters.stops)
        rest = min(1.0, 0.1 * duration / parameters.stops)
        share = np.clip((np.abs(times - middle) - rest) / brake, 0, 1)
        speeds *= share * share * (3 - 2 * share)
    along = START + np.concatenate([[0], np.cumsum((speeds[1:] + speeds[:-1]) / 2 * STEP)])
    along -= np.interp(0, times, along) - START
    waves = np.stack([random.uniform(2.5, 30, 7), random.uniform(0, 2 * np.pi, 7), np.full(7, 0.45)], 1)
    return CarMotion(times, along, speeds, waves, parameters.bumps)


def camera_at(parameters: DriveParameters, street: Street, motion: CarMotion, time: float) -> Camera:
    """The camera at ``time`` seconds, looking along the street from the right lane."""
    along = motion.place(time)
    wander = 0.12 * np.sin(along / 17.0 + motion.waves[0, 1])
    (x, y), heading = street.place(along, LANE + wander)
    pitch, roll, heave = motion.shake(time)
    drift = 0.12 / 17.0 * np.cos(along / 17.0 + motion.waves[0, 1])
    rotation = camera_rotation(float(heading + drift), pitch - np.deg2rad(1.0), roll)
    position = np.array([float(x), float(y), CAMERA_HEIGHT + heave])
    return Camera(parameters.width, parameters.height, parameters.focal * parameters.width, rotation, position)


class Bodies(NamedTuple):
    """Everything that stands or moves as a whole, arrays over the body; body 0 is the world."""

    along: NDArray[np.float64]
    """Metres along the street at time 0; for followers the distance ahead of the camera car."""
    speed: NDArray[np.float64]
    """Metres a second along the street."""
    across: NDArray[np.float64]
    across_speed: NDArray[np.float64]
    turn: NDArray[np.float64]
    """Radians from the street's heading to the body's x axis."""
    height: NDArray[np.float64]
    """Metres of its feet over the road."""
    follows: NDArray[np.float64]
    """1 for a car ahead that drives as the camera car does, a moment earlier."""
    kind: NDArray[np.int64]
    """Index into boxes.KINDS; 0 = gets no box."""
    extent: NDArray[np.float64]
    """(B, 3): length, width, height of its box in metres."""


def place_bodies(
    bodies: Bodies, street: Street, motion: CarMotion, time: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(rotations (B, 3, 3), positions (B, 3), distances gone (B,)) of the bodies in the world at ``time`` seconds."""
    gone = bodies.speed * time
    ahead = motion.place(time + 0.8) - motion.place(0.8) + START
    along = np.where(bodies.follows > 0, ahead + bodies.along, bodies.along + gone)
    across = bodies.across + bodies.across_speed * time
    ground, heading = street.place(along, across)
    position = np.concatenate([ground, bodies.height[:, None]], 1)
    heading = heading + bodies.turn
    rotation = np.zeros((len(along), 3, 3))
    rotation[:, 0, 0] = rotation[:, 1, 1] = np.cos(heading)
    rotation[:, 1, 0], rotation[:, 0, 1] = np.sin(heading), -np.sin(heading)
    rotation[:, 2, 2] = 1
    rotation[0], position[0] = turned(0.0), 0
    return rotation, position, np.abs(gone) + np.abs(bodies.across_speed * time)


def place_solids(
    solids: Solids, bodies: Bodies, street: Street, motion: CarMotion, time: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(rotations (N, 3, 3), positions (N, 3)) of all solids in the world at ``time`` seconds."""
    body_rotation, body_position, gone = place_bodies(bodies, street, motion, time)
    rotation, position = solids.rotation.copy(), solids.position.copy()
    swinging = np.flatnonzero(solids.swing[:, 0])
    amplitude, phase, hinge, rate = solids.swing[swinging].T
    angle = amplitude * np.sin(rate * gone[solids.body[swinging]] + phase)
    turn = np.zeros((len(swinging), 3, 3))
    turn[:, 0, 0] = turn[:, 2, 2] = np.cos(angle)
    turn[:, 0, 2], turn[:, 2, 0] = np.sin(angle), -np.sin(angle)
    turn[:, 1, 1] = 1
    arm = np.stack([np.zeros_like(hinge), np.zeros_like(hinge), -hinge], 1)
    position[swinging] += -arm + np.einsum("nij,nj->ni", turn, arm)
    rotation[swinging] = turn @ rotation[swinging]
    owner = body_rotation[solids.body]
    placed = np.einsum("nij,nj->ni", owner, position) + body_position[solids.body]
    return owner @ rotation, placed
