from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from numba import njit

from labels import census, matching
from labels.matching import (
    SPACING,
    Grid,
    MatchingParameters,
    agreement,
    levels,
    match,
    without_isolated,
)

Pyramid = list[np.ndarray]


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Random texture of all sizes from two pixels up, (H, W) uint8."""
    generator, image = np.random.default_rng(seed), np.zeros((height, width), np.float32)
    for sigma in (1, 3, 9):
        noise = cv2.GaussianBlur(generator.normal(size=(height, width)).astype(np.float32), (0, 0), sigma)
        image += noise / noise.std()
    return np.clip(128 + 30 * image, 0, 255).astype(np.uint8)


def shifted(u: int, v: int, height: int = 180, width: int = 260) -> tuple[np.ndarray, np.ndarray]:
    """Two windows of one texture: what is at (x, y) in the first is at (x + u, y + v) in the second."""
    margin = 100
    whole = texture(height + 2 * margin, width + 2 * margin)
    first = whole[margin : margin + height, margin : margin + width]
    second = whole[margin - v : margin - v + height, margin - u : margin - u + width]
    return np.ascontiguousarray(first), np.ascontiguousarray(second)


def prepared(image: np.ndarray) -> Pyramid:
    return [census.descriptors(level) for level in census.pyramid(image, levels(*image.shape))]


def seen_in_both(grid: Grid, u: int, v: int, height: int, width: int, border: int = 8) -> np.ndarray:
    """Seeds whose descriptors, and whose targets', the border does not touch."""
    y, x = (grid.y0 + grid.step * np.arange(grid.rows))[:, None], grid.x0 + grid.step * np.arange(grid.columns)
    inside = (np.minimum(x, x + u) >= border) & (np.maximum(x, x + u) < width - border)
    return inside & (np.minimum(y, y + v) >= border) & (np.maximum(y, y + v) < height - border)


@pytest.mark.parametrize(("u", "v"), [(0, 0), (1, 0), (0, -1), (5, 3), (-17, 8), (40, -25), (-70, 5), (20, 60)])
def test_translations_are_found_to_the_pixel(u: int, v: int) -> None:
    first, second = shifted(u, v)
    grid, matches = match(prepared(first), prepared(second), MatchingParameters())
    seen = seen_in_both(grid, u, v, *first.shape)
    assert np.count_nonzero(seen) > 500
    right = (matches[seen] == (u, v, 0)).all(1)  # the cost too: no bit differs
    assert right.mean() > 0.995


@pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 90), (101, 67)])
def test_a_range_beyond_the_image_finds_small_motion_all_the_same(height: int, width: int) -> None:
    first, second = shifted(3, -2, height, width)
    grid, matches = match(prepared(first), prepared(second), MatchingParameters(range=3.0))
    seen = seen_in_both(grid, 3, -2, height, width)
    assert (matches[seen] == (3, -2, 0)).all(1).mean() > 0.99


def test_motion_beyond_the_range_is_not_believed() -> None:
    first, second = shifted(-70, 0)
    parameters = MatchingParameters(range=0.05)  # 13 px
    grid, matches = match(prepared(first), prepared(second), parameters)
    back, backward = match(prepared(second), prepared(first), parameters)
    place, back_place = (grid.step, grid.x0, grid.y0), (back.step, back.x0, back.y0)
    kept = agreement(matches, *place, backward, *back_place, *first.shape, 3.0, 5)
    weights = without_isolated(matches[..., :2].astype(np.float32), kept, grid.step)
    wrong = (np.abs(matches[..., :2] - (-70, 0)) > 1).any(-1)
    assert wrong.mean() > 0.9
    assert (weights[wrong] > 0).mean() < 0.05


@pytest.mark.parametrize("vectors", [True, False])
def test_cost_is_the_number_of_differing_bits(vectors: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "COUNTS_VECTORS", vectors)
    cost_at = njit(matching.cost_at.py_func)  # both ways, whatever this processor has
    census1, census2 = (census.descriptors(texture(40, 50, seed)) for seed in (1, 2))
    for x, y, x2, y2 in [(10, 12, 20, 15), (0, 0, 49, 39), (49, 39, 0, 0), (3, 37, 3, 37)]:
        wanted = 0
        for dy in (-SPACING, 0, SPACING):
            for dx in (-SPACING, 0, SPACING):
                one = census1[y + dy + census.MARGIN, x + dx + census.MARGIN]
                other = census2[y2 + dy + census.MARGIN, x2 + dx + census.MARGIN]
                wanted += int(one ^ other).bit_count()
        assert cost_at(census1, y, x, census2, y2, x2) == wanted > 50


