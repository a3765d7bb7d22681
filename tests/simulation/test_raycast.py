"""Rays meet hand-made solids where geometry says."""

import numpy as np
import pytest

from simulation.camera import Camera, look
from simulation.raycast import AIR, BACK, KERB_HEIGHT, ON_PAVEMENT, ON_ROAD, Ground, Hits, trace
from simulation.solids import BALL, BOX, COLUMN, FRUSTUM, PLAIN, POLE, RING, ROLL, SolidList
from simulation.textures import rip_maps


def hits(camera: Camera, ground: Ground, solids: SolidList, points: list[tuple[float, float]]) -> Hits:
    """What rays through image points meet; the solids stand as they were added."""
    made = solids.solids()
    view = look(camera, made, made.rotation, made.position)
    x, y = np.array(points, float).T.copy()
    return trace(view, ground, rip_maps(), x, y)


def solid(kind: int, size: tuple[float, ...], position: tuple[float, float, float], heading: float = 0.0) -> SolidList:
    solids = SolidList()
    solids.add(kind, size, position, PLAIN, (0.5, 0.5, 0.5), POLE, heading=heading)
    return solids


# kind, size, and how far before its centre the ray along x at the height of its centre meets it
SHAPES = [
    (BOX, (2.0, 1.0, 1.0), 2.0),
    (FRUSTUM, (2.0, 1.0, 1.0, 1.0, 0.5, 0.0), 1.5),
    (FRUSTUM, (2.0, 1.0, 1.0, 2.0, 0.5, -1.0), 2.5),  # the top has slid back by a metre: half of that here
    (COLUMN, (0.7, 0.7, 1.0), 0.7),
    (ROLL, (0.6, 1.0, 0.6), 0.6),
    (BALL, (1.5, 1.0, 1.0), 1.5),
]


@pytest.mark.parametrize(("kind", "size", "before"), SHAPES)
def test_a_ray_ahead_meets_the_near_side(
    camera: Camera, ground: Ground, kind: int, size: tuple[float, ...], before: float
) -> None:
    found = hits(camera, ground, solid(kind, size, (20.0, 0.0, 1.5)), [(50.0, 40.0)])
    assert found.key[0] // 8 == 0
    assert found.depth[0] == pytest.approx(20 - before, abs=1e-9)


def test_a_box_has_its_edges_where_they_project(camera: Camera, ground: Ground) -> None:
    # the near face lies at 18 m and reaches a metre to either side: 100 / 18 = 5.56 pixels
    edge = 100 / 18
    rays = [(50 + side * (edge + off), 40.0) for side in (-1, 1) for off in (-0.01, 0.01)]
    found = hits(camera, ground, solid(BOX, (2.0, 1.0, 1.0), (20.0, 0.0, 1.5)), rays)
    assert (found.key >= 0).tolist() == [True, False, True, False]
    assert found.key[0] % 8 == BACK


def test_a_ring_is_open_inside(camera: Camera, ground: Ground) -> None:
    # turned across the street, at 20 m: outer radius 1 m = 5 pixels, inner radius 0.8 m = 4 pixels
    ring = solid(RING, (1.0, 0.05, 0.8), (20.0, 0.0, 1.5), np.pi / 2)
    found = hits(camera, ground, ring, [(50.0, 40.0), (54.5, 40.0), (50.0, 35.5), (55.5, 40.0)])
    assert (found.key >= 0).tolist() == [False, True, True, False]
    assert found.depth[1] == pytest.approx(20.0)


def test_the_nearer_of_two_solids_is_met(camera: Camera, ground: Ground) -> None:
    solids = solid(BOX, (1.0, 3.0, 1.0), (40.0, 0.0, 1.5))
    solids.add(BOX, (0.5, 0.5, 0.5), (10.0, 0.0, 1.5), PLAIN, (0, 0, 0), POLE)
    found = hits(camera, ground, solids, [(50.0, 40.0), (57.0, 40.0)])
    assert found.depth == pytest.approx([9.5, 39.0])


def test_the_ground_is_road_then_kerb_then_pavement(camera: Camera, ground: Ground) -> None:
    rays = [(50.0, 55.0), (100.0, 48.0), (50.0, 39.0)]
    found = hits(camera, ground, solid(BOX, (0.1, 0.1, 0.1), (5.0, -4.0, 0.1)), rays)
    assert found.key.tolist() == [ON_ROAD, ON_PAVEMENT, AIR]
    assert found.depth[0] == pytest.approx(1.5 / 0.15)
    assert found.depth[1] == pytest.approx((1.5 - KERB_HEIGHT) / 0.08)
    assert found.across[1] == pytest.approx(-0.5 * found.depth[1])
    assert np.isinf(found.depth[2])
