"""The benchmark of edges on a small drive, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.edges import main, measure, measure_flow, truth
from benchmarks.sequences import MOVING, Sequence
from labels.edge_channels import Channels

Complaint = Callable[[Callable[[list[str]], int], list[str]], str]


class Oracle:
    """A detector that draws what it is given."""

    def __init__(self, told: np.ndarray) -> None:
        self.told = told

    def edges(self, found: Channels) -> np.ndarray:
        return self.told[: 2 * found.fine.shape[1], : 2 * found.fine.shape[2]].astype(np.float32)


def test_true_borders_lie_where_depth_steps_or_what_moves_ends(drive: Path) -> None:
    sequence = Sequence(drive)
    true, unknown = truth(sequence, 0)
    depth, mask = sequence.depth(0), sequence.mask(0)
    assert depth is not None and mask is not None
    assert 0.005 < true.mean() < 0.3 and not (true & unknown).any()
    around = [np.roll(depth, shift, axis) for axis in (0, 1) for shift in (1, -1)]
    far = [np.where(near > 0, near, np.inf) for near in around]
    steps = np.max(far, axis=0) > 1.1 * np.where(depth > 0, depth, np.inf)
    moving = mask & MOVING != 0
    assert (steps | moving)[true].all()


def test_the_truth_wins_and_is_one_to_one(drive: Path) -> None:
    sequence = Sequence(drive)
    true, _ = truth(sequence, 0)
    rows = {row["edges"]: row for row in measure([sequence], Oracle(true), every=100)}
    assert list(rows) == ["gradient", "thinned", "learned"]
    assert rows["learned"]["frames"] == 1
    # thinning takes parts of borders that touch, and what lies at the image's border
    assert rows["learned"]["f"] > 0.8 > rows["thinned"]["f"] > rows["gradient"]["f"] > 0.05


def test_figures_are_written(drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(drive), "--every", "100", "--json", str(tmp_path / "f.json")]) == 0
    rows = json.loads((tmp_path / "f.json").read_text())
    assert [row["edges"] for row in rows] == ["gradient", "thinned"]
    for row in rows:
        assert row["f"] == pytest.approx(
            2 * row["precision"] * row["recall"] / (row["precision"] + row["recall"]), abs=1e-3
        )
        assert row["milliseconds"] > 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_flow_is_measured_with_each_kind_of_edges(drive: Path) -> None:
    sequence = Sequence(drive)
    rows = measure_flow([sequence], Oracle(truth(sequence, 0)[0]), every=100)
    assert [(row["engine"], row["edges"]) for row in rows[3:6]] == [
        ("census", "learned"), ("ric", "own"), ("ric", "gradient")
    ]  # fmt: skip
    assert len({row["epe"] for row in rows}) >= 6
    own, thinned = rows[4], rows[6]
    assert own | {"edges": "thinned"} == thinned  # what the reference takes by itself
    assert all(0 < row["epe"] < row["epe_near_edges"] for row in rows)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["bare", "--flow"], "bare lacks depth/ or mask/; render it with --ground-truth"),
        (["bare"], "bare lacks depth/, mask/ or classes/; render it with --ground-truth"),
        (["drive", "--every", "0"], "--every 0 takes no frame; give 1 or more"),
        (["drive", "--model", "none.npz"], "--model none.npz is no file; give the model.npz that TrainEdges made"),
    ],
)
def test_what_cannot_be_measured_is_refused(complaint: Complaint, words: list[str], sentence: str) -> None:
    assert sentence in complaint(main, words)
