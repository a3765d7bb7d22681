from collections.abc import Callable
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.stats import spearmanr

from labels.codec import decode
from labels.dense_depth import DenseParameters
from labels.flow import INSIDE
from labels.fusion import FusionParameters
from labels.pair import LabelParameters, PairLabel, label_pair

Make = Callable[..., Any]


@pytest.fixture(scope="module")
def scene(corridor: Make) -> Any:
    return corridor((0.1, 0.4, -0.1), (0.03, -0.02, 0.5))


@pytest.fixture(scope="module")
def label(scene: Any) -> PairLabel:
    return label_pair(*scene.frames(), scene.focal)


def test_rendered_frames_give_the_true_order_of_depth(
    scene: Any, label: PairLabel, angle_deg: Callable[..., float]
) -> None:
    assert label.reason == ""
    assert angle_deg(label.egomotion.T, scene.heading) < 0.5
    assert angle_deg(label.egomotion.R, scene.R) < 0.05
    z, valid = decode(label.codes)
    assert valid.mean() > 0.6
    assert spearmanr(z[valid], scene.depth[valid]).statistic > 0.98
    assert label.valid_fraction == pytest.approx(valid.mean())


def test_codes_and_confidence_go_together(label: PairLabel) -> None:
    assert label.codes.dtype == label.confidence.dtype == np.uint8
    np.testing.assert_array_equal(label.codes > 0, label.confidence > 0)
    z = decode(label.codes)[0][label.codes > 0]
    counts, _ = np.histogram(z, bins=10, range=(0, 1))
    assert counts.min() > 0.085 * len(z)


def test_colour_and_grey_are_both_fine(scene: Any, label: PairLabel) -> None:
    first, second = (np.repeat(frame[..., None], 3, axis=2) for frame in scene.frames())
    np.testing.assert_array_equal(label_pair(first, second, scene.focal).codes, label.codes)


def test_the_same_pair_gives_the_same_bytes(scene: Any, label: PairLabel) -> None:
    again = label_pair(*scene.frames(), scene.focal)
    assert again.codes.tobytes() == label.codes.tobytes()
    assert again.confidence.tobytes() == label.confidence.tobytes()


def test_the_pair_before_only_helps(scene: Any, label: PairLabel) -> None:
    tracked = label_pair(*scene.frames(), scene.focal, previous=label, elapsed=0.0)
    assert tracked.egomotion.tracked
    both = (tracked.codes > 0) & (label.codes > 0)
    assert np.abs(tracked.codes[both].astype(int) - label.codes[both]).mean() < 1


@pytest.fixture(scope="module")
def following(corridor: Make) -> tuple[Any, PairLabel, tuple[np.ndarray, np.ndarray]]:
    """A step of half a metre, its label, and the frames of the next such step."""
    first, both = corridor((0, 0, 0), (0, 0, 0.5)), corridor((0, 0, 0), (0, 0, 1.0))
    start, middle = first.frames()
    return first, label_pair(start, middle, first.focal), (middle, both.frames()[1])


def test_what_leaves_the_frame_is_known_from_the_pair_before(following: Any) -> None:
    first, before, frames = following
    alone, carried = label_pair(*frames, first.focal), label_pair(*frames, first.focal, previous=before)
    assert alone.measured is not None and carried.measured is not None
    left = alone.support & INSIDE == 0
    assert left.mean() > 0.05 and not alone.measured.valid[left].any()
    assert carried.measured.valid[left].mean() > 0.9
    truth = 0.5 / ((first.points(first.R, first.T) - first.T)[..., 2] - 0.5)
    known = left & carried.measured.valid
    error = np.abs(carried.measured.inverse_depth / truth - 1)[known]
    assert np.median(error) < 0.02


def test_without_fusion_the_pair_before_tells_no_depth(following: Any) -> None:
    first, before, frames = following
    off = LabelParameters(fusion=FusionParameters(carry=False))
    late = label_pair(*frames, first.focal, previous=before, elapsed=9.0)  # too late for the motion before
    for label in (label_pair(*frames, first.focal, off, before), late):
        assert label.measured is not None
        assert not label.measured.valid[label.support & INSIDE == 0].any()


def test_percentiles_may_be_those_of_the_area(scene: Any, label: PairLabel) -> None:
    usable = np.ones((scene.height, scene.width), bool)
    usable[300:] = False
    area = LabelParameters(percentile_over="area", dense=DenseParameters(propagate=False))
    over = label_pair(*scene.frames(), scene.focal, area, usable=usable)
    plain = label_pair(*scene.frames(), scene.focal, replace(area, percentile_over="valid"), usable=usable)
    valid = plain.codes > 0
    np.testing.assert_array_equal(over.codes > 0, valid)
    assert over.codes[valid].max() == plain.codes[valid].max() == 255
    assert 0 < np.abs(over.codes[valid].astype(int) - plain.codes[valid]).max() < 60
    with pytest.raises(ValueError, match=r"'all'.*valid, area"):
        label_pair(*scene.frames(), scene.focal, replace(area, percentile_over="all"))


