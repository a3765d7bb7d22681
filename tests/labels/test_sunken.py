"""The ground in inverse depth: its slope, what lies under it, and a scene that is upside down."""

import numpy as np
import pytest

from labels.ground_slope import lower_edge
from labels.sunken import SunkenParameters, ground_slope, lift, upside_down

HEIGHT, WIDTH, HORIZON, SLOPE = 120, 160, 40.0, 0.01
EVERYWHERE = np.ones((HEIGHT, WIDTH), bool)
PARAMETERS = SunkenParameters()


@pytest.fixture
def ground() -> np.ndarray:
    """Inverse depth (H, W) of a ground that begins at the horizon, and of something far above it."""
    rows = np.arange(HEIGHT, dtype=np.float32)[:, None] - np.float32(HORIZON)
    return np.repeat(np.where(rows > 0, SLOPE * rows, 0.05), WIDTH, 1).astype(np.float32)


def lifted(rho: np.ndarray, deviation: float, measured: np.ndarray) -> np.ndarray:
    spread = np.full_like(rho, deviation)
    return lift(rho, spread, measured, ~measured, SLOPE, HORIZON, PARAMETERS)


def test_the_slope_is_that_of_the_ground_and_not_of_what_stands_on_it(ground: np.ndarray) -> None:
    assert ground_slope(ground, EVERYWHERE, HORIZON, PARAMETERS) == pytest.approx(SLOPE, rel=0.02)
    ground[50:110, 40:120] *= 1.6
    assert ground_slope(ground, EVERYWHERE, HORIZON, PARAMETERS) == pytest.approx(SLOPE, rel=0.02)


def test_a_few_pixels_tell_no_slope(ground: np.ndarray) -> None:
    assert ground_slope(ground, EVERYWHERE & (np.arange(WIDTH) < 8), HORIZON, PARAMETERS) is None


def test_measured_pixels_must_lie_deep_and_clearly_under_the_ground(ground: np.ndarray) -> None:
    rho = ground.copy()
    rho[100:110, :40] *= 0.3
    rho[100:110, 40:80] *= 0.7
    sunken = lifted(rho, 0.01, EVERYWHERE)
    assert sunken[100:110, :40].all() and not sunken[100:110, 40:].any()
    np.testing.assert_allclose(rho[100:110, :40], ground[100:110, :40], rtol=1e-5)
    rho[100:110, :40] *= 0.3
    assert not lifted(rho, 0.4, EVERYWHERE).any(), "its deviation allows for it"


def test_guessed_pixels_lie_on_the_ground_or_before_it(ground: np.ndarray) -> None:
    rho = ground.copy()
    rho[100:110, :40] *= 0.8
    rho[100:110, 40:80] *= 1.5
    sunken = lifted(rho, 0.4, ~EVERYWHERE)
    assert sunken[100:110, :40].all() and not sunken[:, 40:].any()


def test_what_lies_under_the_ground_is_told_by_the_formula() -> None:
    random, shape = np.random.default_rng(4), (HEIGHT, WIDTH)
    rho, deviation = random.uniform(0, 1, (2, *shape)).astype(np.float32)
    measured, guessed = random.random((2, *shape)) < 0.5
    ground = (SLOPE * np.maximum(np.arange(HEIGHT) - HORIZON, 0)).astype(np.float32)[:, None]
    clear = ground - rho > PARAMETERS.sigma * np.minimum(deviation, ground)
    wanted = measured & (rho < PARAMETERS.measured * ground) & clear | guessed & (rho < PARAMETERS.guessed * ground)
    found_rho, found_deviation = rho.copy(), deviation.copy()
    found = lift(found_rho, found_deviation, measured, guessed, SLOPE, HORIZON, PARAMETERS)
    np.testing.assert_array_equal(found, wanted)
    assert 0.02 < wanted.mean() < 0.5
    np.testing.assert_allclose(found_rho, np.where(wanted, ground, rho), rtol=1e-6)
    np.testing.assert_allclose(found_deviation, np.where(wanted, 0.3 * ground, deviation), rtol=1e-6)


def test_the_slope_asks_every_fourth_pixel_that_is_measured_and_well_below_the_horizon() -> None:
    random = np.random.default_rng(6)
    rho, measured = random.uniform(-1, 1, (HEIGHT, WIDTH)).astype(np.float32), random.random((HEIGHT, WIDTH)) < 0.6
    y, x = np.nonzero(measured & (rho > 0))
    asked = (y % 4 == 0) & (x % 4 == 0) & (y - HORIZON > PARAMETERS.rows * HEIGHT)
    wanted = lower_edge(rho[y, x][asked] / (y - HORIZON)[asked], np.ones(np.count_nonzero(asked)))
    assert ground_slope(rho, measured, HORIZON, PARAMETERS) == pytest.approx(wanted, rel=1e-12)


def test_a_scene_whose_ground_is_farther_than_what_stands_on_it_is_upside_down(ground: np.ndarray) -> None:
    assert upside_down(ground, EVERYWHERE, HORIZON) == 0
    ground[:40] = 2.0
    assert upside_down(ground, EVERYWHERE, HORIZON) == 1
    assert upside_down(ground, ~EVERYWHERE, HORIZON) == 0, "nothing is known"
