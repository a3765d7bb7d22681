"""Percentiles times one factor: exact where depth is that, and wrong where scenes differ in extent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.one_factor import best_factor, score_one_factor

PERCENTILES = np.linspace(0.1, 1, 600).reshape(20, 30)


def test_depth_that_is_a_multiple_is_found_exactly() -> None:
    depths = [30 * PERCENTILES, 30 * PERCENTILES[::-1]]
    factor = best_factor([PERCENTILES, PERCENTILES[::-1]], depths)
    assert factor == pytest.approx(30)
    scores = score_one_factor([PERCENTILES, PERCENTILES[::-1]], depths, factor)
    assert (scores.rmse, scores.delta1) == (pytest.approx(0, abs=1e-9), 1)


def test_a_narrow_and_a_wide_scene_of_one_order_share_a_factor_that_suits_neither() -> None:
    depths = [10 * PERCENTILES, 40 * PERCENTILES]
    factor = best_factor([PERCENTILES] * 2, depths)
    assert factor == pytest.approx(25)
    scores = score_one_factor([PERCENTILES] * 2, depths, factor)
    assert scores.abs_rel == pytest.approx((15 / 10 + 15 / 40) / 2)


@given(st.integers(0, 1000), st.floats(0.5, 2))
def test_no_other_factor_has_a_smaller_squared_error(seed: int, ratio: float) -> None:
    depth = np.random.default_rng(seed).uniform(1, 79, PERCENTILES.shape)
    factor = best_factor([PERCENTILES], [depth])
    best, other = (score_one_factor([PERCENTILES], [depth], f).rmse for f in (factor, ratio * factor))
    assert best <= other + 1e-9


def test_only_known_pixels_count() -> None:
    depth = 30 * PERCENTILES
    depth[::2] = 0
    depth[13, 10] = 90  # beyond 80 m
    assert best_factor([PERCENTILES], [depth]) == pytest.approx(30)
    with pytest.raises(ValueError, match="no factor fits"):
        best_factor([PERCENTILES], [0 * depth])
    with pytest.raises(ValueError, match=r"shape \(20, 30\), the ground truth \(10, 30\)"):
        best_factor([PERCENTILES], [depth[::2]])
