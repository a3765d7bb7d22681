import numpy as np
import pytest

from labels.edge_filter import EdgeParameters, accumulate, decays, smooth
from labels.matching import Grid


def summed(moments: np.ndarray, along: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    result = moments.copy()
    accumulate(result, along)
    return result


@pytest.mark.parametrize("axis", [0, 1])
def test_one_row_is_the_sum_over_geodesic_distances(axis: int) -> None:
    """One pass forth and back over a line of seeds, against its impulse response in closed form."""
    generator = np.random.default_rng(0)
    values, decay = generator.normal(size=(12, 2)), generator.uniform(0.1, 0.95, 12)
    between = lambda a, b: float(np.prod(decay[min(a, b) : max(a, b)]))  # noqa: E731
    forth = np.array([sum(between(a, b) * values[a] for a in range(b + 1)) for b in range(12)])
    wanted = np.array([sum(between(a, b) * forth[a] for a in range(b, 12)) for b in range(12)])
    shape = (1, 12) if axis else (12, 1)
    along = decay.reshape(shape)
    still = np.zeros(shape)
    pair = (along, still) if axis else (still, along)
    np.testing.assert_allclose(summed(values.reshape(*shape, 2), [pair]).reshape(12, 2), wanted)


def test_an_impulse_spreads_as_the_product_of_both_directions() -> None:
    moments = np.zeros((15, 21, 1))
    moments[7, 10] = 1
    a, b = 0.6, 0.8
    along = [(np.full((15, 21), a), np.full((15, 21), b))]
    found = summed(moments, along)[..., 0]
    # sum over the turning point s >= max(0, position) of a^s a^(s - position), up to the border
    wide = np.array([sum(a ** (s + abs(s - p)) for s in range(max(p, 0), 11)) for p in np.arange(21) - 10])
    high = np.array([sum(b ** (s + abs(s - p)) for s in range(max(p, 0), 8)) for p in np.arange(15) - 7])
    np.testing.assert_allclose(found, np.outer(high, wide))
    assert (np.diff(found[7, 10:]) < 0).all()


@pytest.mark.parametrize("count", [2, 3, 4, 5, 7, 8, 9, 12, 16, 17])
def test_many_sums_are_each_what_they_are_alone(count: int) -> None:
    generator = np.random.default_rng(count)
    moments = generator.normal(size=(11, 13, count))
    along = [tuple(generator.uniform(0.1, 0.95, (2, 11, 13))) for _ in range(2)]
    together = summed(moments, along)
    for k in range(count):
        alone = summed(moments[..., k : k + 1].copy(), along)[..., 0]
        np.testing.assert_allclose(together[..., k], alone, rtol=1e-10, atol=1e-12)


def test_decays_are_those_of_the_changes_of_grey_on_the_way() -> None:
    guide = np.random.default_rng(0).integers(0, 256, (30, 41)).astype(np.uint8)
    guide[:9] = 100
    grid, parameters = Grid.over(*guide.shape, 4), EdgeParameters(reach_px=12, edge_grey=50)
    changes_x, changes_y = (np.abs(np.diff(guide.astype(float), axis=axis)) for axis in (1, 0))
    for number, (along_x, along_y) in enumerate(decays(guide, grid, parameters)):
        exponent = -np.sqrt(2) / (12 / 4 * np.sqrt(3) * (2 - number) / np.sqrt(15))  # Eq. 14
        for j, i in [(0, 0), (3, 8), (grid.rows - 2, grid.columns - 2)]:
            x, y = grid.x0 + 4 * i, grid.y0 + 4 * j
            assert along_x[j, i] == pytest.approx(np.exp(exponent * (1 + changes_x[y, x : x + 4].sum() / 50)))
            assert along_y[j, i] == pytest.approx(np.exp(exponent * (1 + changes_y[y : y + 4, x].sum() / 50)))


def impulse(passes: int) -> np.ndarray:
    """Weights around the middle of a flat image, (100, 100)."""
    grid = Grid.over(400, 400, 4)
    moments = np.zeros((grid.rows, grid.columns, 1))
    moments[50, 50] = 1
    guide = np.full((400, 400), 77, np.uint8)
    return summed(moments, decays(guide, grid, EdgeParameters(passes=passes)))[..., 0]


def test_a_constant_guide_treats_both_axes_alike() -> None:
    found = impulse(2)
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    for step in (1, 3, 6):
        around = [found[50 + step, 50], found[50 - step, 50], found[50, 50 + step], found[50, 50 - step]]
        np.testing.assert_allclose(around, around[0], rtol=1e-6)


def test_more_passes_make_the_weights_rounder() -> None:
    """Five steps away along an axis and along (3, 4)."""
    ratios = [found[53, 54] / found[50, 55] for found in map(impulse, (1, 2, 3, 4))]
    assert (np.diff(ratios) > 0).all()
    assert ratios[0] < 0.7 and ratios[3] < 1


@pytest.mark.parametrize("step", [3, 4, 6])
def test_the_spread_is_the_reach(step: int) -> None:
    guide, grid = np.full((600, 600), 10, np.uint8), Grid.over(600, 600, step)
    moments = np.zeros((grid.rows, grid.columns, 1))
    moments[grid.rows // 2, grid.columns // 2] = 1
    row = summed(moments, decays(guide, grid, EdgeParameters(reach_px=20)))[grid.rows // 2, :, 0]
    x = (np.arange(grid.columns) - grid.columns // 2) * step
    spread = np.sqrt((row * x * x).sum() / row.sum())
    assert spread == pytest.approx(20, rel=0.15)


def test_edges_stop_the_sums() -> None:
    guide = np.full((64, 128), 20, np.uint8)
    guide[:, 64:] = 220
    grid = Grid.over(64, 128, 4)
    moments = np.zeros((grid.rows, grid.columns, 1))
    left = grid.columns // 2
    moments[:, :left] = 1
    along = decays(guide, grid, EdgeParameters())
    found, everywhere = summed(moments, along)[..., 0], summed(np.ones_like(moments), along)[..., 0]
    share = found / everywhere
    assert share[:, :left].min() > 0.999
    assert share[:, left:].max() < 0.001


def test_more_edge_lets_less_through() -> None:
    grid, reached = Grid.over(64, 128, 4), []
    for step in (0, 5, 20, 80):
        guide = np.full((64, 128), 20, np.uint8)
        guide[:, 64:] += np.uint8(step)
        moments = np.zeros((grid.rows, grid.columns, 1))
        moments[8, 12] = 1
        reached.append(summed(moments, decays(guide, grid, EdgeParameters()))[8, 20, 0])
    assert (np.diff(reached) < 0).all()


@pytest.mark.parametrize("size", [(64, 64, 64), (64, 64, 70), (64, 200, 40), (200, 64, 40)])
def test_grids_of_one_row_or_column_are_summed(size: tuple[int, int, int]) -> None:
    height, width, step = size
    grid = Grid.over(height, width, step)
    assert min(grid.rows, grid.columns) == 1
    guide = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    found = summed(np.ones((grid.rows, grid.columns, 2)), decays(guide, grid, EdgeParameters()))
    assert (found >= 1).all() and np.isfinite(found).all()


def test_smoothing_keeps_the_mean() -> None:
    image = np.random.default_rng(1).integers(0, 256, (64, 80), dtype=np.uint8)
    found = smooth(image)
    assert found.dtype == np.uint8 and found.shape == image.shape
    assert found.mean() == pytest.approx(image.mean(), abs=1)
    assert found.std() < 0.6 * image.std()


def test_a_map_of_edges_takes_the_place_of_grey_levels() -> None:
    grid = Grid(4, 5, 3, 2, 1)  # columns 2 6 10 14 18, rows 1 5 9
    guide = np.random.default_rng(0).integers(0, 256, (12, 22), np.uint8)
    edges = np.zeros((12, 22), np.float32)
    parameters = EdgeParameters(passes=1, map_grey=21, edge_grey=7)
    flat = decays(guide, grid, parameters, edges)
    for axis in (0, 1):
        assert np.ptp(flat[0][axis]) == 0
    edges[:, 8] = 0.5  # between the second and the third column
    edges[5, :] += 1  # on the second row
    (along_x, along_y), (bare_x, bare_y) = decays(guide, grid, parameters, edges)[0], flat[0]
    steps_x, steps_y = np.log(along_x) / np.log(bare_x) - 1, np.log(along_y) / np.log(bare_y) - 1
    np.testing.assert_allclose(steps_x[[0, 2]], [[0, 1.5, 0, 0, 0]] * 2, atol=1e-6)
    np.testing.assert_allclose(steps_x[1, :4], 3 * 4 + np.array([0, 1.5, 0, 0]), atol=1e-6)
    # half an edge is on each side of the row it is on
    np.testing.assert_allclose(steps_y[:2], 1.5, atol=1e-6)
