"""Road scores against the official tool, against counting pixel by pixel, and a case counted by hand."""

from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evaluation.road import Scores, Tally, quantised, score

Images = tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[Any]]


def random_images(seed: int, many: int = 3) -> Images:
    rng = np.random.default_rng(seed)
    road, valid = rng.random((2, many, 6, 9)) < [[[[0.4]]], [[[0.8]]]]
    road[0, 0, 0], valid[0, 0, 0] = True, True
    probability = np.clip(0.3 * road + rng.normal(0.4, 0.2, road.shape), 0, 1)
    return road, valid, probability


def counted(images: Images) -> tuple[float, float, float]:
    """Largest F, its threshold and average precision, by counting at each threshold."""
    road, valid, probability = (np.asarray(each).ravel() for each in images)
    points = []
    for level in range(256):
        said = probability[valid] >= level / 255
        tp, fp = (said & road[valid]).sum(), (said & ~road[valid]).sum()
        if tp:
            points.append((tp / road[valid].sum(), tp / (tp + fp), level / 255))
    best = max(points, key=lambda point: (round(2 * point[0] * point[1] / (point[0] + point[1]), 12), -point[2]))
    sampled = [max(p for r, p, _ in points if r >= level * 0.1) for level in range(11)]
    return 2 * best[0] * best[1] / (best[0] + best[1]), best[2], float(np.mean(sampled))


def test_the_official_tool_agrees(golden: Path, expected: dict[str, Any]) -> None:
    arrays = np.load(golden / "road.npz")
    figures = expected["road"]
    found = score(arrays["gt"], arrays["valid"], arrays["prob_u8"])
    names = ("MaxF", "AvgPrec", "AP_ceiling", "BestThresh", "PRE", "REC", "FPR", "FNR")
    assert astuple(found) == pytest.approx([figures[name] for name in names], abs=1e-12)
    assert score(arrays["gt"], arrays["valid"], arrays["prob_u8"] / 255) == found


def test_four_pixels_counted_by_hand() -> None:
    """Road at .9 and .4, background at .6 and .1, and one pixel unknown."""
    road, valid = np.array([[1, 1, 0, 0, 1]], bool), np.array([[1, 1, 1, 1, 0]], bool)
    found = score([road], [valid], [np.array([[0.9, 0.4, 0.6, 0.1, 0.0]])])
    # from t = .1: 2 found, 1 wrong: precision 2/3, recall 1, F .8; from .6 on 1 found, none wrong: F 2/3
    assert found.max_f == pytest.approx(0.8)
    assert found.best_threshold == pytest.approx(26 / 255)  # the first above .1
    assert (found.precision, found.recall) == pytest.approx((2 / 3, 1))
    assert (found.fpr, found.fnr) == pytest.approx((0.5, 0))
    assert found.average_precision == pytest.approx((6 * 1 + 5 * 2 / 3) / 11)  # recalls 0 ... .5, then .6 ... 1
    assert found.ceiling == pytest.approx(10.5 / 11)


def test_certainty_is_perfect_and_blindness_is_the_share_of_road() -> None:
    road = np.arange(20).reshape(1, 4, 5) < 5
    perfect = score(road, np.ones_like(road), road.astype(float))
    assert astuple(perfect)[:2] == pytest.approx((1, 1))
    blind = score(road, np.ones_like(road), np.zeros(road.shape))
    assert (blind.max_f, blind.average_precision, blind.fpr) == pytest.approx((2 * 0.25 / 1.25, 0.25, 1))


def test_one_pixel_of_road_that_is_missed_caps_the_average_precision() -> None:
    road = np.arange(1000).reshape(1, 20, 50) < 180
    probability = road.astype(float)
    assert score(road, np.ones_like(road), probability).average_precision == pytest.approx(1)
    probability[0, 0, 0] = 0.003  # below 1 / 255
    found = score(road, np.ones_like(road), probability)
    assert found.average_precision == pytest.approx(found.ceiling) == pytest.approx(10.18 / 11)
    assert found.max_f > 0.99


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_counting_pixel_by_pixel_agrees(seed: int) -> None:
    images = random_images(seed)
    found = score(*images)
    assert (found.max_f, found.best_threshold, found.average_precision) == pytest.approx(counted(images), abs=1e-8)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_neither_order_nor_shape_nor_what_is_unknown_matters(seed: int) -> None:
    road, valid, probability = random_images(seed)
    plain = score(road, valid, probability)
    order = np.random.default_rng(seed).permutation(len(road))
    assert score(road[order], valid[order], probability[order]) == plain
    assert score(*([each.ravel()] for each in (road, valid, probability))) == plain  # type: ignore[arg-type]
    assert score(road ^ ~valid, valid, np.where(valid, probability, np.nan)) == plain


def test_a_stream_is_scored_image_by_image() -> None:
    images = random_images(0)
    alive = 0

    def stream(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
        nonlocal alive
        for image in array:
            alive += 1
            yield image
            assert alive <= 3  # the three of one frame
            alive -= 1

    assert score(*map(stream, images)) == score(*images)
    tally = Tally()
    for image in zip(*images):
        tally.add(*image)
    assert tally.scores() == score(*images)


def test_eight_bits_round_to_the_nearest_level() -> None:
    assert quantised(np.array([0, 0.0019, 0.002, 0.5, 0.999, 1])).tolist() == [0, 0, 1, 128, 255, 255]


def test_no_road_has_no_score() -> None:
    nothing = np.zeros((1, 2, 3), bool)
    assert all(np.isnan(astuple(score(nothing, ~nothing, np.zeros(nothing.shape)))))
    everything: Scores = score(~nothing, ~nothing, np.ones(nothing.shape))
    assert everything.max_f == pytest.approx(1)
    assert np.isnan(everything.fpr)


@pytest.mark.parametrize(
    ("probability", "complaint"),
    [
        (np.full((1, 2, 3), 1.01), "not within 0 ... 1"),
        (np.full((1, 2, 3), np.nan), "not within 0 ... 1"),
        (np.full((1, 2, 3), 200), "not int64"),
        (np.zeros((1, 3, 2)), r"the prediction is \(3, 2\), the ground truth \(2, 3\)"),
        (np.zeros((2, 2, 3)), "longer"),
    ],
)
def test_what_is_no_probability_is_refused(probability: NDArray[Any], complaint: str) -> None:
    known = np.ones((1, 2, 3), bool)
    with pytest.raises(ValueError, match=complaint):
        score(known, known, probability)
