"""What looks like sky, and what only looks like it."""

import numpy as np
import pytest

from labels.sky import SkyParameters, sky

HEIGHT, WIDTH = 180, 320


@pytest.fixture
def street() -> np.ndarray:
    """A blue sky above textured houses and a grey road, (H, W, 3)."""
    image = np.random.default_rng(0).integers(30, 120, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    image[:60] = (150, 180, 220)
    image[100:] = 110
    return image


def found(image: np.ndarray, nearness: float = 0.0, known: bool = False, horizon: float = 95.0) -> np.ndarray:
    shape = image.shape[:2]
    return sky(image, horizon, np.full(shape, nearness, np.float32), np.full(shape, known))


def test_the_sky_is_found_and_the_road_is_none(street: np.ndarray) -> None:
    mask = found(street)
    assert mask[:56].mean() > 0.98
    assert not mask[66:].any()


def test_grey_frames_have_a_sky_too(street: np.ndarray) -> None:
    assert found(street.mean(axis=2).astype(np.uint8))[:56].mean() > 0.98


def test_a_white_wall_is_told_by_its_parallax(street: np.ndarray) -> None:
    assert found(street, nearness=0.1, known=True)[:56].mean() > 0.98
    assert not found(street, nearness=1.0, known=True).any()


def test_a_white_van_that_touches_the_sky_is_told_by_its_own_parallax(street: np.ndarray) -> None:
    street[60:90, 100:160] = street[:60, 100:160].mean(axis=(0, 1))
    near, known = np.zeros((HEIGHT, WIDTH), np.float32), np.zeros((HEIGHT, WIDTH), bool)
    near[58:90, 100:160] = 2.0  # what is measured at its edges goes on inside
    known[:, 100:112] = known[:, 148:160] = True
    without = sky(street, 95.0, near, np.zeros_like(known))
    assert without[64:86, 104:156].all()
    mask = sky(street, 95.0, near, known)
    assert not mask[64:86, 104:156].any()
    assert mask[:54].mean() > 0.98


@pytest.mark.parametrize("colour", [(40, 45, 60), (220, 170, 120), (90, 200, 90)], ids=["dark", "warm", "green"])
def test_what_is_dark_warm_or_green_is_no_sky(street: np.ndarray, colour: tuple[int, int, int]) -> None:
    street[:60] = colour
    assert not found(street).any()


def test_below_the_horizon_is_no_sky(street: np.ndarray) -> None:
    assert not found(street, horizon=-10.0).any()
    assert not found(street, horizon=30.0)[40:].any()


def test_a_small_patch_is_no_sky(street: np.ndarray) -> None:
    street[:60, 20:] = np.random.default_rng(1).integers(0, 255, (60, WIDTH - 20, 3))
    street[10:60] = 50
    street[:10, :20] = (150, 180, 220)
    assert not sky(
        street, 95.0, np.zeros((HEIGHT, WIDTH), np.float32), np.zeros((HEIGHT, WIDTH), bool), SkyParameters()
    ).any()
