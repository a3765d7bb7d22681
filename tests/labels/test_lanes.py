import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError
from numpy.typing import NDArray

from labels.lanes import alike, at_least_one, leading, load, store, total


@njit
def _computed(numbers: NDArray[np.float32], index: int, result: NDArray[np.float32]) -> float:
    a, b = load(8, numbers, index), alike(8, np.float32(2))
    store(result, 0, a * b + a / b - b)
    store(result, 8, at_least_one(a))
    store(result, 16, leading(a, 3))
    return total(a)


@njit
def _doubled(numbers: NDArray[np.float64], result: NDArray[np.float64]) -> float:
    a = load(8, numbers, 0)
    store(result, 0, a + a)
    return total(a + a)


def test_lanes_are_computed_each_by_itself() -> None:
    numbers = np.arange(-4, 20, dtype=np.float32) / 3
    result = np.zeros(25, np.float32)
    sum_ = _computed(numbers, 3, result)
    a = numbers[3:11]
    assert sum_ == pytest.approx(a.sum(), rel=1e-6)
    np.testing.assert_allclose(result[:8], a * 2 + a / 2 - 2, rtol=1e-6)
    np.testing.assert_array_equal(result[8:16], np.maximum(np.abs(a), 1))
    np.testing.assert_array_equal(result[16:], [*a[:3], *6 * [0]])


def test_lanes_that_are_left_out_may_hold_anything() -> None:
    numbers, result = np.full(8, np.nan, np.float32), np.full(24, 7, np.float32)
    numbers[:3] = 1, 2, 3
    _computed(numbers, 0, result)
    np.testing.assert_array_equal(result[16:], [1, 2, 3, 0, 0, 0, 0, 0])


@njit
def _of_two_widths(numbers: NDArray[np.float32]) -> tuple[float, float]:
    narrow, wide = load(8, numbers, 0) * alike(8, np.float32(2)), load(16, numbers, 0) * alike(16, np.float32(3))
    return total(leading(narrow, 5)), total(leading(wide, 9))


def test_lanes_of_two_counts_stand_side_by_side() -> None:
    numbers = np.arange(16, dtype=np.float32)
    assert _of_two_widths(numbers) == (2 * numbers[:5].sum(), 3 * numbers[:9].sum())


def test_double_precision_stays() -> None:
    numbers = np.arange(8) + 1e-12
    result = np.zeros(8)
    assert _doubled(numbers, result) == pytest.approx(2 * numbers.sum(), rel=1e-15)
    np.testing.assert_array_equal(result, 2 * numbers)


def test_arrays_with_gaps_are_refused() -> None:
    with pytest.raises(TypingError):
        _doubled(np.zeros(16)[::2], np.zeros(8))


def test_rows_of_a_plane_are_found_by_their_flat_index() -> None:
    plane, result = np.arange(48, dtype=np.float32).reshape(4, 12), np.zeros(24, np.float32)
    assert _computed(plane, 2 * 12 + 1, result) == plane[2, 1:9].sum()
