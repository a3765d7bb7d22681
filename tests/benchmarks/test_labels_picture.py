"""The picture of labels by profile: what stands where, in which colours, and mistakes in one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import labels_picture
from benchmarks.labels_picture import MOVES, Footage, main, painted, shown
from benchmarks.sequences import MOVING, Sequence
from labels.egomotion import Egomotion
from labels.pair import LabelParameters, PairLabel
from simulation import DriveParameters
from simulation.video import write_video
from training.overlay import NO_LABEL


def label(reason: str = "") -> PairLabel:
    """Near on the left, far in the middle, moving on the right."""
    codes = np.repeat(np.array([[0, 1, 255, 0]], np.uint8), 80, axis=0).repeat(40, axis=1)
    codes = np.zeros_like(codes) if reason else codes
    moving = np.zeros(codes.shape, bool)
    moving[:, 120:] = not reason
    flow = np.zeros((*codes.shape, 2), np.float32)
    return PairLabel(reason, codes, codes, codes, moving, Egomotion(reason=reason), 0.5, flow, codes)


def test_near_is_brighter_than_far_and_what_moves_is_green() -> None:
    nothing, near, far, moving = shown(label())[40, 20::40].astype(int)
    assert near.sum() > far.sum() + 300
    assert (nothing == NO_LABEL).all() and tuple(moving) == MOVES


def test_a_pair_without_a_label_says_why() -> None:
    blank = painted(np.zeros((80, 160)), np.zeros((80, 160), bool), np.zeros((80, 160), bool))
    words = shown(label("no_parallax"))
    assert (blank == NO_LABEL).all()
    assert 0.01 < (words == 255).all(axis=-1).mean() < 0.3
    assert (words != shown(label("chirality"))).any()


def test_a_row_is_the_frame_the_truth_and_the_label_of_each_profile(drive: Path) -> None:
    sequence = Sequence(drive)
    frame, truth, fast, ours = Footage(sequence, None).row(1, 1, 1, ["fast", "default"])
    np.testing.assert_array_equal(frame, sequence.image(1))
    mask = sequence.mask(1)
    assert mask is not None
    np.testing.assert_array_equal((truth == MOVES).all(axis=-1), mask & MOVING != 0)
    assert (fast != ours).any() and fast.shape == ours.shape == frame.shape


def test_pairs_before_are_handed_on(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def labelled(first: np.ndarray, second: np.ndarray, focal: float, *rest: Any, **named: Any) -> PairLabel:
        seen.append((rest[1], named["elapsed"], focal))
        return made[len(seen) - 1]

    made = [label(), label("no_parallax"), label()]
    monkeypatch.setattr(labels_picture, "label_pair", labelled)
    footage = Footage(Sequence(drive), None)
    assert footage.label(2, 1, 5, "paper") is made[2]
    assert seen == [(None, 0, 0.8 * 256), (made[0], 1, 0.8 * 256), (made[0], 2, 0.8 * 256)]


def test_a_video_has_each_profile_s_own_focal_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_video(tmp_path / "drive.mp4", DriveParameters(frames=3, width=128, height=72))
    seen: list[float] = []

    def labelled(
        first: np.ndarray, second: np.ndarray, focal: float, parameters: LabelParameters, *_: Any, **__: Any
    ) -> PairLabel:
        seen.append(focal / 128)
        return label("no_parallax")

    monkeypatch.setattr(labels_picture, "label_pair", labelled)
    out = tmp_path / "labels.png"
    words = [str(tmp_path / "drive.mp4"), "--frames", "1", "--before", "0", "--out", str(out)]
    assert main(words) == 0
    assert seen == pytest.approx([0.812, 0.8, 0.8])
    assert out.exists() and str(out) in capsys.readouterr().out
    assert main([*words, "--stride", "3"]) == 2


REFUSED = [
    (["nowhere", "--frames", "0"], "nowhere has no images in image_2/ or image_0/"),
    (["drive", "--frames", "3"], "frame 3 and the one 1 later are not both among the 4 frames"),
    (["drive", "--frames", "-1"], "frame -1 and the one 1 later are not both among the 4 frames"),
    (["drive/calib.txt", "--frames", "0"], "calib.txt"),
    (["drive", "--frames", "0", "--out", "nowhere/f.png"], "nowhere/f.png cannot be written"),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSED)
def test_what_cannot_be_shown_is_said_in_a_sentence(
    complaint: Callable[..., str], words: list[str], sentence: str
) -> None:
    assert sentence in complaint(main, [*words, *([] if "--out" in words else ["--out", "f.png"])])
