"""Scores of relative depth against values known by hand and by scipy."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from evaluation.relative_depth import Scores, mean, ordinal_error, percentiles, score, spearman


def test_a_perfect_prediction_and_its_reverse() -> None:
    truth = np.linspace(0, 1, 200).reshape(10, 20)
    everywhere = np.ones_like(truth, bool)
    assert score(truth, truth, everywhere) == Scores(0.0, pytest.approx(1.0), 0.0)
    assert score(1 - truth, truth, everywhere) == Scores(pytest.approx(50 / 99.5, rel=1e-3), pytest.approx(-1.0), 1.0)


def test_a_constant_tells_no_order() -> None:
    truth = np.linspace(0, 1, 200)
    constant = score(np.full(200, 0.5), truth, np.ones(200, bool))
    assert (constant.spearman, constant.ordinal_error) == (0.0, 0.5)
    assert constant.l1 == pytest.approx(0.25, abs=0.002)


def test_the_rank_correlation_is_scipys_with_ties() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 9, 500), rng.integers(0, 9, 500) + rng.integers(0, 9, 500)
    assert spearman(a, a + b) == pytest.approx(spearmanr(a, a + b).statistic, abs=1e-12)


def test_percentiles_are_midranks() -> None:
    np.testing.assert_allclose(percentiles(np.array([30.0, 10, 20, 20])), [0.875, 0.125, 0.5, 0.5])
    assert percentiles(np.array([])).size == 0


def test_pixels_without_label_do_not_count() -> None:
    truth, valid = np.array([[0.1, 0.9], [0.5, 0.0]]), np.array([[True, True], [True, False]])
    prediction = np.array([[0.2, 0.9], [0.5, np.nan]])
    assert score(prediction, truth, valid).l1 == pytest.approx(0.1 / 3)


def test_near_equal_pairs_say_nothing_of_the_order() -> None:
    true = np.array([0.5, 0.5001, 0.9])
    assert ordinal_error(np.array([1.0, 0.0, 2.0]), true) == 0.0
    assert np.isnan(ordinal_error(true, np.full(3, 0.5)))


def test_images_without_labels_are_left_out_of_the_mean() -> None:
    nothing = score(np.zeros(3), np.zeros(3), np.zeros(3, bool))
    assert mean([Scores(0.2, 0.5, 0.1), nothing, Scores(0.4, 0.7, 0.3)]) == Scores(*map(pytest.approx, (0.3, 0.6, 0.2)))
    assert np.isnan(mean([]).l1)


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        score(np.zeros((2, 3)), np.zeros((2, 2)), np.ones((2, 2), bool))
