"""Errors of depth against known values and the golden vectors."""

from collections.abc import Iterator
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evaluation.depth import Crop, Rule, Scores, cropped, score, score_image

DEPTH = NDArray[np.float64]


def random_depth(seed: int, many: int = 3) -> tuple[list[DEPTH], list[DEPTH]]:
    """Sparse truth, some of it beyond 80 m, and predictions off by a third or so; no two images of one size."""
    rng = np.random.default_rng(seed)
    truth, predicted = [], []
    for number in range(many):
        shape = 30 + number, 50 + 2 * number
        depth = rng.uniform(1, 95, shape)
        predicted.append(depth * np.exp(rng.normal(0, 0.3, shape)))
        truth.append(np.where(rng.random(shape) < 0.4, depth, 0))
    return truth, predicted


def same(first: Scores, second: Scores) -> bool:
    return np.allclose(astuple(first), astuple(second), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("scaling", ["raw", "median"])
@pytest.mark.parametrize("crop", ["none", "garg", "eigen"])
def test_the_golden_vectors(crop: str, scaling: str, golden: Path, expected: dict[str, Any]) -> None:
    images = np.load(golden / "depth.npz")
    truth, predicted = ([images[f"{kind}{number}"] for number in range(2)] for kind in ("gt", "pr"))
    name: Any = None if crop == "none" else crop
    scores = score(truth, predicted, crop=name, median_scaling=scaling == "median")
    values = expected["depth"][f"{crop}/{scaling}"]
    assert len(values) == 7
    for key, value in values.items():
        found = getattr(scores, {"a1": "delta1", "a2": "delta2", "a3": "delta3"}.get(key, key))
        assert found == pytest.approx(value, abs=1e-9)


def test_three_pixels_by_hand() -> None:
    truth, predicted = np.array([[1.0, 2.0, 4.0, 0.0]]), np.array([[2.0, 2.0, 3.0, 9.0]])
    scores = score([truth], [predicted], crop=None)
    d = np.log([2, 1, 0.75])
    assert scores.abs_rel == pytest.approx((1 + 0 + 1 / 4) / 3)
    assert scores.sq_rel == pytest.approx((1 + 0 + 1 / 4) / 3)
    assert scores.rmse == pytest.approx(np.sqrt(2 / 3))
    assert scores.rmse_log == pytest.approx(np.sqrt((d**2).mean()))
    assert (scores.delta1, scores.delta2, scores.delta3) == (1 / 3, 2 / 3, 2 / 3)
    assert scores.silog == pytest.approx(100 * d.std())
    assert scores.silog_half == pytest.approx(np.sqrt((d**2).mean() - d.mean() ** 2 / 2))


def test_the_truth_is_perfect() -> None:
    truth, _ = random_depth(0)
    assert score(truth, truth, crop=None) == Scores(0, 0, 0, 0, 1, 1, 1, 0, 0)


def test_images_weigh_alike_however_many_pixels_they_have() -> None:
    truth = [np.full((1, 1), 10.0), np.full((3, 3), 10.0)]
    assert score(truth, [truth[0] * 2, truth[1]], crop=None).abs_rel == 0.5


def test_the_ends_of_the_range_do_not_count() -> None:
    truth = np.array([[1e-3, 80.0, 10.0, 90.0]])
    assert score([truth], [np.array([[5.0, 5.0, 10.0, 5.0]])], crop=None).rmse == 0
    everything = score_image(truth, np.array([[1e-3, 95.0, 10.0, 95.0]]), Rule(None, all_truth=True))
    assert everything.rmse == pytest.approx(np.sqrt(10**2 / 4))


def test_the_prediction_is_clamped_after_it_is_scaled() -> None:
    truth, predicted = np.array([[10.0, 20.0, 40.0]]), np.array([[100.0, 200.0, 400.0]])
    assert score([truth], [predicted], crop=None, median_scaling=True).rmse == pytest.approx(0)
    assert score([truth], [predicted], crop=None).rmse == pytest.approx(np.sqrt((70**2 + 60**2 + 40**2) / 3))
    assert score([truth], [np.array([[0.0, 20.0, np.inf]])], crop=None).rmse == pytest.approx(
        np.sqrt(((10 - 1e-3) ** 2 + 40**2) / 3)
    )


def test_medians_are_those_of_the_pixels_that_count() -> None:
    truth, predicted = np.array([[10.0, 0.0, 0.0, 90.0]]), np.array([[5.0, 1.0, 1.0, 1.0]])
    assert score([truth], [predicted], crop=None, median_scaling=True).rmse == pytest.approx(0)


@pytest.mark.parametrize(
    ("shape", "crop", "rows", "columns"),
    [
        ((375, 1242), "garg", (153, 371), (44, 1197)),
        ((375, 1242), "eigen", (124, 342), (44, 1197)),
        ((370, 1226), "garg", (151, 366), (44, 1181)),
        ((370, 1224), "garg", (151, 366), (43, 1180)),
    ],
)
def test_crops_are_truncated(
    shape: tuple[int, int], crop: Crop, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    assert cropped(shape, crop) == (slice(*rows), slice(*columns))
    image = np.zeros(shape)
    image[rows[0], columns[0]] = image[rows[0] - 1, columns[0]] = image[rows[0], columns[1]] = 10
    wrong_outside = np.full(shape, 1.0)
    wrong_outside[rows[0], columns[0]] = 10
    assert score([image], [wrong_outside], crop=crop).rmse == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.permutations(range(3)), st.booleans(), st.sampled_from([None, "garg", "eigen"]))
def test_the_order_of_images_does_not_matter(seed: int, order: list[int], medians: bool, crop: Crop | None) -> None:
    truth, predicted = random_depth(seed)
    again = score([truth[k] for k in order], [predicted[k] for k in order], crop, medians)
    assert same(score(truth, predicted, crop, medians), again)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3))
