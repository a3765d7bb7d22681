import numpy as np

from labels.regions import large


def test_small_regions_go_and_large_ones_stay() -> None:
    mask = np.zeros((6, 8), bool)
    mask[0, 0] = mask[2:4, 2:4] = True
    kept = large(mask, 4)
    assert kept[2:4, 2:4].all() and np.count_nonzero(kept) == 4


def test_diagonal_neighbours_touch_if_so_asked() -> None:
    mask = np.eye(5, dtype=bool)
    assert not large(mask, 2).any()
    np.testing.assert_array_equal(large(mask, 2, connectivity=8), mask)


def test_what_is_outside_is_no_region() -> None:
    assert not large(np.zeros((4, 4), bool), 1).any()
