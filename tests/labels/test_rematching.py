import cv2
import numpy as np
import pytest

from labels import census, matching
from labels.edge_filter import smooth
from labels.epipolar import CameraMotion, geometry, parallaxes
from labels.matching import Grid, MatchingParameters
from labels.rematching import RematchingParameters, limits, parallaxes_back, rematch

HEIGHT, WIDTH = 160, 240
ASIDE = CameraMotion(np.eye(3), np.array([1.0, 0.0, 0.0]), 0.8 * WIDTH, 1.0)
"""Moving to the right without turning: a point moves to the left by focal times k."""
LINE, LINE_BACK = geometry(ASIDE, HEIGHT, WIDTH), geometry(ASIDE.back(), HEIGHT, WIDTH)
GRID = Grid.over(HEIGHT, WIDTH, 4)
FAR, NEAR, POLE = 3, 60, np.s_[:, 150:155]
"""Motion of the background and of a pole, pixels to the left, and where the pole stands."""


def parallax(pixels: float) -> float:
    return pixels / ASIDE.focal


def noise(height: int, width: int, low: int, high: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    image = cv2.GaussianBlur(generator.normal(size=(height, width)).astype(np.float32), (0, 0), 1.2)
    image = (image - image.min()) / (image.max() - image.min())
    return (low + (high - low) * image).astype(np.uint8)


def pole_frames() -> tuple[np.ndarray, np.ndarray]:
    """A pole, 5 px wide, whose paint is as bright as the background on average; the background moves much less."""
    background = noise(HEIGHT, WIDTH + FAR, 90, 160, 0)
    pole = (40 + 170 * np.random.default_rng(1).integers(0, 2, (HEIGHT, 5))).astype(np.uint8)
    first, second = background[:, :WIDTH].copy(), background[:, FAR:].copy()
    first[POLE] = pole
    second[:, 150 - NEAR : 155 - NEAR] = pole
    return first, second


def searched(
    first: np.ndarray,
    second: np.ndarray,
    *,
    predicted: tuple[float, float] = (0.0, 0.0),
    most: int | np.ndarray = 140,
    range_px: tuple[float, float] = (0.0, 80.0),
    parameters: RematchingParameters | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """(found, matches) of a search for all seeds whose match is unknown."""
    matches = np.full((GRID.rows, GRID.columns, 3), -99, np.int32)
    there = np.full((GRID.rows, GRID.columns, 2), predicted, np.float32)
    allowed = np.broadcast_to(np.int32(most), there.shape[:2]).astype(np.int32)
    range_ = parallax(range_px[0]), parallax(range_px[1])
    descriptors = census.descriptors(first), census.descriptors(second)
    effort = parameters or RematchingParameters()
    geometries = LINE, LINE_BACK, range_, range_
    return rematch(*descriptors, smooth(first), matches, allowed, there, GRID, *geometries, effort), matches


def columns(start: int, stop: int) -> np.ndarray:
    x = GRID.x0 + GRID.step * np.arange(GRID.columns)
    return (x >= start) & (x < stop)


def test_a_thin_pole_that_coarse_levels_lose_is_found() -> None:
    first, second = pole_frames()
    count = matching.levels(HEIGHT, WIDTH)
    forth, back = ([census.descriptors(level) for level in census.pyramid(image, count)] for image in (first, second))
    pole = np.zeros((GRID.rows, GRID.columns), bool)
    pole[2:-2, columns(151, 154)] = True
    assert np.count_nonzero(pole) >= 30
    _, coarse = matching.match(forth, back, MatchingParameters(range=0.1))  # 24 px
    assert (coarse[pole][:, 0] == -NEAR).mean() < 0.3
    found, matches = searched(first, second, predicted=(-FAR, 0))
    assert (found[pole] & (matches[pole][:, :2] == (-NEAR, 0)).all(1)).mean() > 0.7


def test_the_background_goes_where_it_went_before() -> None:
    found, matches = searched(*pole_frames(), predicted=(-FAR, 0))
    clear = np.zeros(found.shape, bool)
    clear[3:-3, columns(20, 75) | columns(170, 220)] = True
    assert found[clear].mean() > 0.98
    assert (matches[clear & found] == (-FAR, 0, 0)).all(1).mean() > 0.98


def test_costs_are_those_of_the_matching() -> None:
    first, second = pole_frames()
    found, matches = searched(first, second, predicted=(-FAR, 0))
    census1, census2 = census.descriptors(first), census.descriptors(second)
    for j, i in np.argwhere(found)[::37]:
        x, y = GRID.x0 + GRID.step * i, GRID.y0 + GRID.step * j
        u, v, cost = matches[j, i]
        assert matching.cost_at(census1, y, x, census2, y + v, x + u) == cost


@pytest.mark.parametrize("levels", [(90, 90), (90, 94), (0, 0)])
def test_nothing_is_accepted_where_nothing_can_be_seen(levels: tuple[int, int]) -> None:
    first, second = (noise(HEIGHT, WIDTH, *levels, seed) for seed in (0, 1))
    found, matches = searched(first, second, most=558)
    assert not found.any()
    assert (matches == -99).all()


def test_unlike_frames_have_few_matches() -> None:
    first, second = noise(HEIGHT, WIDTH, 0, 255, 0), noise(HEIGHT, WIDTH, 0, 255, 1)
    found, matches = searched(first, second)
    assert found.mean() < 0.25  # a quarter of the bits may differ, and there are 80 places: chance finds some
    assert matching.without_isolated(matches[..., :2].astype(np.float32), found, GRID.step).mean() < 0.01


def test_each_seed_has_a_limit_of_its_own() -> None:
    first, second = pole_frames()
    spoilt = np.clip(second + np.random.default_rng(2).normal(0, 12, second.shape), 0, 255).astype(np.uint8)
    most = np.full((GRID.rows, GRID.columns), 140, np.int32)
    most[:, ::2] = -1
    found, matches = searched(first, spoilt, predicted=(-FAR, 0), most=most)
    assert not found[:, ::2].any() and found[:, 1::2].mean() > 0.5
    assert (matches[~found] == -99).all()
    costs = matches[found][:, 2]
    assert 0 < costs.min() <= costs.max() <= 140
    strict, again = searched(first, spoilt, predicted=(-FAR, 0), most=int(np.median(costs)))
    assert 0 < np.count_nonzero(strict[:, 1::2]) < np.count_nonzero(found)
    assert again[strict][:, 2].max() <= np.median(costs)


def test_the_predicted_place_decides_between_equals() -> None:
    """Texture that repeats every 16 px, on a camera that moves aside."""
    tile = np.tile(noise(HEIGHT, 16, 0, 255, 3), (1, WIDTH // 16))
    inner = columns(90, 220)
    for wanted in (0, 16, 48):
        found, matches = searched(tile, tile, predicted=(-wanted - 2.0, 0))
        assert found[4:-4, inner].all()
        assert (matches[4:-4, inner] == (-wanted, 0, 0)).all()


def test_places_outside_the_range_are_not_tried() -> None:
    found, matches = searched(*pole_frames(), predicted=(-FAR, 0), range_px=(5, 40))
    tried = matches[found][:, 0]
    assert ((tried >= -41) & (tried <= -4)).all()


def test_seeds_and_targets_at_the_border_are_left_out() -> None:
    found, matches = searched(*pole_frames(), predicted=(-FAR, 0), parameters=RematchingParameters(border_px=20))
    y, x = np.indices(found.shape) * GRID.step + np.array([GRID.y0, GRID.x0])[:, None, None]
    assert found.any()
    assert x[found].min() >= 20 and (x + matches[..., 0])[found].min() >= 20
    assert x[found].max() < WIDTH - 20 and y[found].min() >= 20 and y[found].max() < HEIGHT - 20


def test_limits_are_the_range_of_the_good_matches_and_a_margin() -> None:
    found = np.zeros((10, 101, 3))
    found[..., 0], found[..., 1] = np.linspace(0, 1, 101), 5.0
    found[0, :, 0] = 1e3  # not good
    good = np.ones((10, 101), bool)
    good[0] = False
    low, high = limits(found, good)
    assert (low, high) == pytest.approx((-0.3, 1.3), abs=0.02)
    low, high = limits(found, good, margin=0.0)
    assert (low, high) == pytest.approx((0.0, 1.0), abs=0.01)


def test_matches_at_the_epipole_tell_no_limit() -> None:
    found = np.zeros((10, 100, 3))
    found[..., 0], found[..., 1] = 0.5, 10.0
    found[:2, :, 0], found[:2, :, 1] = 80.0, 0.1
    assert limits(found, np.ones((10, 100), bool)) == pytest.approx((0.5, 0.5))


def test_without_good_matches_the_limits_are_nothing() -> None:
    assert limits(np.ones((4, 5, 3)), np.zeros((4, 5), bool)) == (0.0, 0.0)


def test_parallaxes_back_are_those_of_the_turned_pair() -> None:
    """A seed on whole pixels in both frames, so that the turned pair has a grid too."""
    motion = CameraMotion(cv2.Rodrigues(np.array([0.01, -0.02, 0.005]))[0], np.array([0.1, 0.0, 0.995]), 200.0, 1.0)
    line_back = geometry(motion.back(), HEIGHT, WIDTH)
    displacements = np.full((GRID.rows, GRID.columns, 2), (5, -3), np.float32)
    found = parallaxes_back(displacements, GRID.step, GRID.x0, GRID.y0, line_back)
    wanted = parallaxes(-displacements, GRID.step, GRID.x0 + 5, GRID.y0 - 3, line_back)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)
