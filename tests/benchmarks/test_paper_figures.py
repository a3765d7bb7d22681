"""Figures of pairs: the colours of flow, what stands beside what, and mistakes in one line."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import paper_figures
from benchmarks.flow_picture import flow_picture
from benchmarks.paper_figures import main, pairs
from benchmarks.sequences import Sequence
from training.overlay import NO_LABEL


def test_flow_has_the_hue_of_its_direction() -> None:
    flow = np.zeros((5, 20, 2))
    for row, direction in enumerate([(9, 0), (0, 9), (-9, 0), (0, -9), (0, 0)]):
        flow[row] = direction
    shown = flow_picture(flow)[:, 0].astype(int)
    expected = [(255, 0, 0), (127, 255, 0), (0, 255, 255), (127, 0, 255), (255, 255, 255)]
    assert np.abs(shown - expected).max() <= 4


def test_longer_flow_has_more_colour() -> None:
    flow = np.zeros((1, 100, 2))
    flow[0, :, 0] = np.arange(100)
    shown = flow_picture(flow)[0, :, 1].astype(int)
    assert (np.diff(shown) <= 0).all()
    assert shown[0] == 255
    assert shown[25] == pytest.approx(255 - 255 * (25 / 98) ** 0.5, abs=3)


def test_a_pair_stands_beside_its_flow_without_rotation_and_its_depth(drive: Path) -> None:
    made = pairs(drive, [], 1)
    first, second, flow, depth = (np.asarray(axes.images[0].get_array()) for axes in made.axes)
    titles = [axes.get_title() for axes in made.axes]
    assert titles == ["first frame", "second frame", "translational flow", "relative depth"]
    sequence = Sequence(drive)
    found = [index for index in range(3) if np.array_equal(sequence.image(index), first)]
    assert len(found) == 1
    np.testing.assert_array_equal(sequence.image(found[0] + 1), second)
    height, width = first.shape[:2]
    hue = cv2.cvtColor(flow, cv2.COLOR_RGB2HSV)[..., 0]
    # away from a focus of expansion near the middle: red or orange at the lower right, green to cyan at the lower left
    lower = slice(4 * height // 5, height)
    assert np.median(hue[lower, -width // 6 :]) < 30
    assert 50 < np.median(hue[lower, : width // 6]) < 95
    labelled = (depth != NO_LABEL).any(axis=-1)
    brightness = depth.astype(int).sum(axis=-1)
    assert np.median(brightness[lower][labelled[lower]]) > 1.5 * np.median(
        brightness[: height // 2][labelled[: height // 2]]
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["2", "--data", "bare/nowhere"], "bare/nowhere has no images"),
        (["3", "--data", "bare"], "results.parquet is not there; give the --out of benchmarks.pretraining_gain"),
        (["4", "--data", "bare"], "figure 4 needs --run"),
        (["1", "--data", "bare"], "holds no finished dataset"),
        (["1", "--data", "bare", "--run", "drive"], "drive is no run of ours"),
        (["2", "--data", "drive", "--count", "0"], "--count must be positive, not 0"),
        (["2", "--data", "drive", "--out", "nowhere/f.png"], "nowhere/f.png cannot be written"),
    ],
)
def test_mistakes_are_one_line(
    complaint: Callable[[Callable[[list[str]], int], list[str]], str], words: list[str], expected: str
) -> None:
    assert expected in complaint(main, [*words, *([] if "--out" in words else ["--out", "figure.png"])])


def test_a_drive_without_a_label_is_refused(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper_figures, "_pair_from", lambda *arguments: None)
    with pytest.raises(ValueError, match="no pair of its 4 frames gives a label"):
        pairs(drive, [], 2)
