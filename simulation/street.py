"""The street's line: pieces of constant curvature, and the way between the world and (along, across) coordinates.

The world is right-handed: x and y on the ground, z up, metres. ``along`` is the length on the centre line, ``across``
the distance from it, positive to the left of the drive.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

PIECE = 8.0
"""Length of a piece in metres: short, so that the curvature comes and goes softly."""
STRAIGHT = 1e-7
"""Curvature (1/m) below which a piece is straight."""


@dataclass(frozen=True)
class Street:
    """The centre line.

    ``pieces``: (N, 6) float64, start x, start y, start heading (rad), curvature (1/m), cosine and sine of the heading.
    """

    pieces: NDArray[np.float64]

    @property
    def length(self) -> float:
        """Metres."""
        return len(self.pieces) * PIECE

    def place(
        self, along: float | NDArray[np.float64], across: float | NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """World positions (..., 2) and headings (...) in radians of points given along and across the street."""
        along, across = np.broadcast_arrays(np.asarray(along, float), np.asarray(across, float))
        index = np.clip((along // PIECE).astype(int), 0, len(self.pieces) - 1)
        x, y, heading, curvature, cosine, sine = np.moveaxis(self.pieces[index], -1, 0)
        forward = along - index * PIECE
        turn = curvature * forward
        # sin(t)/t and (1-cos(t))/t, whole also for straight pieces
        ahead = forward * np.sinc(turn / np.pi)
        aside = forward * np.sinc(turn / 2 / np.pi) * np.sin(turn / 2)
        ahead, aside = ahead - across * np.sin(turn), aside + across * np.cos(turn)
        position = np.stack([x + cosine * ahead - sine * aside, y + sine * ahead + cosine * aside], -1)
        return position, heading + turn


def make_street(random: np.random.Generator, length: float, curves: float) -> Street:
    """A street of at least ``length`` metres with a few bends; ``curves`` scales their curvature."""
    count = math.ceil(length / PIECE)
    curvature = np.zeros(count + 8)
    position, side = 2, random.choice([-1.0, 1.0])
    while position < count:
        bend, rest = int(random.integers(4, 9)), int(random.integers(1, 6))
        radius = random.uniform(90, 220)
        swing = np.sin(np.linspace(0, np.pi, bend + 2)[1:-1])
        piece = curvature[position : position + bend]
        piece[:] = side * curves / radius * swing[: len(piece)]
        side = -side if random.random() < 0.75 else side
        position += bend + rest
    curvature[-8:] = 0
    pieces = np.zeros((len(curvature), 6))
    pieces[0, 4] = 1
    pieces[:, 3] = curvature
    for i in range(1, len(pieces)):
        (x, y), heading = Street(pieces[:i]).place(i * PIECE, 0.0)
        pieces[i, :3], pieces[i, 4:] = (x, y, heading), (np.cos(heading), np.sin(heading))
    return Street(pieces)


@njit(error_model="numpy", forceinline=True)
def along_across(pieces: NDArray[np.float64], x: float, y: float, hint: int) -> tuple[float, float, int]:
    """(along, across, piece) of a world point, searched from the piece ``hint`` on; exact for |across| < 60 m."""
    last = pieces.shape[0] - 1
    piece = min(max(hint, 0), last)
    forward, across, before = 0.0, 0.0, -1
    for _ in range(last + 1):
        dx, dy = x - pieces[piece, 0], y - pieces[piece, 1]
        curvature, cosine, sine = pieces[piece, 3], pieces[piece, 4], pieces[piece, 5]
        ahead, aside = cosine * dx + sine * dy, cosine * dy - sine * dx
        if abs(curvature) < STRAIGHT:
            forward, across = ahead, aside
        else:
            near = 1.0 - curvature * aside
            bent = curvature * ahead
            forward = math.atan2(bent, near) / curvature
            across = (1.0 - math.sqrt(bent * bent + near * near)) / curvature
        step = 1 if forward > PIECE else (-1 if forward < 0 else 0)
        following = piece + step
        # a step back to where the search came from: the point lies on the joint, or is too far for arcs to say
        if step == 0 or following < 0 or following > last or following == before:
            break
        before, piece = piece, following
    return piece * PIECE + forward, across, piece
