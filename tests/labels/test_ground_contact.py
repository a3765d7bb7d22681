import cv2
import numpy as np
import pytest

from labels.ground_contact import (
    ContactParameters,
    RoadPlane,
    _corridor,
    _judged,
    _trapezoid,
    _weighted,
    moving_along,
    road_plane,
)

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


def test_pixels_are_judged_against_the_road_at_their_own_place() -> None:
    generator, (height, width), of = np.random.default_rng(4), (37, 53), ContactParameters(sigma=2.0)
    plane = RoadPlane(-0.2, 1e-3, 0.02)
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    road = plane.at(x, y)
    smooth = cv2.GaussianBlur(generator.normal(0, 3, (height, width)).astype(np.float32), (0, 0), 3)
    rho = (road + 0.6 * smooth).astype(np.float32)
    deviation = generator.uniform(0, 0.1, (height, width)).astype(np.float32)
    seen = generator.random((height, width)) < 0.8
    sunken, standing = _judged(rho, deviation, seen, plane, _corridor(plane, height, width, of), of)

    down = (y - (0.2 - 1e-3 * width / 2) / 0.02) / (height - (0.2 - 1e-3 * width / 2) / 0.02)
    corridor = (np.abs(x - width / 2) < 0.45 * width * down) & (down > 0.05)
    low, high = cv2.erode(rho, np.ones((3, 3))), cv2.dilate(rho, np.ones((3, 3)))
    below = seen & corridor & (rho - road < -0.3 * road) & (rho - road < -2 * deviation)
    above = seen & (rho - road > np.float32(0.1) * np.maximum(road, 0)) & (high - low < np.float32(0.15) * high)
    assert 0.02 < below.mean() < 0.5 and 0.02 < above.mean() < 0.5
    np.testing.assert_array_equal(sunken, below)
    np.testing.assert_array_equal(standing, above)


def test_the_road_is_fitted_to_every_nth_seen_pixel_of_the_trapezoid() -> None:
    generator = np.random.default_rng(5)
    rho, seen = generator.random((20, 31)).astype(np.float32), generator.random((20, 31)) < 0.7
    half = np.linspace(3.0, 14.0, 9)
    places, values = _trapezoid(rho, seen, 7, half, 2)
    inside = np.zeros_like(seen)
    for y in range(7, 16, 2):
        inside[y, ::2] = np.abs(np.arange(0, 31, 2) - 15.5) < half[y - 7]
    rows, columns = np.nonzero(inside & seen)
    assert len(rows) > 20
    np.testing.assert_array_equal(places, np.stack([np.ones(len(rows)), columns / 31, rows / 20], 1))
    np.testing.assert_array_equal(values, rho[rows, columns])


def test_equations_are_weighted_by_what_the_fit_leaves_of_the_inverse_depth() -> None:
    generator, scale, cutoff = np.random.default_rng(6), 0.4, 0.2
    A, rho, fitted = generator.random((50, 3)), generator.random(50), generator.uniform(-0.1, 1, 50)
    residual = np.empty(50)
    weighted = _weighted(A, rho, fitted, scale, cutoff, residual)
    size = np.maximum(fitted, 0.08)
    left = (rho - fitted) / size
    assert np.count_nonzero(fitted < 0.08) > 3
    np.testing.assert_allclose(residual, left, rtol=1e-15)
    weight = 1 / (1 + (left / cutoff) ** 2) ** 2 / (size / scale) ** 2
    np.testing.assert_allclose(weighted, A * weight[:, None], rtol=1e-12)
