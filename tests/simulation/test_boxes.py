"""Boxes of cars and people: known ones made by hand, and those of a drive against its classes."""

import itertools
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from simulation import Frame
from simulation.boxes import Box, boxes_of
from simulation.camera import Camera, look
from simulation.raycast import Ground, trace
from simulation.solids import BOX, CAR, CAR_BODY, PLAIN, POLE, SolidList, turned
from simulation.textures import rip_maps
from simulation.traffic import BodyList

from .conftest import DRIVE

CLASS_OF = {"Car": 8, "Van": 8, "Truck": 8, "Pedestrian": 9, "Cyclist": 10}
FOCAL = DRIVE.focal * DRIVE.width


def boxes(camera: Camera, ground: Ground, across: float, wall: tuple[float, float] | None) -> tuple[Box, ...]:
    """Boxes of a car that is 4 m long, 2 m wide, 2 m high, 22 m ahead, ``across`` metres to the left.

    ``wall``: from and to, metres across, of a wall 10 m ahead.
    """
    solids, bodies = SolidList(), BodyList()
    solids.add(BOX, (2.0, 1.0, 1.0), (0.0, 0.0, 1.0), CAR_BODY, (0.5, 0, 0), CAR, body=bodies.following)
    bodies.add("Car", (4.0, 2.0, 2.0), 22.0, across)
    if wall:
        start, end = wall
        solids.add(BOX, (0.1, (end - start) / 2, 3.0), (10.1, (end + start) / 2, 3.0), PLAIN, (0, 0, 0), POLE)
    made, owner = solids.solids(), np.array([0, 1])
    positions = np.array([[0.0, 0, 0], [22.0, across, 0]])
    rotations = np.stack([turned(0.0)] * 2)
    view = look(camera, made, rotations[made.body], made.position + positions[made.body])
    y, x = np.mgrid[0 : camera.height, 0 : camera.width].astype(float)
    keys = trace(view, ground, rip_maps(), x.ravel(), y.ravel()).key.reshape(y.shape)
    covered = np.zeros(y.shape, bool)
    owner = made.body[view.solid]
    return boxes_of(camera, view, bodies.bodies(), (rotations, positions), owner, keys, covered)


def test_a_car_ahead(camera: Camera, ground: Ground) -> None:
    (box,) = boxes(camera, ground, 0.0, None)
    # its back lies at 20 m: 5 pixels a metre; the camera is 1.5 m high
    assert box.window == pytest.approx((45.0, 37.5, 55.0, 47.5))
    assert (box.length, box.width, box.height) == (4.0, 2.0, 2.0)
    assert box.location == pytest.approx((0, 1.5, 22))
    assert (box.kind, box.truncated, box.occluded, box.visible) == ("Car", pytest.approx(0), 0, 11 * 10)
    # drives away from the camera: its x axis points along the camera's z axis
    assert box.rotation_y == pytest.approx(-np.pi / 2)
    assert box.alpha == pytest.approx(-np.pi / 2)
    assert box.line() == "Car 0.00 0 -1.57 45.00 37.50 55.00 47.50 2.00 2.00 4.00 0.00 1.50 22.00 -1.57"


def test_a_car_aside_is_seen_at_an_angle(camera: Camera, ground: Ground) -> None:
    (box,) = boxes(camera, ground, 4.0, None)
    assert box.location == pytest.approx((-4, 1.5, 22))
    assert box.alpha == pytest.approx(-np.pi / 2 + np.arctan2(4, 22))


# the wall's near side is half as far as the car's back: it hides twice its own width there
HIDDEN = [((0.7, 3.0), 0), ((0.35, 3.0), 0), ((0.25, 3.0), 1), ((-0.05, 3.0), 1), ((-0.15, 3.0), 2), ((-0.35, 3.0), 2)]


@pytest.mark.parametrize(("wall", "level"), HIDDEN)
def test_occlusion_is_the_share_of_pixels_that_others_hide(
    camera: Camera, ground: Ground, wall: tuple[float, float], level: int
) -> None:
    (box,) = boxes(camera, ground, 0.0, wall)
    # columns 45 ... 55 show the car, the wall covers those left of its edge
    covered = int(np.clip(np.floor(50 - 10 * wall[0]) - 45 + 1, 0, 11))
    assert box.visible == 10 * (11 - covered)
    seen = 1 - covered / 11
    assert box.occluded == level == (0 if seen >= 0.8 else (1 if seen >= 0.4 else 2))


def test_a_hidden_car_has_no_box(camera: Camera, ground: Ground) -> None:
    assert boxes(camera, ground, 0.0, (-2.0, 2.0)) == ()


def test_truncation_is_the_share_outside_the_picture(camera: Camera, ground: Ground) -> None:
    (box,) = boxes(camera, ground, 10.0, None)
    # near face: from 9 to 11 m aside at 20 m, that is columns -5 to 5; its far face ends at 24 m, column 50 - 37.5
    assert box.window == pytest.approx((0, 37.5, 12.5, 47.5))
    assert box.truncated == pytest.approx(5 / 17.5)
    assert box.occluded == 0


def hull(box: Box) -> NDArray[np.float64]:
    """(left, top, right, bottom) of the projected corners of the 3D box."""
    cosine, sine = np.cos(box.rotation_y), np.sin(box.rotation_y)
    spans = itertools.product((-0.5, 0.5), (0, -1), (-0.5, 0.5))
    corners = np.array([(a * box.length, b * box.height, c * box.width) for a, b, c in spans])
    rotated = corners @ np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]]).T + box.location
    ends = FOCAL * rotated[:, :2] / rotated[:, 2:] + (np.array([DRIVE.width, DRIVE.height]) - 1) / 2
    return np.concatenate([ends.min(0), ends.max(0)])


def test_the_3d_box_projects_onto_the_2d_box(drive: list[Frame]) -> None:
    shares = []
    for box in (box for frame in drive for box in frame.boxes if box.truncated == 0 and box.location[2] > 4):
        window, around = np.array(box.window), hull(box)
        assert (window[:2] > around[:2] - 2).all() and (window[2:] < around[2:] + 2).all(), (box, around)
        shares.append(np.prod(window[2:] - window[:2]) / np.prod(around[2:] - around[:2]))
    assert len(shares) > 20
    assert np.median(shares) > 0.75


def test_a_box_holds_the_pixels_of_its_class(drive: list[Frame]) -> None:
    kinds: Counter[str] = Counter()
    for frame in drive:
        for box in frame.boxes:
            left, top, right, bottom = (round(edge) for edge in box.window)
            inside = frame.classes[max(top - 1, 0) : bottom + 2, max(left - 1, 0) : right + 2]
            assert np.count_nonzero(inside == CLASS_OF[box.kind]) >= box.visible > 0
            kinds[box.kind] += 1
    assert kinds["Car"] > 10 and kinds["Pedestrian"] > 0


def test_every_near_pixel_of_a_car_or_person_lies_in_a_box(drive: list[Frame]) -> None:
    for frame in drive:
        for label in (8, 9, 10):
            left_out = (frame.classes == label) & (frame.depth < 18)
            for box in frame.boxes:
                if CLASS_OF[box.kind] == label:
                    left, top, right, bottom = box.window
                    rows, columns = np.mgrid[0 : DRIVE.height, 0 : DRIVE.width]
                    within = (columns >= left - 1) & (columns <= right + 1) & (rows >= top - 1) & (rows <= bottom + 1)
                    left_out &= ~within
            assert not left_out.any()