def test_focal_length_hardly_matters_when_driving_straight(corridor: Make) -> None:
    scene = corridor((0, 0, 0), (0.02, -0.03, 0.5))
    frames = scene.frames()
    one, other = label_pair(*frames, scene.focal), label_pair(*frames, 1.5 * scene.focal)
    focus, other_focus = (
        np.array(each.egomotion.focus_of_expansion(focal, scene.centre))
        for each, focal in ((one, scene.focal), (other, 1.5 * scene.focal))
    )
    assert np.linalg.norm(focus - other_focus) < 0.5
    both = (one.codes > 0) & (other.codes > 0)
    assert both.sum() > 0.95 * (one.codes > 0).sum()
    assert np.abs(decode(one.codes)[0] - decode(other.codes)[0])[both].mean() < 0.005


def test_a_mirrored_pair_gives_the_mirrored_label(scene: Any, label: PairLabel) -> None:
    mirrored = label_pair(*(np.ascontiguousarray(frame[:, ::-1]) for frame in scene.frames()), scene.focal)
    codes = mirrored.codes[:, ::-1]
    both = (codes > 0) & (label.codes > 0)
    assert both.sum() > 0.9 * (label.codes > 0).sum()
    assert np.abs(decode(codes)[0] - decode(label.codes)[0])[both].mean() < 0.01


def test_what_is_fixed_to_the_car_gets_no_label(scene: Any) -> None:
    usable = np.ones((scene.height, scene.width), bool)
    usable[300:] = False
    label = label_pair(*scene.frames(), scene.focal, usable=usable)
    assert label.reason == ""
    assert not label.codes[300:].any()


def textured(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).random((360, 640)).astype(np.float32)
    return np.clip(128 + 900 * (cv2.GaussianBlur(noise, (0, 0), 2) - 0.5), 0, 255).astype(np.uint8)


def dropped(first: np.ndarray, second: np.ndarray) -> str:
    label = label_pair(first, second, 500.0)
    if label.reason:
        assert not label.codes.any()
        assert not label.confidence.any()
        assert label.valid_fraction == 0
    return label.reason


def test_identical_frames_have_no_parallax() -> None:
    assert dropped(textured(0), textured(0)) == "no_parallax"


def test_a_camera_that_only_turns_has_no_parallax() -> None:
    K = np.array([[500, 0, 319.5], [0, 500, 179.5], [0, 0, 1.0]])
    R = cv2.Rodrigues(np.deg2rad(np.array([0.3, 1.0, 0.2])))[0]
    turned = cv2.warpPerspective(textured(0), K @ R.T @ np.linalg.inv(K), (640, 360), borderMode=cv2.BORDER_REFLECT)
    assert dropped(textured(0), turned) == "no_parallax"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_cut_gives_no_label(seed: int) -> None:
    assert dropped(textured(0), textured(seed)) != ""


def test_frames_of_noise_give_no_label() -> None:
    first, second = np.random.default_rng(0).integers(0, 256, (2, 360, 640), np.uint8)
    assert dropped(first, second) != ""


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_empty_frames_have_low_texture(grey: int) -> None:
    assert dropped(np.full((360, 640), grey, np.uint8), np.full((360, 640), grey, np.uint8)) == "low_texture"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (np.zeros((360, 640), np.float32), np.zeros((360, 640), np.float32)),
        (np.zeros((360, 640), np.uint8), np.zeros((360, 638), np.uint8)),
        (np.zeros((360, 640, 4), np.uint8), np.zeros((360, 640, 4), np.uint8)),
        (np.zeros((20, 30), np.uint8), np.zeros((20, 30), np.uint8)),
    ],
)
def test_what_is_no_pair_of_images_is_refused(first: np.ndarray, second: np.ndarray) -> None:
    with pytest.raises(ValueError, match="image"):
        label_pair(first, second, 500.0)


def test_parameters_are_plain() -> None:
    def scalars(parameters: Any) -> None:
        for value in vars(parameters).values():
            if is_dataclass(value):
                scalars(value)
            else:
                assert isinstance(value, int | float | str | bool)

    scalars(LabelParameters())
    assert hash(LabelParameters()) == hash(LabelParameters())


@pytest.mark.real_data
def test_real_labels_agree_with_stereo(real_data: Path) -> None:
    from benchmarks.labels import measure
    from benchmarks.sequences import Sequence

    result = measure(Sequence(real_data / "kitti_odometry" / "straight"), width=640)
    assert result["pairs_kept"] == result["pairs"]
    assert result["rho"] > 0.94
    assert result["valid_fraction"] > 0.5
