"""What looks like sky, and what only looks like it."""

import cv2
import numpy as np
import pytest

from labels.sky import BLURRED, SkyParameters, _likely, _reduced, sky

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


@pytest.mark.parametrize("coloured", [True, False], ids=["rgb", "grey"])
def test_a_pixel_looks_like_sky_by_its_brightness_gradient_and_colour(coloured: bool) -> None:
    shape, of = (60, 90, 3)[: 2 + coloured], SkyParameters(max_gradient=10.0)
    image = cv2.GaussianBlur(np.random.default_rng(2).integers(0, 255, shape).astype(np.uint8), (0, 0), 1.2)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if coloured else image
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.8).astype(np.float64)
    gradient = np.hypot(cv2.Sobel(smooth, cv2.CV_64F, 1, 0), cv2.Sobel(smooth, cv2.CV_64F, 0, 1)) / 8
    fits = gradient < of.max_gradient
    if coloured:
        red, green, blue = np.moveaxis(image.astype(np.float64), 2, 0)
        fits &= (blue >= red - 8) & (green <= np.maximum(red, blue) + 8)
    assert 0.05 < fits.mean() < 0.95
    for end in range(10, 56):
        expected = fits[:end] & (grey[:end] > max(0.62 * np.quantile(grey[:end], 0.98), 70))
        expected[:2] = expected[2]
        np.testing.assert_array_equal(_likely(image[: end + BLURRED], end, of), expected)


@pytest.mark.parametrize("size", [(213, 120), (213, 121), (100, 60), (320, 180)])
def test_the_upper_part_of_a_frame_is_reduced_as_the_frame_is(size: tuple[int, int]) -> None:
    image = np.random.default_rng(3).integers(0, 255, (180, 320, 3)).astype(np.uint8)
    whole = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    for rows in (5, 31, size[1], size[1] + BLURRED):
        np.testing.assert_array_equal(_reduced(image, size, rows), whole[:rows])
