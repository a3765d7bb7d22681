"""Boxes around cars and people, as KITTI's object labels have them."""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulation.camera import Camera
from simulation.motion import Bodies
from simulation.raycast import LEAST_DEPTH, NEAREST, WINDOW, View, meet_solid
from simulation.solids import SHADE
from simulation.textures import rip_maps
from simulation.traffic import KINDS

FARTHEST = 90.0
"""Metres: KITTI labels nothing beyond."""
LEAST_HEIGHT = 8.0
"""Pixels: smaller boxes are left out."""


@dataclass(frozen=True)
class Box:
    """A line of KITTI's ``label_2``."""

    kind: str
    """Car, Van, Truck, Pedestrian, Cyclist."""
    truncated: float
    """0..1: share of the 2D box that lies outside the image."""
    occluded: int
    """0 at least 80 % of the object's pixels in the image visible, 1 at least 40 %, 2 less."""
    alpha: float
    """Observation angle, -pi..pi."""
    window: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels, clipped to the image."""
    height: float
    width: float
    length: float
    """Metres."""
    location: tuple[float, float, float]
    """Centre of the bottom, camera coordinates, metres."""
    rotation_y: float
    """Rotation about the camera's y axis, -pi..pi."""
    visible: int
    """Pixels of the object that the image shows."""

    def line(self) -> str:
        """The 15 fields of a ground truth line."""
        numbers = (self.alpha, *self.window, self.height, self.width, self.length, *self.location, self.rotation_y)
        return f"{self.kind} {self.truncated:.2f} {self.occluded} " + " ".join(f"{number:.2f}" for number in numbers)


def boxes_of(
    camera: Camera, view: View, bodies: Bodies, placed: tuple[NDArray, NDArray], owner: NDArray[np.int64],
    keys: NDArray[np.int32], covered: NDArray[np.bool_],
) -> tuple[Box, ...]:  # fmt: skip
    """Boxes of all bodies of which at least one pixel shows, nearest first.

    ``placed``: rotations (B, 3, 3) and positions (B, 3) in the world; ``owner`` (K,): body of each solid in view;
    ``keys`` (H, W) as of ``trace``; ``covered`` (H, W): burnt in.
    """
    shown = np.where((keys >= 0) & ~covered, owner[np.maximum(keys, 0) // 8] if len(owner) else 0, 0)
    pixels = np.bincount(shown.ravel(), minlength=len(bodies.kind))
    found = []
    for body in np.flatnonzero((bodies.kind > 0) & (pixels > 0)):
        box = box_of(camera, view, bodies, placed[0][body], placed[1][body], owner, int(body), int(pixels[body]))
        if box is not None:
            found.append(box)
    return tuple(sorted(found, key=lambda box: box.location[2]))


def box_of(
    camera: Camera, view: View, bodies: Bodies, rotation: NDArray[np.float64], position: NDArray[np.float64],
    owner: NDArray[np.int64], body: int, pixels: int,
) -> Box | None:  # fmt: skip
    """The box of one body, or None if it is too far or small for a label."""
    length, width, height = bodies.extent[body]
    x, y, z = (position - camera.position) @ camera.rotation
    whole = body_window(view, owner, body)
    if whole is None or z > FARTHEST:
        return None
    left, top, right, bottom = whole
    window = (max(left, 0.0), max(top, 0.0), min(right, camera.width - 1.0), min(bottom, camera.height - 1.0))
    area = (window[2] - window[0]) * (window[3] - window[1])
    if window[3] - window[1] < LEAST_HEIGHT or window[2] <= window[0]:
        return None
    alone = pixels_alone(view, np.flatnonzero(owner == body), rip_maps(), *(math.floor(edge) for edge in window))
    seen = pixels / max(alone, 1)
    ahead = camera.rotation.T @ rotation[:, 0]
    rotation_y = math.atan2(-ahead[2], ahead[0])
    alpha = (rotation_y - math.atan2(x, z) + math.pi) % (2 * math.pi) - math.pi
    truncated = 1 - area / max((right - left) * (bottom - top), 1e-6)
    occluded = 0 if seen >= 0.8 else (1 if seen >= 0.4 else 2)
    location = (float(x), float(y), float(z))
    return Box(
        KINDS[bodies.kind[body]], float(np.clip(truncated, 0, 1)), occluded, alpha, window,
        float(height), float(width), float(length), location, rotation_y, pixels,
    )  # fmt: skip


def body_window(view: View, owner: NDArray[np.int64], body: int) -> tuple[float, float, float, float] | None:
    """The window around the body's solids, not clipped to the image."""
    own = view.data[(owner == body) & (view.kind != SHADE), WINDOW:NEAREST]
    if not len(own):
        return None
    # the solids' windows are a pixel wider than they are
    return own[:, 0].min() + 1, own[:, 2].min() + 1, own[:, 1].max() - 1, own[:, 3].max() - 1


@njit(cache=True, error_model="numpy")
def pixels_alone(
    view: View, own: NDArray[np.int64], maps: NDArray[np.float32], left: int, top: int, right: int, bottom: int,
) -> int:  # fmt: skip
    """How many pixels the solids ``own`` of a view would cover if nothing stood before them."""
    data, count = view.data, 0
    for y in range(top, bottom + 1):
        for x in range(left, right + 1):
            dx, dy = (x - view.centre_x) / view.focal, (y - view.centre_y) / view.focal
            for k in own:
                if x < data[k, WINDOW] or x > data[k, WINDOW + 1] or y < data[k, WINDOW + 2] or y > data[k, WINDOW + 3]:
                    continue
                depth, _ = meet_solid(view, k, dx, dy, maps)
                if depth > LEAST_DEPTH:
                    count += 1
                    break
    return count