def test_the_same_bytes_give_the_same_matches_in_any_number_of_threads() -> None:
    first, second = (prepared(image) for image in shifted(9, -4, 120, 160))
    wanted = match(first, second, MatchingParameters())[1].tobytes()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: match(first, second, MatchingParameters())[1].tobytes(), range(12)))
    assert set(found) == {wanted}


@pytest.mark.parametrize("step", [1, 3, 4, 6, 50])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 127), (24, 300), (360, 640)])
def test_grids_lie_in_the_middle(step: int, height: int, width: int) -> None:
    grid = Grid.over(height, width, step)
    for side, first, count in ((height, grid.y0, grid.rows), (width, grid.x0, grid.columns)):
        after = side - 1 - (first + (count - 1) * step)
        assert count >= 1
        assert 0 <= first <= after <= first + 1
        assert after < step  # no room for one more


@pytest.mark.parametrize(
    ("height", "width", "count"), [(24, 24, 1), (47, 500, 1), (48, 48, 2), (64, 64, 2), (360, 640, 4), (2160, 3840, 7)]
)
def test_the_coarsest_level_is_24_to_47_pixels_high(height: int, width: int, count: int) -> None:
    assert levels(height, width) == count
    assert 24 <= census.pyramid(np.zeros((height, width), np.uint8), count)[-1].shape[0] <= 47


def one_row(*displacements: tuple[int, int]) -> np.ndarray:
    return np.array([[(u, v, 0) for u, v in displacements]], np.int32)


def test_agreement_asks_the_backward_match_nearest_to_the_target() -> None:
    """Seeds at x = 10, 20, 30, 40 of row 10 in images of 60x20 pixels."""
    forward = one_row((10, 0), (10, 0), (11, 0), (25, 0))
    backward = one_row((-30, 0), (-30, 0), (-10, 2), (-13, 0))
    kept = agreement(forward, 10, 10, 10, backward, 10, 10, 10, 20, 60, 2.0, 0)
    # 10 -> 20, whose backward match leads to -10; 20 -> 30, back to 20 less (0, 2); 30 -> 41, nearest 40: 2 px off;
    # the last leaves the image
    assert kept.tolist() == [[False, True, True, False]]
    kept = agreement(forward, 10, 10, 10, backward, 10, 10, 10, 20, 60, 1.9, 0)
    assert kept.tolist() == [[False, False, False, False]]


def test_agreement_drops_what_starts_or_ends_near_the_border() -> None:
    still, back = one_row((0, 0), (0, 0), (0, 0), (0, 0)), one_row((0, 0), (0, 0), (0, 0), (0, 0))
    for border, wanted in ((10, [1, 1, 1, 1]), (11, [0, 1, 1, 1]), (20, [0, 1, 1, 0]), (21, [0, 0, 1, 0])):
        kept = agreement(still, 10, 10, 30, back, 10, 10, 30, 60, 60, 1.0, border)
        assert kept.astype(int).tolist() == [wanted]
    moved, back = one_row((0, 0), (0, 0), (0, 0), (14, 0)), one_row((0, 0), (0, 0), (0, 0), (-14, 0))
    for border, last in ((5, True), (6, False)):
        assert agreement(moved, 10, 10, 30, back, 10, 10, 30, 60, 60, 1.0, border)[0, 3] == last


def test_isolated_matches_lose_their_weight() -> None:
    displacements = np.zeros((9, 9, 2), np.float32)
    displacements[4, 4] = 40, 0
    weights = without_isolated(displacements, np.ones((9, 9), bool), 4)
    assert weights[4, 4] == 0
    assert np.count_nonzero(weights) == 80


def test_support_follows_the_slope_of_the_displacements() -> None:
    """0.3 px a pixel and less is a surface, more is not."""
    for slope, kept in ((0.25, 81), (1.2, 0)):
        displacements = np.zeros((9, 9, 2), np.float32)
        displacements[..., 0] = slope * 4 * np.add.outer(np.arange(9), np.arange(9))
        weights = without_isolated(displacements, np.ones((9, 9), bool), 4)
        assert np.count_nonzero(weights) == kept


def test_support_takes_eight_neighbours() -> None:
    for count, weight in ((8, 0.0), (9, 1.0)):
        kept = np.zeros((7, 7), bool)
        kept.ravel()[np.arange(count) + 20] = True
        kept[3, 3] = True
        assert without_isolated(np.zeros((7, 7, 2), np.float32), kept, 4)[3, 3] == weight


def test_support_takes_three_tenths_of_the_neighbours() -> None:
    generator = np.random.default_rng(0)
    for share, weight in ((12, 0.0), (15, 1.0)):
        displacements = generator.uniform(1000, 100_000, (7, 7, 2)).astype(np.float32)
        displacements.reshape(-1, 2)[24 - share // 2 : 24 - share // 2 + share] = 0
        assert without_isolated(displacements, np.ones((7, 7), bool), 4)[3, 3] == weight
