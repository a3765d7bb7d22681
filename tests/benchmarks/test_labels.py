import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import labels as benchmark
from benchmarks.labels import main, measure
from benchmarks.sequences import MOVING, RELIABLE, VISIBLE, Sequence
from evaluation.relative_depth import percentiles
from labels.codec import encode
from labels.dense_depth import MEASURED, NONE, PROPAGATED
from labels.egomotion import Egomotion
from labels.pair import LabelParameters, PairLabel
from pipeline.profiles import profile


def truth(sequence: Sequence, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Depth of the pair's first frame and where the benchmark compares."""
    depth, mask = sequence.depth(index), sequence.mask(index)
    assert depth is not None and mask is not None
    return depth, (mask & (VISIBLE | RELIABLE) != 0) & (mask & MOVING == 0) & (depth > 0)


def labelled(depth: np.ndarray, valid: np.ndarray, turned: bool = False, propagated: bool = False) -> PairLabel:
    """The label that true depth would give; half of it ``propagated``."""
    z = np.zeros(depth.shape)
    z[valid] = percentiles(-depth[valid] if turned else depth[valid])
    codes, origin = encode(z, valid), np.where(valid, MEASURED, NONE).astype(np.uint8)
    if propagated:
        origin[:, ::2][valid[:, ::2]] = PROPAGATED
    flow = np.zeros((*depth.shape, 2), np.float32)
    still = np.zeros(depth.shape, bool)
    return PairLabel("", codes, codes, origin, still, Egomotion(), float(valid.mean()), flow, codes)


def measured(drive: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> dict[str, Any]:
    """The benchmark's figures for labels made from the truth."""
    sequence = Sequence(drive)
    images = {sequence.image(index).tobytes(): index for index in range(len(sequence))}
    part = options.pop("part", None)

    def label(image1: np.ndarray, *_: Any, **__: Any) -> PairLabel:
        depth, valid = truth(sequence, images[image1.tobytes()])
        if part is not None:
            valid = valid & part
        return labelled(depth, valid, **options)

    monkeypatch.setattr(benchmark, "label_pair", label)
    return measure(sequence)


def test_true_labels_score_perfectly(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = measured(drive, monkeypatch)
    assert (row["pairs"], row["pairs_kept"]) == (3, 3)
    assert row["valid_fraction"] == 1
    assert row["rho"] > 0.9999
    assert row["percentile_error"] < 1 / 255
    assert row["origins"]["measured"]["share"] == 1


def test_labels_turned_round_score_the_opposite(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = measured(drive, monkeypatch, turned=True)
    assert row["rho"] < -0.9999
    assert row["percentile_error"] == pytest.approx(0.5, abs=0.01)


def test_labels_of_a_part_are_compared_within_it(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = np.zeros((144, 256), bool)
    left[:, :128] = True
    row = measured(drive, monkeypatch, part=left)
    sequence = Sequence(drive)
    wanted = np.median([left[truth(sequence, k)[1]].mean() for k in range(3)])
    assert row["valid_fraction"] == pytest.approx(wanted, abs=1e-5)
    assert row["rho"] > 0.9999 and row["percentile_error"] < 1 / 255


def test_every_origin_has_its_share_and_its_error(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = measured(drive, monkeypatch, propagated=True)
    assert row["origins"]["propagated"]["share"] == pytest.approx(0.5, abs=0.05)
    assert row["origins"]["measured"]["share"] + row["origins"]["propagated"]["share"] == pytest.approx(1)
    assert row["origins"]["propagated"]["error"] < 1 / 255
    assert row["origins"]["sky"] == {"share": 0, "error": None}


def test_real_labels_order_most_of_the_scene(drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "figures.json"
    assert main([str(drive), "--json", str(out)]) == 0
    row = json.loads(out.read_text())
    assert (row["sequence"], row["pairs"], row["pairs_kept"]) == ("drive", 3, 3)
    assert row["rho"] > 0.7 and row["valid_fraction"] > 0.3
    assert f"{row['rho']:.3f}" in capsys.readouterr().out


def told(words: list[str], monkeypatch: pytest.MonkeyPatch) -> LabelParameters:
    """The parameters that the benchmark labels with."""
    seen: list[LabelParameters] = []

    def label(*arguments: Any, **_: Any) -> PairLabel:
        seen.append(arguments[3])
        image = arguments[0]
        return labelled(np.ones(image.shape[:2]), np.ones(image.shape[:2], bool))

    monkeypatch.setattr(benchmark, "label_pair", label)
    assert main(words) == 0
    return seen[0]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # these labels have one depth: nothing correlates with it
def test_a_profile_decides_but_for_what_is_given(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told([str(drive)], monkeypatch) == LabelParameters()
    assert told([str(drive), "--profile", "paper"], monkeypatch) == profile("paper").label
    fast = told([str(drive), "--profile", "fast", "--method", "reference", "--alone"], monkeypatch)
    assert (fast.flow, fast.egomotion.method) == (profile("fast").label.flow, "reference")
    assert not fast.fusion.carry and told([str(drive), "--profile", "fast"], monkeypatch).fusion.carry


REFUSED = [
    (["missing"], "missing has no images in image_2/ or image_0/"),
    (["bare"], "bare has no depth/ and mask/"),
    (["drive", "--stride", "9"], "has 4 frames: a stride of 9 leaves no pair"),
    (["drive", "--width", "32"], "a width of 32 pixels is not between 64 and the 256"),
    (["drive", "--flow", "farneback"], "unknown engine 'farneback'"),
    (["drive", "--json", "nowhere/figures.json"], "nowhere/figures.json"),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSED)
def test_what_cannot_be_measured_is_said_in_a_sentence(
    complaint: Callable[..., str], words: list[str], sentence: str
) -> None:
    assert sentence in complaint(main, words)
