"""Overlaps of classes against known values, the golden vectors and the official tool."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as official  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evaluation.classes import BENCHMARKS, CAMVID
from evaluation.segmentation import Scores, score

IDS = NDArray[np.uint8]
Stream = tuple[list[IDS], list[IDS], list[NDArray[np.uint16]]]


def random_stream(seed: int, many: int = 3, absent: tuple[int, ...] = ()) -> Stream:
    """Truth in blocks of 2 x 2, predictions right at half of the pixels, instances; all ids occur but those absent."""
    rng = np.random.default_rng(seed)
    ids = np.array([each for each in range(34) if each not in absent])
    truth, predicted, instances = [], [], []
    for _ in range(many):
        true = rng.choice(ids, (6, 10)).repeat(2, 0).repeat(2, 1)
        number = rng.integers(0, 3, true.shape)
        truth.append(true.astype(np.uint8))
        predicted.append(np.where(rng.random(true.shape) < 0.5, true, rng.choice(ids, true.shape)).astype(np.uint8))
        instances.append(np.where((true >= 24) & (number > 0), true * 1000 + number, true).astype(np.uint16))
    return truth, predicted, instances


def equal(first: Scores, second: Scores) -> bool:
    """To the last bit but for the order of sums of instances."""
    return all(
        np.allclose(list(a.values()), list(b.values()), rtol=1e-12, atol=0, equal_nan=True)
        if isinstance(a, dict)
        else np.isclose(a, b, rtol=1e-12, atol=0, equal_nan=True)
        for a, b in zip(vars(first).values(), vars(second).values())
    )


def test_the_golden_vectors(golden: Path, expected: dict[str, Any]) -> None:
    images, values = np.load(golden / "cityscapes.npz"), expected["cityscapes"]
    scores = score(images["gt"], images["pred"], "cityscapes")
    assert scores.mean_iou == pytest.approx(values["mIoU_classes"], abs=1e-9)
    assert scores.category_mean_iou == pytest.approx(values["mIoU_categories"], abs=1e-9)
    assert scores.iou == pytest.approx(values["classes"], abs=1e-9)


@pytest.mark.parametrize(("seed", "absent"), [(0, ()), (1, ()), (2, (12, 23, 31))])
def test_the_official_tool_finds_the_same(
    seed: int, absent: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(np, "in1d", np.isin, raising=False)  # which the official tool needs, and NumPy dropped
    truth, predicted, instances = random_stream(seed, absent=absent)
    files: tuple[list[str], list[str]] = ([], [])
    for number, images in enumerate(zip(truth, predicted, instances)):
        names = (f"{number}_labelIds.png", f"{number}_prediction.png", f"{number}_instanceIds.png")
        for name, image in zip(names, images):
            assert cv2.imwrite(str(tmp_path / name), image)
        for paths, name in zip(files, names):
            paths.append(str(tmp_path / name))
    monkeypatch.setattr(official.args, "quiet", True)
    monkeypatch.setattr(official.args, "JSONOutput", False)
    theirs = official.evaluateImgLists(files[1], files[0], official.args)
    ours = score(truth, predicted, "cityscapes", instances)
    for mine, name in (
        (ours.iou, "classScores"), (ours.category_iou, "categoryScores"),
        (ours.instance_iou, "classInstScores"), (ours.instance_category_iou, "categoryInstScores"),
    ):  # fmt: skip
        assert mine == pytest.approx({each: theirs[name][each] for each in mine}, abs=1e-9, nan_ok=True)
        assert all(np.isnan(value) for each, value in theirs[name].items() if each not in mine)
    for mean, name in (
        (ours.mean_iou, "averageScoreClasses"), (ours.category_mean_iou, "averageScoreCategories"),
        (ours.instance_mean_iou, "averageScoreInstClasses"),
        (ours.instance_category_mean_iou, "averageScoreInstCategories"),
    ):  # fmt: skip
        assert mean == pytest.approx(theirs[name], abs=1e-9)


def test_a_few_pixels_by_hand() -> None:
    road, car, void = 3, 8, 11
    truth = np.array([[road, road, road, road], [car, car, void, void]], np.uint8)
    predicted = np.array([[road, road, car, void], [car, road, car, road]], np.uint8)
    scores = score([truth], [predicted], "camvid")
    # road: 2 hits, 2 misses of which one void, 1 false alarm on car, none on void; car: 1, 1, 1
    assert scores.iou["road"] == 2 / 5
    assert scores.iou["car"] == 1 / 3
    assert np.isnan(scores.iou["sky"])
    assert scores.mean_iou == pytest.approx((2 / 5 + 1 / 3) / 2)
    assert scores.category_iou["vehicle"] == 1 / 3


def test_classes_of_one_category_may_be_confused() -> None:
    road, pavement = 3, 4
    scores = score([np.full((2, 2), road)], [np.full((2, 2), pavement)], "camvid")
    assert (scores.iou["road"], scores.category_iou["flat"]) == (0.0, 1.0)


def test_a_small_instance_weighs_as_much_as_a_large_one() -> None:
    car, road = 26, 7
    truth = np.full((4, 5), car, np.uint8)
    instances = np.full((4, 5), 26001, np.uint16)
    instances[0, :2] = 26002
    predicted = np.where(instances == 26001, car, road)
    scores = score([truth], [predicted], "cityscapes", [instances])
    assert scores.iou["car"] == 18 / 20
    assert scores.instance_iou["car"] == pytest.approx(0.5)
    assert scores.instance_mean_iou == pytest.approx(0.5)


def test_without_instance_ids_nothing_is_said_of_instances() -> None:
    truth, predicted, _ = random_stream(0)
    scores = score(truth, predicted)
    assert scores.instance_iou == {}
    assert np.isnan(scores.instance_mean_iou)


@pytest.mark.parametrize("protocol", ["camvid", "kitti"])
def test_mean_is_over_eleven_classes(protocol: str) -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 12, (2, 4, 30, 40), dtype=np.uint8)
    iou = score(truth, predicted, protocol).iou
    kept = truth < 11
    counts = np.bincount((12 * truth[kept].astype(int) + predicted[kept]), minlength=144).reshape(12, 12)
    reference = counts.diagonal()[:11] / (counts.sum(0)[:11] + counts.sum(1)[:11] - counts.diagonal()[:11])
    assert list(iou.values()) == pytest.approx(reference.tolist(), abs=1e-12)
    assert tuple(iou) == BENCHMARKS[protocol].names


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.permutations(range(4)))
def test_the_order_of_images_does_not_matter(seed: int, order: list[int]) -> None:
    streams = random_stream(seed, 4)
    ordered = [[stream[place] for place in order] for stream in streams]
    assert equal(
        score(streams[0], streams[1], "cityscapes", streams[2]),
        score(ordered[0], ordered[1], "cityscapes", ordered[2]),
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 11))
def test_cutting_images_changes_no_score_of_pixels(seed: int, row: int) -> None:
    truth, predicted, _ = random_stream(seed)
    cut = [[part for image in stream for part in (image[:row], image[row:])] for stream in (truth, predicted)]
    assert equal(score(truth, predicted), score(*cut))


def test_images_are_taken_one_at_a_time() -> None:
    truth, predicted, _ = random_stream(0)
    taken: list[int] = []

    def watched(images: list[IDS], stream: int) -> Iterator[IDS]:
        for image in images:
            taken.append(stream)
            yield image

    assert equal(score(watched(truth, 0), watched(predicted, 1)), score(truth, predicted))
    assert taken == [0, 1] * 3


@pytest.mark.parametrize(
    ("truth", "predicted", "instances", "message"),
    [
        ([(2, 3)], [(3, 2)], None, "prediction 0 has 2x3 pixels, ground truth 0 3x2"),
        ([(2, 3)], [(2, 3), (2, 3)], None, "differ in number; one ends after 1 images"),
        ([(2, 3)], [(2, 3)], [(2, 4)], "instance ids of ground truth 0 has 4x2 pixels"),
        ([(2, 3, 3)], [(2, 3)], None, r"ground truth 0 has shape \(2, 3, 3\)"),
    ],
)
def test_what_does_not_go_together_is_named(truth: Any, predicted: Any, instances: Any, message: str) -> None:
    streams = [None if shapes is None else [np.zeros(shape, np.uint8) for shape in shapes] for shapes in (
        truth, predicted, instances,
    )]  # fmt: skip
    with pytest.raises(ValueError, match=message):
        score(streams[0], streams[1], "cityscapes", streams[2])  # type: ignore[arg-type]


def test_unknown_ids_are_named() -> None:
    void = np.full((2, 2), CAMVID.labels[-1].id)
    with pytest.raises(ValueError, match="prediction 0 has id 12; camvid has ids 0 to 11 only"):
        score([void], [void + 1], "camvid")
    with pytest.raises(ValueError, match="ground truth 0 has id -1"):
        score([void - 12], [void], "camvid")
    with pytest.raises(ValueError, match="ground truth 0 has instance id 7001"):
        score([void], [void], "cityscapes", [np.full((2, 2), 7001)])
    with pytest.raises(ValueError, match="ground truth 0 has instance id 40000"):
        score([void], [void], "cityscapes", [np.full((2, 2), 40000)])
