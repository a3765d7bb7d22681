"""The solids that everything standing on the street is built of, and the list that a scene collects them in.

A solid has its own frame (x forward, y left, z up, origin at its centre), is placed in its body's frame, and the body
in the world. Body 0 is the world itself.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BOX, FRUSTUM, COLUMN, ROLL, BALL, FOLIAGE, RING, SHADE = range(8)
"""Kinds. BOX: half extents. FRUSTUM: half extents at the bottom, half height, then half extents and forward shift of
the top. COLUMN: upright cylinder (radius, radius, half height). ROLL: cylinder along y (radius, half length, radius).
BALL: ellipsoid. FOLIAGE: ellipsoid with holes. RING: flat upright ring along x (outer radius, thickness, inner radius).
SHADE: no solid, darkens the ground under half extents, softly over the fourth number of metres."""

(
    PLAIN,
    FACADE,
    ROOF,
    CAR_BODY,
    CAR_CABIN,
    WHEEL,
    LEAVES,
    BARK,
    SIGN,
    BOARDS,
    METAL,
    CAR_SHOULDER,
    LORRY,
    LIGHTS,
) = range(14)
"""Materials; ``shading.paint_solid`` paints them."""

SKY, BUILDING, POLE, ROAD, PAVEMENT, TREE, SIGN_SYMBOL, FENCE, CAR, PEDESTRIAN, BICYCLIST, VOID = range(12)
"""The classes of CamVid in the order of its 11-class split; 11 = void."""


class Solids(NamedTuple):
    """All solids of a scene as arrays over the solid."""

    kind: NDArray[np.int64]
    size: NDArray[np.float64]
    """(N, 6): metres, meaning by kind."""
    material: NDArray[np.int64]
    colour: NDArray[np.float64]
    """(N, 3): linear albedo, 0..1."""
    detail: NDArray[np.float64]
    """(N, 8): meaning by material."""
    label: NDArray[np.int64]
    body: NDArray[np.int64]
    rotation: NDArray[np.float64]
    """(N, 3, 3): from the solid's frame to its body's."""
    position: NDArray[np.float64]
    """(N, 3): metres, in the body's frame."""
    swing: NDArray[np.float64]
    """(N, 4): amplitude (rad), phase (rad), height of the hinge over the centre (m), swings a metre (rad/m)."""


@dataclass
class SolidList:
    """Collects solids while a scene is built."""

    rows: list[tuple] = field(default_factory=list)

    def add(
        self,
        kind: int,
        size: tuple[float, ...],
        position: tuple[float, float, float],
        material: int,
        colour: tuple[float, float, float] | NDArray[np.float64],
        label: int,
        *,
        heading: float = 0.0,
        tilt: float = 0.0,
        detail: tuple[float, ...] = (),
        body: int = 0,
        swing: tuple[float, float, float, float] = (0, 0, 0, 0),
    ) -> None:
        """Add one solid; ``heading`` turns it about z, then ``tilt`` lowers its nose, in radians."""
        padded_size = tuple(size) + (0.0,) * (6 - len(size))
        padded_detail = tuple(detail) + (0.0,) * (8 - len(detail))
        rotation = turned(heading) @ tilted(tilt)
        row = (kind, padded_size, material, tuple(colour), padded_detail, label, body, rotation, position, swing)
        self.rows.append(row)

    def solids(self) -> Solids:
        """The arrays."""
        kinds = (int, float, int, float, float, int, int, float, float, float)
        return Solids(*(np.ascontiguousarray(column, kind) for column, kind in zip(zip(*self.rows), kinds)))


def turned(heading: float) -> NDArray[np.float64]:
    """Rotation about z by ``heading`` radians."""
    cosine, sine = np.cos(heading), np.sin(heading)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1.0]])


def tilted(angle: float) -> NDArray[np.float64]:
    """Rotation about y (left) by ``angle`` radians: positive lowers the nose."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])


def half_extents(solids: Solids) -> NDArray[np.float64]:
    """(N, 3): half extents of each solid's bounding box in its own frame, metres."""
    extents = solids.size[:, :3].copy()
    frustum = solids.kind == FRUSTUM
    top = solids.size[frustum]
    extents[frustum, 0] = np.maximum(top[:, 0], top[:, 3] + np.abs(top[:, 5]))
    extents[frustum, 1] = np.maximum(top[:, 1], top[:, 4])
    ring = solids.kind == RING
    extents[ring, 2] = extents[ring, 0]
    return extents
