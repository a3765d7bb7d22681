import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from labels.percentile import percentile


def ranks(inverse_depth: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
    inverse_depth = np.atleast_2d(np.asarray(inverse_depth, np.float32))
    valid = np.ones(inverse_depth.shape, bool) if valid is None else np.atleast_2d(valid)
    return percentile(inverse_depth, valid, float(np.median(inverse_depth[valid])) if valid.any() else 1.0)


def test_far_is_one_and_near_is_zero() -> None:
    np.testing.assert_allclose(ranks([3.0, 1.0, 2.0, 0.5]), [[0.125, 0.625, 0.375, 0.875]])


def test_ties_share_their_midrank() -> None:
    np.testing.assert_allclose(ranks([2.0, 1.0, 1.0, 1.0, 0.5]), [[0.1, 0.5, 0.5, 0.5, 0.9]])


def test_all_that_is_infinitely_far_ties_at_the_top() -> None:
    np.testing.assert_allclose(ranks([0.0, 0.0, 1.0, 2.0, 3.0]), [[0.8, 0.8, 0.5, 0.3, 0.1]])


def test_equal_depths_and_a_single_pixel_are_in_the_middle() -> None:
    np.testing.assert_array_equal(ranks(np.full((3, 5), 0.7)), 0.5)
    np.testing.assert_array_equal(ranks([0.7]), 0.5)


def test_no_valid_pixel_gives_nothing() -> None:
    np.testing.assert_array_equal(ranks(np.ones((4, 4)), np.zeros((4, 4), bool)), 0)


def test_what_is_not_valid_does_not_count() -> None:
    valid = np.array([True, True, False, True])
    np.testing.assert_allclose(ranks([3.0, 2.0, 2.5, 1.0], valid), [[1 / 6, 0.5, 0, 5 / 6]])


def test_over_the_area_pixels_without_depth_count_as_the_median_of_their_row() -> None:
    inverse_depth = np.array([[4.0, 2.0, 9.0, 9.0], [1.0, 1.0, 1.0, 9.0], [9.0, 9.0, 9.0, 9.0]], np.float32)
    unknown = inverse_depth == 9.0
    z = percentile(inverse_depth, ~unknown, 1.0, unknown)
    # 4; 3, 3 (unknown); 2; then four in the second row and four unknown in the third, which take that row's median
    np.testing.assert_allclose(z, np.array([[0.5, 3.5, 0, 0], [8, 8, 8, 0], [0, 0, 0, 0]]) / 12)


def test_over_the_area_a_mask_does_not_shift_the_others() -> None:
    rows = np.repeat(np.arange(40, 0, -1, np.float32)[:, None], 30, 1)
    whole = percentile(rows, np.ones_like(rows, bool), 20.0)
    masked = np.zeros_like(rows, bool)
    masked[:15, :20] = True
    np.testing.assert_allclose(percentile(rows, ~masked, 20.0, masked)[~masked], whole[~masked])
    assert np.abs(percentile(rows, ~masked, 20.0)[~masked] - whole[~masked]).max() > 0.1


def test_without_ties_the_histogram_is_flat() -> None:
    inverse_depth = np.random.default_rng(1).uniform(0.5, 2, (200, 300)).astype(np.float32)
    counts, _ = np.histogram(ranks(inverse_depth), bins=10, range=(0, 1))
    assert counts.min() > 0.09 * inverse_depth.size
    assert counts.max() < 0.11 * inverse_depth.size


def test_differences_below_the_rounding_are_ties() -> None:
    step = 1 / 4096
    z = ranks([1.0, 1.0 + step / 8, 1.0 - step / 8, 1.0 + 4 * step, 1.0 - 4 * step])[0]
    assert z[0] == z[1] == z[2]
    assert z[3] < z[0] < z[4]


def test_the_very_near_keep_their_order() -> None:
    z = ranks([400.0, 40.0, 20.0, 17.0, 1.0, 1.0, 1.0, 1.0, 1.0])[0]
    np.testing.assert_allclose(z[:4], (np.arange(4) + 0.5) / 9, rtol=1e-5)


@pytest.mark.parametrize("typical", [0.0, -1.0, np.nan, np.inf])
def test_a_scale_that_is_none_is_refused(typical: float) -> None:
    with pytest.raises(ValueError, match="typical"):
        percentile(np.ones((2, 2), np.float32), np.ones((2, 2), bool), typical)


def test_scale_does_not_matter() -> None:
    inverse_depth = np.random.default_rng(2).gamma(2, 1, (50, 60)).astype(np.float32)
    np.testing.assert_allclose(ranks(inverse_depth), ranks(8 * inverse_depth))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=60))
def test_it_agrees_with_sorting(pixels: list[tuple[int, bool]]) -> None:
    inverse_depth = np.array([[value for value, _ in pixels]], np.float32)
    valid = np.array([[use for _, use in pixels]])
    z = percentile(inverse_depth, valid, 8.0)
    if valid.any():
        wanted = (rankdata(-inverse_depth[valid]) - 0.5) / valid.sum()
        np.testing.assert_allclose(z[valid], wanted, atol=1e-6)
    assert not z[~valid].any()
