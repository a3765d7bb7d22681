import cv2
import numpy as np
import pytest

from labels.regions import labelled, large


def test_small_regions_go_and_large_ones_stay() -> None:
    mask = np.zeros((6, 8), bool)
    mask[0, 0] = mask[2:4, 2:4] = True
    kept = large(mask, 4)
    assert kept[2:4, 2:4].all() and np.count_nonzero(kept) == 4


def test_diagonal_neighbours_touch_if_so_asked() -> None:
    mask = np.eye(5, dtype=bool)
    assert not large(mask, 2).any()
    np.testing.assert_array_equal(large(mask, 2, connectivity=8), mask)
    np.testing.assert_array_equal(large(mask[::-1], 2, connectivity=8), mask[::-1])


def test_what_is_outside_is_no_region() -> None:
    assert not large(np.zeros((4, 4), bool), 1).any()
    assert not large(np.zeros((4, 4), bool), 0).any()
    regions, statistics = labelled(np.zeros((4, 4), bool))
    assert not regions.any() and len(statistics) == 1


def test_a_whole_frame_is_one_region() -> None:
    regions, statistics = labelled(np.ones((5, 7), bool))
    assert (regions == 1).all() and statistics[1].tolist() == [0, 0, 7, 5, 35]


def test_arms_that_meet_below_are_one_region() -> None:
    mask = np.array([[1, 0, 1, 0, 1], [1, 0, 1, 0, 1], [1, 1, 1, 0, 1], [0, 0, 0, 0, 1], [1, 1, 1, 1, 1]], bool)
    regions, statistics = labelled(mask)
    assert regions[0].tolist() == [1, 0, 1, 0, 2] and regions[4, 0] == 2
    assert statistics[1:].tolist() == [[0, 0, 3, 3, 7], [0, 0, 5, 5, 9]]


@pytest.mark.parametrize("connectivity", [4, 8])
def test_an_empty_row_parts_regions(connectivity: int) -> None:
    mask = np.ones((5, 6), bool)
    mask[[1, 3]] = False
    regions, _ = labelled(mask, connectivity)
    assert regions[:, 0].tolist() == [1, 0, 2, 0, 3]


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("smooth", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.6, 0.95])
def test_regions_are_those_of_opencv(connectivity: int, smooth: float, share: float) -> None:
    noise = np.random.default_rng(3).normal(size=(67, 91)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), smooth) if smooth else noise
    mask = noise < np.quantile(noise, share)
    count, wanted, statistics, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=connectivity)
    regions, found = labelled(mask, connectivity)
    numbers = np.zeros(count, int)
    numbers[wanted] = regions  # ours of each of OpenCV's
    np.testing.assert_array_equal(numbers[wanted], regions)
    np.testing.assert_array_equal(found[numbers[1:]], statistics[1:])
    assert len(found) == count
    kept = statistics[:, cv2.CC_STAT_AREA] >= 9
    kept[0] = False
    np.testing.assert_array_equal(large(mask, 9, connectivity), kept[wanted])
