"""Protocols side by side: which apply, and what each does to a prediction."""

import numpy as np
import pytest

from evaluation.depth import score
from evaluation.depth_protocols import IMPROVED, PROTOCOLS, SideBySide
from evaluation.depth_resize import kb_crop, resize_align_corners, resize_depth, resize_disparity
from evaluation.lidar import AXES

SHAPE = (375, 1242)


def frame(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A slope of depth with a tenth of the pixels known, and a prediction of a third of the size."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(90, 3, SHAPE[0])[:, None] * rng.uniform(0.8, 1.2, SHAPE)
    return np.where(rng.random(SHAPE) < 0.1, slope, 0), rng.uniform(0.7, 1.4, (125, 414)) * slope[1::3, 1::3]


def test_every_protocol_has_a_name_of_its_own_and_a_truth() -> None:
    assert len({protocol.name for protocol in PROTOCOLS}) == len(PROTOCOLS)
    assert {protocol.truth for protocol in PROTOCOLS} == {*AXES, IMPROVED}


def test_those_of_the_ground_truth_at_hand_apply() -> None:
    truth, predicted = frame()
    for kinds in ({"forward x"}, {"camera z", "forward x"}, {IMPROVED}):
        tally = SideBySide()
        tally.add(dict.fromkeys(kinds, truth), predicted)
        assert list(tally.scores()) == [protocol.name for protocol in PROTOCOLS if protocol.truth in kinds]


def test_each_does_what_its_name_says() -> None:
    truth, predicted = frame()
    tally = SideBySide()
    tally.add(dict.fromkeys((*AXES, IMPROVED), truth), predicted)
    scores = tally.scores()
    depth, disparity = resize_depth(predicted, SHAPE), resize_disparity(predicted, SHAPE)
    corners = resize_align_corners(predicted, SHAPE)
    assert scores["monodepth, forward x, Garg crop"] == score([truth], [disparity])
    assert scores["monodepth, camera z, Eigen crop"] == score([truth], [disparity], "eigen")
    assert scores["monodepth, camera z, no crop"] == score([truth], [disparity], None)
    assert scores["SfMLearner, forward x, Garg crop, medians"] == score([truth], [depth], "garg", True)
    assert scores["monodepth2, forward x, Garg crop, medians"] == score([truth], [disparity], "garg", True)
    assert scores["ZoeDepth, KB and Garg crop"] == score([kb_crop(truth)], [kb_crop(corners)])
    assert scores["improved, no crop"] == score([truth], [disparity], None)
    assert scores["monodepth2, all improved, medians"] != score([truth], [disparity], None, True)
    near = np.where(truth < 80, truth, 0)
    again = SideBySide()
    again.add({IMPROVED: near}, predicted)
    assert again.scores()["monodepth2, all improved, medians"] == score([near], [disparity], None, True)


def test_means_are_over_the_images() -> None:
    frames = [frame(0), frame(1)]
    tally = SideBySide()
    for truth, predicted in frames:
        tally.add({"forward x": truth}, predicted)
    resized = [resize_disparity(predicted, SHAPE) for _, predicted in frames]
    assert tally.scores()["monodepth, forward x, Garg crop"] == score([truth for truth, _ in frames], resized)


def test_predictions_of_the_kb_crop_are_scored_on_it_alone() -> None:
    truth, predicted = frame()
    whole = resize_align_corners(predicted, SHAPE)
    tally, cropped = SideBySide(), SideBySide(of_kb_crop=True)
    tally.add({IMPROVED: truth}, whole)
    cropped.add({IMPROVED: truth}, kb_crop(whole))
    assert cropped.scores() == {name: each for name, each in tally.scores().items() if "KB" in name}


def test_frames_too_small_for_the_kb_crop_are_scored_by_all_others() -> None:
    truth, predicted = frame()
    small, cropped = SideBySide(), SideBySide(of_kb_crop=True)
    small.add({IMPROVED: truth[:, :640]}, predicted)
    assert len(small.scores()) == 4
    small.add({IMPROVED: truth}, predicted)
    assert not any("KB" in name for name in small.scores())
    with pytest.raises(ValueError, match="takes 1216x352 pixels"):
        cropped.add({IMPROVED: truth[:, :640]}, predicted)


def test_of_nothing_there_are_no_scores() -> None:
    with pytest.raises(ValueError, match="no image was scored"):
        SideBySide().scores()
