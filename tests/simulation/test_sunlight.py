"""Shadows on the ground fall where the sun's direction puts them."""

import numpy as np
import pytest

from simulation.raycast import Ground
from simulation.solids import BOX, PLAIN, POLE, SolidList
from simulation.street import Street
from simulation.sunlight import cast_sunlight, sun_reaches


@pytest.fixture(scope="module")
def sunlit(ground: Ground) -> np.ndarray:
    """The map under a wall 4 m high and 10 m long across the street at 50 m; the sun stands 45 degrees over its end."""
    solids = SolidList()
    solids.add(BOX, (0.5, 5.0, 2.0), (50.0, 0.0, 2.0), PLAIN, (0, 0, 0), POLE)
    made, sun = solids.solids(), np.array([1.0, 0.0, 1.0]) / np.sqrt(2)
    return cast_sunlight(ground, Street(ground.pieces), made, made.rotation, made.position, sun)


# the wall's top lies at 50.5 m and 4 m up: its shadow reaches 4 m to 45.5 m, on the side away from the sun
PLACES = [
    ((48.0, 0.0), 0.0),
    ((45.9, 4.5), 0.0),
    ((45.0, 0.0), 1.0),
    ((51.5, 0.0), 1.0),
    ((48.0, 5.5), 1.0),
    ((48.0, -5.5), 1.0),
    ((120.0, 9.0), 1.0),
]


@pytest.mark.parametrize(("place", "share"), PLACES)
def test_a_wall_shades_the_ground_behind_it(sunlit: np.ndarray, place: tuple[float, float], share: float) -> None:
    assert sun_reaches(sunlit, *place, 0.1) == pytest.approx(share, abs=1e-6)


def test_edges_are_soft_over_a_cell_and_far_cells_are_averages(sunlit: np.ndarray) -> None:
    edge = [sun_reaches(sunlit, along, 0.0, 0.1) for along in np.arange(45.0, 46.0, 0.05)]
    assert sorted(edge, reverse=True) == pytest.approx(edge) and min(edge) == 0 and max(edge) == 1
    share = sunlit[4].sum() * 16**2 / sunlit[0].size
    assert share == pytest.approx(sunlit[0].mean(), abs=1e-3)


def test_the_shadowed_area_is_that_of_the_wall_and_its_shadow(sunlit: np.ndarray) -> None:
    dark = (1 - sunlit[0]).sum() * 0.2**2
    # 10 m wide, from the shadow's end at 45.5 m to the wall's far side at 50.5 m
    assert dark == pytest.approx(10 * 5, rel=0.03)
