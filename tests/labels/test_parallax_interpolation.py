import cv2
import numpy as np
import pytest

from labels.edge_filter import EdgeParameters, decays
from labels.epipolar import CameraMotion, Epipolar, geometry, on_plane, parallax_at
from labels.likeness import of_levels
from labels.matching import Grid
from labels.parallax_interpolation import PlaneParameters, fit_planes, interpolate, predicted

HEIGHT, WIDTH = 120, 200
ANYWHERE = (-np.inf, np.inf)
ALIKE = np.full(256, 1, np.float32)
FLAT = np.full((HEIGHT, WIDTH), 100, np.uint8)
P = np.array([0.02, 1e-4, 4e-4])
"""Inverse depth over the way travelled at the image's origin, its change a pixel to the right and downwards."""


def still_line(T: tuple[float, float, float] = (0.1, 0.0, 1.0)) -> Epipolar:
    R = cv2.Rodrigues(np.deg2rad([0.3, 1.0, -0.5]))[0]
    return geometry(CameraMotion(R, np.array(T) / np.linalg.norm(T), 0.8 * WIDTH, 1.0), HEIGHT, WIDTH)


def moved(line: Epipolar, y: np.ndarray, x: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Displacement of pixels with parallax k, from ``x2 ~ H x + k e``."""
    points = np.stack([(x - line.cx) / line.scale, (y - line.cy) / line.scale, np.ones_like(x)], -1)
    ends = points @ line.H.T + k[..., None] * line.e
    ends = ends[..., :2] / ends[..., 2:] * line.scale
    return np.stack([ends[..., 0] + line.cx - x, ends[..., 1] + line.cy - y], -1)


def slanted(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    return P[0] + P[1] * x + P[2] * y


def everywhere(line: Epipolar) -> np.ndarray:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    return moved(line, y, x, slanted(y, x))


def matched(grid: Grid, line: Epipolar, k: np.ndarray | None = None) -> np.ndarray:
    """``epipolar.parallaxes`` of exact matches on the plane, or with parallax k."""
    y, x = np.mgrid[0 : grid.rows, 0 : grid.columns].astype(float) * grid.step
    y, x = y + grid.y0, x + grid.x0
    ends = moved(line, y, x, slanted(y, x) if k is None else k) + np.stack([x, y], -1)
    found = [parallax_at(line, on_plane(line, a, b), *end) for a, b, end in zip(x.flat, y.flat, ends.reshape(-1, 2))]
    return np.array(found).reshape(grid.rows, grid.columns, 3)


def seeds(step: int = 4) -> tuple[Grid, np.ndarray]:
    grid = Grid.over(HEIGHT, WIDTH, step)
    return grid, np.ones((grid.rows, grid.columns), np.float32)


@pytest.mark.parametrize("step", [3, 4, 7])
def test_matches_on_one_plane_give_its_flow_everywhere(step: int) -> None:
    """The weights of matches nearer to the epipole are smaller; the plane is theirs all the same."""
    line, (grid, weights) = still_line(), seeds(step)
    weights[np.random.default_rng(0).random(weights.shape) < 0.5] = 0
    parallaxes = matched(grid, line)
    parallaxes[weights == 0, 0] = 1e3
    along = decays(FLAT, grid, EdgeParameters())
    planes, robust = fit_planes(parallaxes, weights, along, PlaneParameters(ridge=1e-6))
    flow = interpolate(planes, FLAT, grid, line, ANYWHERE, ALIKE)
    assert flow.shape == (HEIGHT, WIDTH, 2) and flow.dtype == np.float32
    np.testing.assert_allclose(flow, everywhere(line), atol=5e-3)
    np.testing.assert_allclose(robust, weights, atol=1e-4)
    y, x = np.indices(weights.shape) * step + np.array([grid.y0, grid.x0])[:, None, None]
    there = predicted(planes, grid.step, grid.x0, grid.y0, line, *ANYWHERE)
    np.testing.assert_allclose(there, everywhere(line)[y, x], atol=5e-3)


def test_the_default_ridge_costs_little() -> None:
    line, (grid, weights) = still_line(), seeds()
    planes, _ = fit_planes(matched(grid, line), weights, decays(FLAT, grid, EdgeParameters()), PlaneParameters())
    error = np.abs(interpolate(planes, FLAT, grid, line, ANYWHERE, ALIKE) - everywhere(line))
    assert np.median(error) < 0.01
    assert error.max() < 0.2


def test_thirty_percent_of_outliers_are_left_out() -> None:
    """Some wrong by their place on the line, some beside it."""
    line, (grid, weights), generator = still_line(), seeds(), np.random.default_rng(1)
    parallaxes = matched(grid, line)
    wrong = generator.random(weights.shape) < 0.3
    beside = wrong & (generator.random(weights.shape) < 0.5)
    parallaxes[..., 0] += wrong * generator.uniform(5, 30, weights.shape) / np.maximum(parallaxes[..., 1], 1)
    parallaxes[beside, 2] = generator.uniform(5, 20, np.count_nonzero(beside))
    along = decays(FLAT, grid, EdgeParameters())
    planes, robust = fit_planes(parallaxes, weights, along, PlaneParameters(reweightings=8))
    error = np.abs(interpolate(planes, FLAT, grid, line, ANYWHERE, ALIKE) - everywhere(line))
    assert np.median(error) < 0.1
    assert robust[beside].max() < 0.02
    far = parallaxes[..., 1] > 20  # nearer to the epipole parallax hardly moves a point
    assert np.median(robust[wrong & far]) < 0.02
    assert np.median(robust[~wrong]) > 0.9


def test_what_moves_has_no_part_in_the_fits() -> None:
    line, (grid, weights) = still_line(), seeds()
    parallaxes = matched(grid, line)
    parallaxes[5:20, 10:25] += np.array([0.5, 0.0, 8.0])
    planes, robust = fit_planes(parallaxes, weights, decays(FLAT, grid, EdgeParameters()), PlaneParameters())
    assert robust[5:20, 10:25].max() < 0.01
    error = np.abs(interpolate(planes, FLAT, grid, line, ANYWHERE, ALIKE) - everywhere(line)).max(-1)
    assert np.median(error[20:80, 40:100]) < 0.5


def test_every_flow_ends_on_its_line() -> None:
    line, (grid, _), generator = still_line(), seeds(), np.random.default_rng(2)
    planes = generator.uniform(0, 0.1, (grid.rows, grid.columns, 3)).astype(np.float32)
    flow = interpolate(planes, FLAT, grid, line, (0.0, 0.3), ALIKE)
    for y in range(0, HEIGHT, 7):
        for x in range(0, WIDTH, 7):
            plane = on_plane(line, float(x), float(y))
            k, _, off = parallax_at(line, plane, x + flow[y, x, 0], y + flow[y, x, 1])
            assert abs(off) < 1e-3
            assert -1e-3 < k < 0.301


def test_parallax_is_held_within_its_limits() -> None:
    line, (grid, _) = still_line(), seeds()
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    planes = np.zeros((grid.rows, grid.columns, 3), np.float32)
    for value, limited in ((5.0, 0.2), (-5.0, 0.05)):
        planes[..., 0] = value
        wanted = moved(line, y, x, np.full(x.shape, limited))
        found = interpolate(planes, FLAT, grid, line, (0.05, 0.2), ALIKE)
        np.testing.assert_allclose(found, wanted, atol=2e-3)
        there = predicted(planes, grid.step, grid.x0, grid.y0, line, 0.05, 0.2)
        np.testing.assert_allclose(there, wanted[grid.y0 :: grid.step, grid.x0 :: grid.step], atol=2e-3)


def test_without_any_match_the_scene_is_infinitely_far() -> None:
    line, (grid, weights) = still_line(), seeds()
    parallaxes = np.full((*weights.shape, 3), 7.0)
    planes, robust = fit_planes(parallaxes, 0 * weights, decays(FLAT, grid, EdgeParameters()), PlaneParameters())
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    found = interpolate(planes, FLAT, grid, line, ANYWHERE, ALIKE)
    np.testing.assert_allclose(found, moved(line, y, x, np.zeros(x.shape)), atol=2e-3)
    assert not robust.any()


def test_a_near_wall_ends_at_the_edge_of_the_guide() -> None:
    guide = np.where(np.arange(WIDTH) < 101, 40, 200).astype(np.uint8)[None].repeat(HEIGHT, 0)
    line, (grid, weights) = still_line((1.0, 0.0, 0.0)), seeds()
    x = (grid.x0 + grid.step * np.arange(grid.columns))[None].repeat(grid.rows, 0)
    parallaxes = matched(grid, line, np.where(x < 101, 0.02, 0.15))
    planes, _ = fit_planes(parallaxes, weights, decays(guide, grid, EdgeParameters()), PlaneParameters())
    flow = interpolate(planes, guide, grid, line, ANYWHERE, of_levels(12))
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    wanted = moved(line, y, x, np.where(x < 101, 0.02, 0.15))
    assert np.abs(flow - wanted).max() < 0.1


@pytest.mark.parametrize(("height", "width", "step"), [(64, 67, 4), (70, 65, 7), (64, 64, 64)])
def test_seeds_count_by_how_near_and_how_like_they_are(height: int, width: int, step: int) -> None:
    """The formula at some pixels, those beside the grid among them, whose outermost seeds go on."""
    random, grid, line = np.random.default_rng(9), Grid.over(height, width, step), still_line()
    guide = random.integers(0, 256, (height, width), dtype=np.uint8)
    planes = random.uniform(-0.02, 0.08, (grid.rows, grid.columns, 3)).astype(np.float32)
    flow = interpolate(planes, guide, grid, line, (0.0, 0.1), of_levels(30))
    for y in (0, 1, 17, height - 1):
        for x in (0, 3, 31, width - 1):
            j, i = (y - grid.y0) // step, (x - grid.x0) // step
            share = np.array([(y - grid.y0) / step - j, (x - grid.x0) / step - i])
            total = weighted = 0.0
            for b, a in np.ndindex(2, 2):
                row, column = np.clip(j + b, 0, grid.rows - 1), np.clip(i + a, 0, grid.columns - 1)
                other = int(guide[grid.y0 + row * step, grid.x0 + column * step])
                alike = np.exp(-abs(int(guide[y, x]) - other) / 30) + 1e-4
                weight = (abs(1 - b - share[0]) * abs(1 - a - share[1]) + 0.02) * alike
                k, right, down = planes[row, column].astype(float)
                k += right * ((x - grid.x0) / step - column) + down * ((y - grid.y0) / step - row)
                total, weighted = total + weight, weighted + weight * k
            k = np.clip(weighted / total, 0, 0.1)
            np.testing.assert_allclose(flow[y, x], moved(line, *np.array([y, x, k])), atol=1e-3)


@pytest.mark.parametrize(("height", "width", "step"), [(64, 64, 64), (64, 200, 40), (200, 64, 40), (64, 71, 70)])
def test_grids_of_one_row_or_column_fill_the_image(height: int, width: int, step: int) -> None:
    grid, line = Grid.over(height, width, step), still_line()
    guide = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    k = np.full((grid.rows, grid.columns), 0.1)
    weights = np.ones((grid.rows, grid.columns), np.float32)
    along = decays(guide, grid, EdgeParameters())
    planes, _ = fit_planes(matched(grid, line, k), weights, along, PlaneParameters())
    y, x = np.mgrid[0:height, 0:width].astype(float)
    found = interpolate(planes, guide, grid, line, ANYWHERE, ALIKE)
    np.testing.assert_allclose(found, moved(line, y, x, np.full(x.shape, 0.1)), atol=5e-3)
