"""The study of what pre-training gains: which runs it means, that it resumes and reuses, what it reports."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from matplotlib.figure import Figure

from benchmarks import gain_curves, gain_report, gain_study, pretraining_gain
from benchmarks.gain_study import Arm, Labelled, Study, cells
from benchmarks.pretraining_gain import main
from training.engine import REQUEUE
from training.learner import Learner

ROOT = Path(__file__).parents[3]
STUDY: dict[str, Any] = {
    "arms": [
        {"name": "scratch", "swept": True, "paper": "scratch"},
        {"name": "depth", "shards": "drive", "swept": True, "paper": "depth"},
        {"name": "shuffled", "shards": "drive", "pretraining": {"pretext": {"name": "shuffled_depth"}}},
        {
            "name": "adapted",
            "shards": "drive",
            "start": "depth",
            "finetuning": {"optimisation": {"learning_rate": 1e-3}},
        },
    ],
    "shards": {"drive": "$STUDY_DATA/drive"},
    "labelled": {
        "small": {"data": "$STUDY_DATA/labelled", "finetuning": {"dataset": {"layout": "cityscapes_256"}}},
    },
    "architectures": {"alexnet-fcn32s": {"fc_channels": 8}},
    "pretraining": {
        "input": {"height": 64, "width": 64},
        "loader": {"batch_size": 4, "workers": 0},
        "optimisation": {"epochs": 1},
        "record": {"validation_samples": 1, "overlays": 0},
        "engine": {"device": "cpu", "deterministic": True},
    },
    "finetuning": {
        "crop": {"height": 64, "width": 64, "scale": 0.5},
        "loader": {"batch_size": 2, "workers": 0},
        "optimisation": {"epochs": 1, "drops": []},
        "record": {"overlays": 0},
        "engine": {"device": "cpu", "deterministic": True},
    },
    "pretraining_seeds": [0],
    "finetuning_seeds": [0, 1],
    "pretraining_sizes": [8],
    "labelled_sizes": {2: {"optimisation": {"epochs": 3}}},
}


@pytest.fixture(scope="module")
def place(small_dataset: Path, sample: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data, and the study as a file."""
    root = tmp_path_factory.mktemp("study")
    (root / "drive").symlink_to(small_dataset)
    sample(root / "labelled", "cityscapes_256", {"train": 4, "val": 2})
    (root / "study.yaml").write_text(yaml.safe_dump(STUDY))
    return root


