import numpy as np
import pytest

from labels.edge_filter import Decays, EdgeParameters, decays
from labels.interpolation import AffineParameters, fit_affine, interpolate
from labels.matching import Grid

HEIGHT, WIDTH = 120, 180
LIKENESS = np.full(256, 1, np.float32)
A = np.array([[1.5, 0.02, -0.01], [-2.0, 0.005, 0.03]])
"""u and v at the image's origin, their change a pixel to the right and downwards."""


def affine(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.stack([a + b * x + c * y for a, b, c in A], -1).astype(np.float32)


def everywhere() -> np.ndarray:
    return affine(*np.mgrid[0:HEIGHT, 0:WIDTH].astype(float))


def at_seeds(grid: Grid) -> np.ndarray:
    y, x = np.mgrid[0 : grid.rows, 0 : grid.columns].astype(float) * grid.step
    return affine(y + grid.y0, x + grid.x0)


def along(grid: Grid, guide: np.ndarray) -> Decays:
    return decays(guide, grid, EdgeParameters())


def filled(
    models: np.ndarray, guide: np.ndarray, grid: Grid, likeness: np.ndarray, wanted: np.ndarray | None = None
) -> np.ndarray:
    """The interpolated flow, and NaN at pixels that are not wanted."""
    flow = np.full((*guide.shape, 2), np.nan, np.float32)
    interpolate(models, guide, grid, likeness, flow, np.ones(guide.shape, bool) if wanted is None else wanted)
    return flow


FLAT = np.full((HEIGHT, WIDTH), 100, np.uint8)


@pytest.mark.parametrize("step", [3, 4, 7])
def test_matches_of_one_affine_flow_give_it_everywhere(step: int) -> None:
    """With gaps, and beyond the outermost seeds; the ridge is what would pull it to a translation."""
    grid = Grid.over(HEIGHT, WIDTH, step)
    weights = (np.random.default_rng(0).random((grid.rows, grid.columns)) < 0.5).astype(np.float32)
    displacements = at_seeds(grid)
    displacements[weights == 0] = 1e4
    models, robust = fit_affine(displacements, weights, along(grid, FLAT), AffineParameters(ridge=1e-6))
    flow = filled(models, FLAT, grid, LIKENESS)
    np.testing.assert_allclose(flow, everywhere(), atol=2e-3)
    np.testing.assert_allclose(robust, weights, atol=1e-4)


def test_only_the_wanted_pixels_are_filled() -> None:
    grid = Grid.over(HEIGHT, WIDTH, 4)
    weights = np.ones((grid.rows, grid.columns), np.float32)
    models, _ = fit_affine(at_seeds(grid), weights, along(grid, FLAT), AffineParameters())
    wanted = np.random.default_rng(2).random((HEIGHT, WIDTH)) < 0.3
    everything, some = filled(models, FLAT, grid, LIKENESS), filled(models, FLAT, grid, LIKENESS, wanted)
    np.testing.assert_array_equal(some[wanted], everything[wanted])
    assert np.isnan(some[~wanted]).all()


def test_the_default_ridge_costs_little() -> None:
    grid = Grid.over(HEIGHT, WIDTH, 4)
    weights = np.ones((grid.rows, grid.columns), np.float32)
    models, _ = fit_affine(at_seeds(grid), weights, along(grid, FLAT), AffineParameters())
    assert np.abs(filled(models, FLAT, grid, LIKENESS) - everywhere()).max() < 0.1


def test_thirty_percent_of_outliers_are_left_out() -> None:
    grid, generator = Grid.over(HEIGHT, WIDTH, 4), np.random.default_rng(1)
    displacements = at_seeds(grid)
    wrong = generator.random((grid.rows, grid.columns)) < 0.3
    displacements[wrong] += generator.uniform(4, 30, (np.count_nonzero(wrong), 2)).astype(np.float32)
    weights = np.ones((grid.rows, grid.columns), np.float32)
    parameters = AffineParameters(reweightings=8)
    models, robust = fit_affine(displacements, weights, along(grid, FLAT), parameters)
    error = np.abs(filled(models, FLAT, grid, LIKENESS) - everywhere())
    assert np.median(error) < 0.15
    assert robust[wrong].max() < 0.25
    assert np.median(robust[~wrong]) > 0.8
    plain, _ = fit_affine(displacements, weights, along(grid, FLAT), AffineParameters(reweightings=0))
    assert np.median(np.abs(filled(plain, FLAT, grid, LIKENESS) - everywhere())) > 1


def test_flow_follows_the_edge_of_the_guide() -> None:
    """Two translations on two sides of an edge that runs between the seeds."""
    guide = np.where(np.arange(WIDTH) < 91, 40, 200).astype(np.uint8)[None].repeat(HEIGHT, 0)
    grid = Grid.over(HEIGHT, WIDTH, 4)
    x = grid.x0 + grid.step * np.arange(grid.columns)
    displacements = np.zeros((grid.rows, grid.columns, 2), np.float32)
    displacements[:, x < 91] = 5, 1
    displacements[:, x >= 91] = -3, 0
    weights = np.ones((grid.rows, grid.columns), np.float32)
    models, _ = fit_affine(displacements, weights, along(grid, guide), AffineParameters())
    likeness = (np.exp(-np.arange(256) / 12) + 1e-4).astype(np.float32)
    flow = filled(models, guide, grid, likeness)
    np.testing.assert_allclose(flow[:, :91], np.broadcast_to((5, 1), (HEIGHT, 91, 2)), atol=0.05)
    np.testing.assert_allclose(flow[:, 91:], np.broadcast_to((-3, 0), (HEIGHT, WIDTH - 91, 2)), atol=0.05)


def test_without_any_match_the_flow_is_zero() -> None:
    grid = Grid.over(HEIGHT, WIDTH, 4)
    displacements = np.full((grid.rows, grid.columns, 2), 17, np.float32)
    models, robust = fit_affine(
        displacements, np.zeros(displacements.shape[:2], np.float32), along(grid, FLAT), AffineParameters()
    )
    assert not filled(models, FLAT, grid, LIKENESS).any()
    assert not robust.any()


def test_one_match_is_a_translation() -> None:
    grid = Grid.over(HEIGHT, WIDTH, 4)
    displacements = np.zeros((grid.rows, grid.columns, 2), np.float32)
    weights = np.zeros((grid.rows, grid.columns), np.float32)
    displacements[9, 20], weights[9, 20] = (3, -7), 1
    models, _ = fit_affine(displacements, weights, along(grid, FLAT), AffineParameters())
    flow = filled(models, FLAT, grid, LIKENESS)
    np.testing.assert_allclose(flow, np.broadcast_to((3, -7), flow.shape), atol=1e-3)


@pytest.mark.parametrize(
    ("height", "width", "step"), [(64, 64, 64), (64, 200, 40), (200, 64, 40), (65, 67, 1), (64, 71, 70)]
)
def test_any_grid_fills_the_image(height: int, width: int, step: int) -> None:
    grid = Grid.over(height, width, step)
    guide = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    displacements = np.full((grid.rows, grid.columns, 2), (2, 5), np.float32)
    weights = np.ones((grid.rows, grid.columns), np.float32)
    models, _ = fit_affine(displacements, weights, decays(guide, grid, EdgeParameters()), AffineParameters())
    flow = filled(models, guide, grid, LIKENESS)
    np.testing.assert_allclose(flow, np.broadcast_to((2, 5), (height, width, 2)), atol=1e-3)
