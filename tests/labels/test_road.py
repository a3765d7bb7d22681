"""The ground's slope from what stands beside the road, and the road's plane from its grey levels."""

import math

import cv2
import numpy as np
import pytest

from labels import edge_filter, epipolar, ground_plane, road
from labels.epipolar import CameraMotion, Epipolar
from labels.ground_plane import Expectation, GroundParameters
from labels.matching import Grid
from labels.road import RoadParameters
from labels.seeds import Seeds

HEIGHT, WIDTH, HORIZON, SLOPE = 180, 320, 90.0, 6e-3
STEP = 4


def make_seeds(parallax: np.ndarray, grid: Grid) -> tuple[Seeds, np.ndarray]:
    """Seeds that all weigh the same, with these parallaxes; a unit of parallax moves by 100 px."""
    guide = np.zeros((HEIGHT, WIDTH), np.uint8)
    shape = parallax.shape
    along = edge_filter.decays(guide, grid, edge_filter.EdgeParameters())
    empty = np.zeros((*shape, 3), np.int32)
    seeds = Seeds(grid, along, empty, np.zeros((*shape, 2), np.float32), np.ones(shape, np.float32))
    return seeds, np.stack([parallax, np.full(shape, 100.0), np.zeros(shape)], -1)


@pytest.fixture
def grid() -> Grid:
    """Seeds over the whole frame."""
    return Grid(STEP, WIDTH // STEP, HEIGHT // STEP, 2, 2)


def ground_below(grid: Grid) -> np.ndarray:
    """Parallax (rows, columns) of a ground that begins at the horizon; far above it."""
    rows = grid.y0 + grid.step * np.arange(grid.rows, dtype=float)[:, None]
    return np.maximum(SLOPE * (rows - HORIZON), 1e-5) * np.ones((1, grid.columns))


def test_the_slope_is_that_of_the_ground_below_what_stands_on_it(grid: Grid) -> None:
    parallax = ground_below(grid)
    parallax[:, :40] *= np.random.default_rng(0).uniform(1.0, 3.0, (grid.rows, 40))  # half the view stands above it
    seeds, parallaxes = make_seeds(parallax, grid)
    found = road.expected(seeds, parallaxes, HORIZON, HEIGHT, RoadParameters())
    assert found is not None
    assert found.slope == pytest.approx(SLOPE, rel=0.02)


def test_what_was_copied_from_the_frame_before_does_not_lower_the_slope(grid: Grid) -> None:
    parallax = ground_below(grid)
    parallax[:, 30:60] *= 0.05
    seeds, parallaxes = make_seeds(parallax, grid)
    found = road.expected(seeds, parallaxes, HORIZON, HEIGHT, RoadParameters())
    assert found is not None
    assert found.slope == pytest.approx(SLOPE, rel=0.02)


def test_few_matches_tell_no_slope(grid: Grid) -> None:
    seeds, parallaxes = make_seeds(ground_below(grid), grid)
    seeds.weights[:, 1:] = 0
    assert road.expected(seeds, parallaxes, HORIZON, HEIGHT, RoadParameters()) is None


def test_where_few_matches_tell_the_slope_is_that_of_the_pairs_before(grid: Grid) -> None:
    seeds, parallaxes = make_seeds(ground_below(grid), grid)
    seeds.weights[:, 1:] = 0
    found = road.expected(seeds, parallaxes, HORIZON, HEIGHT, RoadParameters(), before=1.1 * SLOPE)
    assert found is not None
    assert found.slope == pytest.approx(1.1 * SLOPE)


def test_the_slope_lies_between_what_is_seen_and_what_was_known(grid: Grid) -> None:
    seeds, parallaxes = make_seeds(ground_below(grid), grid)
    found = road.expected(seeds, parallaxes, HORIZON, HEIGHT, RoadParameters(), before=1.2 * SLOPE)
    assert found is not None
    assert 1.01 * SLOPE < found.slope < 1.1 * SLOPE  # what is seen is the firmer of the two


def test_asphalt_that_seems_farther_than_all_above_the_horizon_is_not_asked(grid: Grid) -> None:
    rows = grid.y0 + grid.step * np.arange(grid.rows, dtype=float)[:, None]
    parallax = ground_below(grid)
    parallax[:, :70] *= 0.1  # most of the road was copied
    parallax = np.where(rows < HORIZON, 0.3 * SLOPE * (HEIGHT - HORIZON), parallax)
    seeds, parallaxes = make_seeds(parallax, grid)
    found = road.expected(seeds, parallaxes, HORIZON, HEIGHT, RoadParameters())
    assert found is not None
    assert found.slope == pytest.approx(SLOPE, rel=0.02)


def test_what_lies_under_the_ground_loses_its_weight_and_nothing_else_does(grid: Grid) -> None:
    parallax = ground_below(grid)
    parallax[40, 20] *= 0.2
    parallax[40, 30] *= 4.0
    seeds, parallaxes = make_seeds(parallax, grid)
    road.drop_sunken(seeds, parallaxes, HORIZON, SLOPE, RoadParameters())
    assert seeds.weights[40, 20] == 0
    assert np.count_nonzero(seeds.weights == 0) == 1


def ahead() -> Epipolar:
    """A camera that drives straight ahead."""
    motion = CameraMotion(np.eye(3), np.array([0.0, 0.0, 1.0]), 0.8 * WIDTH, 1.0)
    return epipolar.geometry(motion, HEIGHT, WIDTH)


def views_of_a_road(slope: float, tilt: float) -> tuple[np.ndarray, np.ndarray]:
    """Two frames of a textured plane below the horizon."""
    noise = np.random.default_rng(1).uniform(0, 255, (HEIGHT, WIDTH)).astype(np.float32)
    second = cv2.GaussianBlur(noise, (0, 0), 2.0) * 3
    line = ahead()
    maps = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    for y in range(HEIGHT):
        for x in range(WIDTH):
            k = max(slope * (y - HORIZON + tilt * (x - line.cx)), 0.0)
            maps[y, x] = epipolar.point_at.py_func(line, epipolar.on_plane.py_func(line, float(x), float(y)), k)
    return cv2.remap(second, maps, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), second


def test_grey_levels_correct_what_was_expected() -> None:
    first, second = views_of_a_road(2e-3, 0.02)
    found = ground_plane.find(first, second, ahead(), HORIZON, Expectation(2e-3 * math.exp(0.2)), GroundParameters())
    assert found is not None
    assert found.plane[2] == pytest.approx(2e-3, rel=0.02)
    assert found.plane[1] / found.plane[2] == pytest.approx(0.02, abs=0.004)
    assert found.misfit < 0.5


def test_misfits_are_mean_squares_of_what_stays_inside() -> None:
    first, second = views_of_a_road(2e-3, 0.02)
    y, x = (index.ravel().astype(np.float64) for index in np.mgrid[100:170:7, 5:315:9])
    planes = np.array([[-2e-3 * HORIZON, 0.0, 2e-3], [-0.1, 1e-4, 2e-3], [0.3, 0.0, 0.0], [100.0, 0.0, 0.0]])
    found = ground_plane._misfits(first, second, ahead(), x, y, planes, 20.0)
    for plane, misfit in zip(planes[:3], found[:3], strict=True):
        k = plane @ [np.ones(len(x)), x, y]
        # straight ahead, points move away from the middle
        x2, y2 = ((at - centre) / (1 - k) + centre for at, centre in ((x, (WIDTH - 1) / 2), (y, (HEIGHT - 1) / 2)))
        inside = (x2 >= 0) & (y2 >= 0) & (x2 < WIDTH - 1) & (y2 < HEIGHT - 1)
        warped = cv2.remap(second, x2.astype(np.float32)[None], y2.astype(np.float32)[None], cv2.INTER_LINEAR)[0]
        squares = np.minimum((warped - first[y.astype(int), x.astype(int)]) ** 2, 400.0)
        assert misfit == pytest.approx(squares[inside].mean(), rel=0.02)  # OpenCV counts 32nds of a pixel
    assert np.isnan(found[3])  # all lie outside


def test_a_slope_ten_times_wrong_is_not_moved_by_grey_levels_that_fit_nothing() -> None:
    first, _ = views_of_a_road(2e-3, 0.0)
    other = np.random.default_rng(7).uniform(0, 255, first.shape).astype(np.float32)
    found = ground_plane.find(first, other, ahead(), HORIZON, Expectation(2e-4), GroundParameters())
    assert found is not None
    assert found.plane[2] == pytest.approx(2e-4, rel=0.5)


def test_a_blank_road_is_as_expected() -> None:
    blank = np.full((HEIGHT, WIDTH), 90, np.float32)
    found = ground_plane.find(blank, blank, ahead(), HORIZON, Expectation(2e-3), GroundParameters())
    assert found is not None
    assert found.at(5.0, HORIZON) == pytest.approx(0.0, abs=1e-12)
    assert found.plane[2] == pytest.approx(2e-3)


def test_without_a_horizon_in_sight_there_is_no_road() -> None:
    first, second = views_of_a_road(2e-3, 0.0)
    assert ground_plane.find(first, second, ahead(), 2.0 * HEIGHT, Expectation(2e-3), GroundParameters()) is None
