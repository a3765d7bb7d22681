"""The ground in inverse depth: its slope, what lies under it, and a scene that is upside down."""

import numpy as np
import pytest

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


def test_a_scene_whose_ground_is_farther_than_what_stands_on_it_is_upside_down(ground: np.ndarray) -> None:
    assert upside_down(ground, EVERYWHERE, HORIZON) == 0
    ground[:40] = 2.0
    assert upside_down(ground, EVERYWHERE, HORIZON) == 1
    assert upside_down(ground, ~EVERYWHERE, HORIZON) == 0, "nothing is known"