class Updates:
    """Counts updates of weights, and asks to stop at one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done, self.stop_at, update = 0, 0, Learner.step

        def counted(learner: Learner, *arguments: Any) -> Any:
            self.done += 1
            if self.done == self.stop_at:
                os.kill(os.getpid(), 15)
            return update(learner, *arguments)

        monkeypatch.setattr(Learner, "step", counted)


def test_it_runs_stops_resumes_and_reuses(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STUDY_DATA", str(place))
    updates = Updates(monkeypatch)
    words = ["--config", str(place / "study.yaml"), "--out", str(tmp_path / "out")]
    updates.stop_at = 25  # amid a pre-training
    assert main(words) == REQUEUE
    # depth on 22 and on 8 frames (6 and 2 steps), shuffled and adapted (6 each); 2 steps on 4 images, 3 on 2:
    # scratch 2 x (2 + 3), depth 2 x (2 + 2 + 3), shuffled and adapted 2 x 2
    whole = 6 + 2 + 6 + 6 + 10 + 14 + 4 + 4
    assert updates.done < whole
    assert main(words) == 0
    assert updates.done == whole
    table = (tmp_path / "out/table.md").read_text()
    assert main(words) == 0
    assert updates.done == whole
    assert (tmp_path / "out/table.md").read_text() == table
    assert "14 of 14: Cell(arm='adapted'" in capsys.readouterr().out
    rows = pq.read_table(tmp_path / "out/results.parquet").to_pylist()
    counts = [(row["arm"], row["frames"], row["images"]) for row in rows]
    of_a_seed = [
        ("scratch", 0, 4),
        ("scratch", 0, 2),
        ("depth", 22, 4),
        ("depth", 8, 4),
        ("depth", 22, 2),
        ("shuffled", 22, 4),
        ("adapted", 22, 4),
    ]
    assert counts == of_a_seed * 2
    assert all(row["step"] == (2 if row["images"] == 4 else 3) for row in rows)
    assert {"iou_road", "iou_bicycle", "category_mean_iou"} <= set(rows[0])
    assert (tmp_path / "out/frames.png").stat().st_size > 5000
    assert (tmp_path / "out/images.png").stat().st_size > 5000
    assert (tmp_path / "out/curves.png").stat().st_size > 5000
    run = Path(rows[-1]["run"])
    assert not (run / "checkpoints").exists()
    chain = json.loads((run / "provenance.json").read_text())["initialised_from"]
    assert "alexnet-fcn32s-adapted" in chain["source"]
    assert "alexnet-fcn32s-depth" in chain["initialised_from"]["source"]


def study(**changes: Any) -> Study:
    arms = [Arm(**arm) for arm in STUDY["arms"]]
    labelled = {"small": Labelled("somewhere", paper="camvid"), "large": Labelled("elsewhere")}
    known = Study(arms, {"drive": "shards"}, labelled, STUDY["architectures"], finetuning_seeds=[0, 1])
    return replace(known, **changes)


def test_arms_that_are_not_swept_take_all_there_is() -> None:
    many = study(pretraining_sizes=[10, 100], labelled_sizes={5: {}}, pretraining_seeds=[0, 1])
    found = [cell for cell in cells(many) if cell.dataset == "small"]
    by_arm = {arm.name: [cell for cell in found if cell.arm == arm.name] for arm in many.arms}
    # fine-tuning seeds x pre-training seeds x (all + sizes)
    assert {name: len(each) for name, each in by_arm.items()} == {
        "scratch": 2 * 1 * (1 + 1),
        "depth": 2 * 2 * (1 + 2 + 1),
        "shuffled": 2 * 2,
        "adapted": 2 * 2,
    }
    assert len(set(found)) == len(found)


def test_arms_and_sizes_keep_to_their_datasets() -> None:
    one = study(
        arms=[Arm("scratch", swept=True), Arm("adapted", shards="drive", targets=["large"])],
        labelled={"small": Labelled("somewhere", swept=False), "large": Labelled("elsewhere")},
        labelled_sizes={5: {}},
        finetuning_seeds=[0],
    )
    assert {(cell.dataset, cell.arm, cell.labelled_size) for cell in cells(one)} == {
        ("small", "scratch", None),
        ("large", "scratch", None),
        ("large", "scratch", 5),
        ("large", "adapted", None),
    }


def test_later_values_win_and_defaults_stay() -> None:
    known = study(finetuning={"optimisation": {"learning_rate": 5e-5, "epochs": 7}, "crop": {"width": 99}})
    cell = next(cell for cell in cells(known) if cell.arm == "adapted" and cell.finetuning_seed == 1)
    made = gain_study.finetuning(known, cell)
    assert (made.optimisation.learning_rate, made.optimisation.epochs, made.optimisation.drops) == (1e-3, 7, [400])
    assert (made.crop.height, made.crop.width, made.model.fc_channels) == (352, 99, 8)
    assert (made.seed, made.subset.seed) == (1, 1)
    scratch = gain_study.finetuning(known, replace(cell, arm="scratch"))
    assert scratch.optimisation.learning_rate == 5e-5


def test_runs_are_named_by_what_decides_their_weights() -> None:
    known = study()
    cell = cells(known)[0]
    configuration = gain_study.finetuning(known, cell)
    name = gain_study.folder(Path("out"), "finetuning", "a", configuration, "data", "scratch")
    recorded = replace(configuration, record=replace(configuration.record, overlays=1))
    assert gain_study.folder(Path("out"), "finetuning", "a", recorded, "data", "scratch") == name
    for other, more in ((replace(configuration, seed=9), "scratch"), (configuration, "depth-1")):
        assert gain_study.folder(Path("out"), "finetuning", "a", other, "data", more) != name


def test_the_table_has_means_spreads_and_gains_and_the_papers_figures() -> None:
    rows = [
        {
            "architecture": "alexnet-fcn32s",
            "dataset": "small",
            "arm": arm,
            "frames": frames,
            "images": 4,
            "mean_iou": iou,
        }
        for arm, frames, iou in (("scratch", 0, 0.40), ("scratch", 0, 0.44), ("depth", 9, 0.50), ("depth", 9, 0.51))
    ]
    lines = gain_report.table(study(), rows).split("\n")
    assert lines[2] == "| alexnet-fcn32s | small | scratch | 0 | 4 | 42.0 | 2.8 | 2 |  | 44.0 |"
    assert lines[3] == "| alexnet-fcn32s | small | depth | 9 | 4 | 50.5 | 0.7 | 2 | +8.5 | 53.4 |"
    assert gain_report.curve(rows[2:], "frames") == [(9, pytest.approx(50.5), pytest.approx(0.7071, abs=1e-4))]


def test_curves_are_means_at_the_steps_that_all_runs_have(tmp_path: Path) -> None:
    lines = [
        {"step": 0, "validation": {"untrained network": {"mean_iou": 0.1}}},
        {"step": 2, "loss": 1.0},
        {"step": 4, "validation": {"network": {"mean_iou": 0.5}}},
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert gain_curves.validated(tmp_path) == [(0, 10.0), (4, 50.0)]
    assert gain_curves.mean_curve([[(0, 10.0), (4, 50.0)], [(0, 20.0), (4, 40.0), (8, 60.0)]]) == [(0, 15.0), (4, 45.0)]
    assert gain_curves.mean_curve([]) == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"arms": [Arm("a"), Arm("a")]}, "arms have a name twice: a, a"),
        ({"arms": [Arm("a", shards="gone")]}, "arm a: shards 'gone' are not among drive"),
        (
            {"arms": [Arm("a", shards="drive", start="b"), Arm("b", shards="drive")]},
            "arm a: start 'b' is no arm before",
        ),
        (
            {"arms": [Arm("a", weights="imagenet:f", pretraining={"seed": 1})]},
            "arm a: start and pretraining need shards",
        ),
        ({"arms": [Arm("a", targets=["far"])]}, "arm a: target 'far' is not among small, large"),
        ({"finetuning_seeds": []}, "finetuning_seeds must not be empty"),
    ],
)
def test_studies_of_no_use_are_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        study(**changes).check()


def test_a_mistake_is_one_sentence(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--config", str(place / "study.yaml"), "--out", str(tmp_path), "--labelled", "{small: {data: nowhere}}"]
    assert main(words) == 2
    assert "benchmarks.pretraining_gain: nowhere has no images of cityscapes_256" in capsys.readouterr().err


@pytest.mark.parametrize("config", sorted((ROOT / "benchmarks").glob("pretraining_gain*.yaml")), ids=lambda p: p.stem)
def test_shipped_studies_are_studies(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(pretraining_gain, "_finetuned", lambda study, cell, out: seen.append((study, cell)) or {})
    monkeypatch.setattr(gain_report, "write", lambda study, results, out: "")
    assert main(["--config", str(config), "--out", "nowhere"]) == 0
    assert len(seen) >= 10
    for known, cell in seen:
        gain_study.finetuning(known, cell).check()
        if known.arm(cell.arm).shards:
            gain_study.pretraining(known, cell).check()


def test_an_axis_has_the_sizes_that_ran() -> None:
    axes = Figure().subplots()
    runs = [{"arm": "depth", "labelled_size": None, "frames": size, "mean_iou": 0.4} for size in (5116, 500, 1500, 500)]
    gain_report.draw(axes, runs, ["depth"], "frames")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["500", "1,500", "5,116"]
    assert not len(axes.get_xticks(minor=True))
