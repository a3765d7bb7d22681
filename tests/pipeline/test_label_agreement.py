import numpy as np
import pytest
from scipy.stats import spearmanr

from pipeline.label_agreement import agreement


def codes(*values: int) -> np.ndarray:
    return np.array([values], np.uint8)


def test_the_rank_correlation_is_scipys() -> None:
    generator = np.random.default_rng(3)
    old = generator.integers(0, 256, (40, 60)).astype(np.uint8)
    new = np.clip(old + generator.normal(0, 60, old.shape), 0, 255).astype(np.uint8)
    both = (old > 0) & (new > 0)
    told = agreement(old, new)
    assert told.spearman == pytest.approx(spearmanr(old[both], new[both]).statistic, abs=1e-12)
    assert told.difference == pytest.approx(np.abs(old[both].astype(int) - new[both]).mean() / 255)
    assert told.both == both.mean()


def test_shares_of_the_frame() -> None:
    told = agreement(codes(1, 2, 3, 0, 0), codes(10, 20, 0, 7, 0))
    assert (told.both, told.only_old, told.only_new) == (0.4, 0.2, 0.2)
    assert told.spearman == 1.0 and told.difference == pytest.approx((9 + 18) / 2 / 255)


def test_the_order_reversed() -> None:
    assert agreement(codes(1, 2, 3, 4), codes(9, 8, 7, 6)).spearman == pytest.approx(-1.0)


@pytest.mark.parametrize("new", [codes(0, 0, 0), codes(5, 5, 5)])
def test_no_order_is_not_a_number(new: np.ndarray) -> None:
    assert np.isnan(agreement(codes(1, 2, 3), new).spearman)


def test_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="3x1 and 2x1"):
        agreement(codes(1, 2, 3), codes(1, 2))
