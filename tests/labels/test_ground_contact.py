import numpy as np
import pytest

from labels.ground_contact import moving_along, road_plane

HEIGHT, WIDTH, HORIZON = 360, 640, 150
Y, X = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
ROAD = np.maximum(0.002 * (Y - HORIZON), 0).astype(np.float32)
SEEN = np.ones((HEIGHT, WIDTH), bool)
DEVIATION = np.full((HEIGHT, WIDTH), 0.003, np.float32)
CAR = np.s_[170:230, 280:360]  # stands on row 230


def standing(factor: float) -> np.ndarray:
    """A thing whose inverse depth is ``factor`` times that of the road where it touches it."""
    rho = ROAD.copy()
    rho[CAR] = factor * 0.002 * (230 - HORIZON)
    return rho


def test_the_plane_is_that_of_the_road() -> None:
    truth = (0.002 * (Y - HORIZON) + 1e-5 * (X - 320)).astype(np.float32)
    rho = truth * np.random.default_rng(1).normal(1, 0.02, truth.shape).astype(np.float32)
    rho[230:300, 330:420] = 0.5  # a car
    plane = road_plane(rho, SEEN)
    assert plane is not None
    np.testing.assert_allclose(plane.at(X, Y)[200:], truth[200:], rtol=0.02)


def test_no_plane_where_there_is_none() -> None:
    rho = np.random.default_rng(1).uniform(0, 1, ROAD.shape).astype(np.float32)
    assert road_plane(rho, SEEN) is None
    assert road_plane(ROAD[::-1].copy(), SEEN) is None  # grows upwards
    assert road_plane(ROAD, np.zeros_like(SEEN)) is None
    assert not moving_along(rho, DEVIATION, SEEN).any()


@pytest.mark.parametrize("factor", [0.0, 0.1, 2.0, 3.0])
def test_a_thing_that_does_not_stand_where_it_touches_moves(factor: float) -> None:
    moving = moving_along(standing(factor), DEVIATION, SEEN)
    low = np.s_[210:228, 284:356]  # the part below the road's horizon by so much that 30 % can be told
    assert moving[low].mean() > 0.95
    moving[168:232, 278:362] = False
    assert not moving.any()


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.1, 1.4])
def test_a_thing_that_stands_is_still(factor: float) -> None:
    """1.4: the road seen just below a bumper 0.3 to 0.4 m high lies that much farther than the bumper."""
    assert not moving_along(standing(factor), DEVIATION, SEEN).any()


def test_noise_is_no_reason() -> None:
    assert not moving_along(standing(0.0), 0.1 + DEVIATION, SEEN).any()
    assert not moving_along(standing(2.0), 0.1 + DEVIATION, SEEN).any()


def test_unseen_pixels_do_not_move() -> None:
    seen = SEEN.copy()
    seen[CAR] = False
    assert not moving_along(standing(0.0), DEVIATION, seen).any()


def test_walls_and_what_is_beside_the_road_are_left_alone() -> None:
    rho = ROAD.copy()
    rho[:, 600:] = 0.3  # a wall down to the border
    rho[250:330, 0:40] = 0  # a ditch beside the road
    assert not moving_along(rho, DEVIATION, SEEN).any()
