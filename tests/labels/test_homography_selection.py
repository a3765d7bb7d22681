"""The homography rule, step by step and on a moving picture."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from labels.homography_selection import (
    Features,
    HomographyParameters,
    features,
    judge_homography,
    judge_pair,
    select_by_homography,
)

RULE = HomographyParameters()


def homography(shift_x: float, shift_y: float, shear: float = 0.01) -> NDArray[np.float64]:
    return np.array([[1.0, shear, shift_x], [0.0, 1.0, shift_y], [0.0, 0.0, 1.0]])


@pytest.mark.parametrize(
    ("matrix", "kind", "reason"),
    [
        (homography(1.4, -1.4), "video", "slow"),
        (homography(1.4, -1.6), "video", ""),
        (homography(-1.0, 0.0), "images", ""),
        (homography(0.7, 0.7), "images", "slow"),
        (homography(-16.1, 0.0), "video", "fast"),
        (homography(0.0, 16.1), "video", "fast"),
        (homography(-15.9, 15.9), "video", ""),
        (homography(5.0, 5.0, shear=0.0005), "video", "plane"),
        (homography(5.0, 5.0, shear=-0.002), "video", ""),
    ],
)
def test_limits_of_the_homography(matrix: NDArray[np.float64], kind: str, reason: str) -> None:
    assert judge_homography(matrix, kind, RULE) == reason


def scene(seed: int = 0) -> NDArray[np.uint8]:
    """A picture full of corners."""
    generator = np.random.default_rng(seed)
    image = np.full((700, 1000), 128, np.uint8)
    for _ in range(1500):
        x, y, width, height = (int(value) for value in generator.uniform(0, (1000, 700, 40, 40)))
        cv2.rectangle(image, (x, y), (x + width, y + height), int(generator.integers(0, 256)), -1)
    return cv2.GaussianBlur(image, (0, 0), 0.8)


def view(image: NDArray[np.uint8], step: float) -> NDArray[np.uint8]:
    """The scene ``step`` further on: zoomed about a point off the corner, slightly turned and shifted."""
    matrix = cv2.getRotationMatrix2D((500, 350), 0.12 * step, 1 + 0.004 * step)
    matrix[:, 2] += (-170 - 1.0 * step, -170)
    seen = cv2.warpAffine(image, matrix, (640, 360), flags=cv2.INTER_CUBIC)
    grain = np.random.default_rng(round(10 * step)).normal(0, 4, seen.shape)
    return np.clip(seen + grain, 0, 255).astype(np.uint8)


def found(first: NDArray[np.uint8], second: NDArray[np.uint8], rule: HomographyParameters = RULE) -> str:
    detector = cv2.ORB_create(rule.features)
    return judge_pair(features(first, detector), features(second, detector), "video", rule)


def test_pairs_are_judged_by_what_they_show() -> None:
    image = scene()
    assert found(view(image, 0), view(image, 3)) == ""
    assert found(view(image, 0), view(image, 0)) == "slow"
    assert found(view(image, 0), view(image, 20)) == "fast"
    assert found(view(image, 0), np.full((360, 640), 128, np.uint8)) in ("blocky", "few_features")
    assert found(view(image, 0), cv2.GaussianBlur(view(image, 3), (0, 0), 9)) in (
        "blocky",
        "few_features",
        "few_matches",
    )
    assert found(view(scene(1), 0), view(scene(2), 0), HomographyParameters(fewest_matches=1500)) == "few_matches"


def test_blocky_frames_are_out() -> None:
    image = scene()
    detector = cv2.ORB_create(2000)
    good = features(view(image, 0), detector)
    bad = Features(7.5, good.points, good.strengths, good.descriptors)
    assert judge_pair(good, bad, "video", RULE) == "blocky"
    much_better = Features(good.quality * 1.3, good.points, good.strengths, good.descriptors)
    assert judge_pair(good, much_better, "video", RULE) == "blocky"


def moving(count: int = 16) -> list[NDArray[np.uint8]]:
    image = scene()
    return [view(image, 2.0 * number) for number in range(count)]


def test_a_moving_picture_gives_pairs_up_to_four_frames_apart() -> None:
    frames = moving()
    pairs = select_by_homography(iter(frames), "drive")
    rows = np.flatnonzero(pairs.reason == "")
    distances = pairs.second[rows] - rows
    assert len(rows) >= 8
    assert distances.min() >= 1
    assert distances.max() <= 4
    assert len(set(distances.tolist())) > 1  # the order of trial is random
    assert pairs.reason[-1] == "end_of_shot"
    again = select_by_homography(iter(frames), "drive")
    np.testing.assert_array_equal(pairs.second, again.second)
    np.testing.assert_array_equal(pairs.reason, again.reason)
    other = select_by_homography(iter(frames), "another drive")
    assert (other.second != pairs.second).any()


def test_pairs_come_from_the_middle_and_no_more_than_asked() -> None:
    pairs = select_by_homography(iter(moving(24)), "drive", parameters=HomographyParameters(most_pairs=5))
    accepted = np.flatnonzero(np.isin(pairs.reason, ["", "outside_middle", "not_drawn"]))
    margin = round(0.1 * len(accepted))
    assert (pairs.reason == "").sum() == 5
    assert (pairs.reason[accepted[:margin]] == "outside_middle").all()
    assert (pairs.reason[accepted[-margin:]] == "outside_middle").all()
    assert (pairs.reason == "outside_middle").sum() == 2 * margin


def test_frames_not_usable_and_other_shots_are_left_out() -> None:
    usable = np.ones(16, bool)
    usable[5] = False
    shot = np.repeat([0, 1], 8)
    pairs = select_by_homography(iter(moving()), "drive", usable=usable, shot=shot)
    assert pairs.reason[5] == "unusable"
    rows = np.flatnonzero(pairs.second >= 0)
    assert 5 not in pairs.second
    assert (shot[rows] == shot[pairs.second[rows]]).all()
    assert pairs.reason[7] == "end_of_shot"


def test_no_frames_give_no_pairs() -> None:
    pairs = select_by_homography(iter([]), "nothing")
    assert len(pairs.second) == len(pairs.reason) == 0
