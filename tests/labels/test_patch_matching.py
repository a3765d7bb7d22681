import cv2
import numpy as np
import pytest

from labels import census, matching
from labels.descriptors import descriptors
from labels.patch_matching import PatchParameters, match


def textured(height: int, width: int, seed: int = 0) -> np.ndarray:
    image = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(height, width)), (0, 0), 1.5)
    return np.clip(128 + 50 * image / image.std(), 0, 255).astype(np.uint8)


def levels(image: np.ndarray) -> list[np.ndarray]:
    return [descriptors(level) for level in census.pyramid(image, matching.levels(*image.shape))]


@pytest.mark.parametrize("move", [(0, 0), (5, -3), (-31, 12), (-64, 20)])
def test_a_shift_is_found_by_every_seed_that_stays_in_the_image(move: tuple[int, int]) -> None:
    # two passes a level do not get there but from what the coarser level found
    whole, (u, v) = textured(260, 400), move
    first, second = whole[50:210, 100:320], whole[50 - v : 210 - v, 100 - u : 320 - u]
    grid, matches = match(levels(first), levels(second), PatchParameters(passes=2))
    x, y = grid.x0 + grid.step * np.arange(grid.columns), grid.y0 + grid.step * np.arange(grid.rows)[:, None]
    inside = (x + u >= 8) & (x + u < 212) & (y + v >= 8) & (y + v < 152) & (x >= 8) & (x < 212) & (y >= 8) & (y < 152)
    right = (matches[..., 0] == u) & (matches[..., 1] == v)
    assert right[inside].mean() > 0.97
    assert not matches[..., 2][inside & right].any()


def test_costs_are_the_sums_of_absolute_differences() -> None:
    first, second = levels(textured(70, 90)), levels(textured(70, 90, 1))
    grid, matches = match(first, second, PatchParameters())
    assert (grid.rows, grid.columns) == (23, 30)
    for j, i in ((0, 0), (11, 15), (22, 29)):
        x, y = grid.x0 + grid.step * i, grid.y0 + grid.step * j
        x2, y2 = np.clip(x + matches[j, i, 0], 0, 89), np.clip(y + matches[j, i, 1], 0, 69)
        assert matches[j, i, 2] == np.abs(first[0][y, x].astype(int) - second[0][y2, x2]).sum()


def test_the_same_bytes_give_the_same_matches_and_more_passes_better_ones() -> None:
    first, second = levels(textured(120, 160)), levels(np.roll(textured(120, 160), 9, axis=1))
    once = match(first, second, PatchParameters())[1]
    np.testing.assert_array_equal(match(first, second, PatchParameters())[1], once)
    assert once[..., 2].sum() < match(first, second, PatchParameters(passes=1))[1][..., 2].sum()


@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 64), (64, 97), (101, 67)])
def test_the_smallest_images_are_taken(height: int, width: int) -> None:
    image = levels(textured(height, width))
    _, matches = match(image, image, PatchParameters())
    assert (matches == 0).all(axis=-1).mean() > 0.95