def test_a_stream_split_in_two_has_the_same_mean(seed: int, place: int) -> None:
    truth, predicted = random_depth(seed, 4)
    parts = [score(truth[part], predicted[part]) for part in (slice(place), slice(place, None))]
    whole = [(place * a + (4 - place) * b) / 4 for a, b in zip(*map(astuple, parts))]
    assert same(score(truth, predicted), Scores(*whole))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.floats(1e-3, 1e3))
def test_medians_make_any_factor_harmless(seed: int, factor: float) -> None:
    truth, predicted = random_depth(seed)
    scaled = score(truth, [factor * depth for depth in predicted], median_scaling=True)
    assert same(score(truth, predicted, median_scaling=True), scaled)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.5, 2))
def test_a_factor_changes_no_invariant_error(seed: int, factor: float) -> None:
    truth, predicted = random_depth(seed)
    predicted = [np.clip(depth, 1, 39) for depth in predicted]
    first, second = (score(truth, [each * depth for depth in predicted], crop=None) for each in (1, factor))
    assert first.silog == pytest.approx(second.silog, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_mirroring_both_changes_nothing_without_crop(seed: int) -> None:
    truth, predicted = random_depth(seed)
    mirrored = [[depth[:, ::-1] for depth in depths] for depths in (truth, predicted)]
    assert same(score(truth, predicted, crop=None), score(*mirrored, crop=None))


def test_images_are_taken_one_at_a_time() -> None:
    truth, predicted = random_depth(0)
    taken: list[int] = []

    def watched(depths: list[DEPTH], stream: int) -> Iterator[DEPTH]:
        for depth in depths:
            taken.append(stream)
            yield depth

    score(watched(truth, 0), watched(predicted, 1))
    assert taken == [0, 1] * 3


def test_what_is_no_number_is_refused_or_the_minimum() -> None:
    truth, predicted = np.full((1, 2), 10.0), np.array([[10.0, np.nan]])
    with pytest.raises(ValueError, match="image 0: the prediction is not a number at 1 of 2 pixels"):
        score([truth], [predicted], crop=None)
    mended = score([truth], [predicted], crop=None, nan_as_minimum=True)
    assert mended.rmse == pytest.approx((10 - 1e-3) / np.sqrt(2))
    assert score([truth * [1, 0]], [predicted], crop=None).rmse == 0


@pytest.mark.parametrize(
    ("truth", "predicted", "options", "message"),
    [
        ([np.ones((2, 3))], [np.ones((3, 2))], {}, r"image 0: the prediction has shape \(3, 2\)"),
        ([np.ones((2, 3))], [], {}, "differ in number; one ends after 0 images"),
        ([], [], {}, "there are no images"),
        ([np.zeros((9, 9))], [np.ones((9, 9))], {}, r"image 0: no ground truth between 0.001 and 80.0 m"),
        ([np.ones((9, 9))], [np.ones((9, 9))], {"crop": "Garg"}, "Garg is no crop; give one of garg, eigen"),
        ([np.ones((9, 9))], [np.zeros((9, 9))], {"median_scaling": True}, "the median of the prediction is 0.0"),
        ([np.ones((9, 9))], [np.ones((9, 9))], {"minimum": 0}, "a range of 0 to 80.0 m"),
    ],
)
def test_what_cannot_be_scored_is_refused(truth: Any, predicted: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        score(truth, predicted, **options)


def test_rules_are_those_of_score() -> None:
    truth, predicted = random_depth(1, 1)
    for rule in (Rule(), Rule(None, True), replace(Rule("eigen"), maximum=50.0)):
        assert score_image(truth[0], predicted[0], rule) == score(
            truth, predicted, rule.crop, rule.median_scaling, maximum=rule.maximum
        )
