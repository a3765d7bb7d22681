"""The report on runs: what it says of runs of any task, finished or not, and that titles stay text."""

import base64
import json
import math
import re
import shutil
from dataclasses import replace
from html import unescape
from pathlib import Path

import cv2
import numpy as np
import pytest

from training import report_facts, run_folder
from training.__main__ import main
from training.configuration import (
    Configuration,
    EngineParameters,
    InputParameters,
    OptimisationParameters,
    RecordParameters,
)
from training.engine import pretrain
from training.labelled_frames import evenly
from training.loader import LoaderParameters
from training.models.network import ModelParameters
from training.overlay import colour
from training.pretexts import PretextParameters
from training.recorded_run import read_runs
from training.report_curves import HEIGHT, WIDTH, chart, thinned
from training.run_folder import RunError
from training.segmentation.configuration import SegmentationConfiguration

TINY = Configuration(
    model=ModelParameters(fc_channels=8),
    input=InputParameters(64, 64),
    loader=LoaderParameters(batch_size=4, workers=0),
    optimisation=OptimisationParameters(epochs=2, learning_rate=1e-3),
    engine=EngineParameters(device="cpu"),
    record=RecordParameters(log_steps=1, overlays=0, validation_samples=4),
)
HOSTILE = "<img src=x onerror=alert(1)>&amp;"


@pytest.fixture(scope="module")
def runs(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``long`` and ``short`` of pre-training, a control, one from ``long``'s weights that came to nothing, and one for
    segmentation whose checkpoints were removed.
    """
    folder = tmp_path_factory.mktemp("runs")
    data, short = str(small_dataset), replace(TINY.optimisation, steps=3, learning_rate=5e-4)
    pretrain(TINY, data, folder / "long", resume=False)
    pretrain(replace(TINY, optimisation=short, seed=7), data, folder / "short", resume=False)
    control = replace(TINY, optimisation=short, pretext=PretextParameters(name="colour")).with_outputs()
    pretrain(control, data, folder / "colour", resume=False)
    begun = run_folder.provenance(data, "0123", str(folder / "long"), 1)
    run_folder.start(folder / HOSTILE, TINY, begun, resume=False)
    facts = {**run_folder.provenance("images", "4567", None, 2), "data": HOSTILE}
    run_folder.start(folder / "classes", SegmentationConfiguration(), facts, resume=False)
    for step, iou in ((0, 0.1), (40, 0.5), (80, 0.25)):
        name = "network" if step else "untrained network"
        scores = {"mean_iou": iou, "category_mean_iou": iou, "mean_iou_at_scale": float("nan")}
        line = {"step": step, "epoch": 0, "validation": {name: scores}, "images": 3, "error": 1 - iou}
        run_folder.append_metrics(folder / "classes", {**line, "iou": {"road": iou, "sky": None}})
    return folder


ALL = ("long", "colour", "short", HOSTILE, "classes")


@pytest.fixture(scope="module")
def page(runs: Path) -> str:
    out = runs / "page.html"
    assert main(["report", *(str(runs / name) for name in ALL), "--out", str(out), "--samples", "2"]) == 0
    assert not list(runs.glob(".tmp-*"))
    return out.read_text()


def text(page: str) -> str:
    """The words of a page, with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.partition("<main>")[2])).split())


def test_it_tells_state_cost_and_scores(page: str) -> None:
    words = text(page)
    assert "1 long Relative depth alexnet, fcn32s finished, 12 steps 4 48" in words
    assert "3 short Relative depth alexnet, fcn32s finished, 3 steps 4 12" in words
    assert "Control, colour" in words
    assert f"4 {HOSTILE} Relative depth alexnet, fcn32s not begun 4 0 – – –" in words
    assert f"4 {HOSTILE} not validated yet" in words
    assert "5 classes network, best 40 3 0.5 0.5 – " in words
    assert "5 classes network, last 80 3 0.25 0.25 – " in words
    assert "road 0.5 sky –" in words
    assert "1 long mean label map 0 4" in words


def test_curves_of_scores_leave_the_untrained_network_out(page: str) -> None:
    assert 'aria-label="Validation: mean IoU by step. Run 5: 0.5 at step 40, 0.25 at step 80. "' in page


def test_it_tells_what_differs_and_where_weights_came_from(page: str, runs: Path) -> None:
    words = text(page)
    differing = words.partition("Options that differ")[2].partition("All other options")[0]
    assert "optimisation.learning_rate 0.001 0.0005 0.0005 0.001 0.0001" in differing
    assert "seed 0 0 7 0 0" in differing
    assert "pretext.name depth colour depth depth –" in differing
    assert "optimisation.beta1" not in differing
    assert f"4 {HOSTILE} {runs / 'long'} , step 12" in words
    assert words.partition("Where weights came from")[2].count("first weights by He's rule") == 5


def test_titles_and_paths_are_text(page: str) -> None:
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;&amp;amp;" in page
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)


def test_predictions_of_the_same_frames_stand_under_the_names_of_their_runs(page: str) -> None:
    shown = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)" alt="([^"]+)"', page)
    keys = list(dict.fromkeys(alt.removeprefix("Frame ") for _, alt in shown if alt.startswith("Frame ")))
    assert len(keys) == 2
    wanted = [alt for key in keys for alt in (f"Frame {key}", f"Label of {key}", *by(key))]
    assert [alt for _, alt in shown] == wanted
    words = text(page)
    assert "1 long: step-000000" in words
    assert "2 colour: no prediction: this run is a control" in words
    assert f"4 {HOSTILE}: no prediction:" in words
    frame = cv2.imdecode(np.frombuffer(base64.b64decode(shown[0][0]), np.uint8), cv2.IMREAD_COLOR_RGB)
    label = cv2.imdecode(np.frombuffer(base64.b64decode(shown[1][0]), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert frame.shape == label.shape == (64, 96, 3)
    assert np.abs(np.median(label[-1], axis=0) - colour(np.array([[0.05]]))[0, 0]).max() < 60


def by(key: str) -> list[str]:
    """Alternatives of the predictions for a frame, by the runs that predict."""
    return [f"Prediction for {key} by long", f"Prediction for {key} by short"]


def test_frames_may_be_given(runs: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "mine.png"), np.zeros((40, 80, 3), np.uint8))
    out = tmp_path / "page.html"
    assert main(["report", str(runs / "short"), "--out", str(out), "--frames", str(tmp_path / "mine.png")]) == 0
    assert re.findall(r'alt="([^"]+)"', out.read_text()) == ["Frame mine.png", "Prediction for mine.png by short"]
    assert "seed 7 0" in text(out.read_text())  # of one run, its own and the default


def test_without_its_data_a_run_has_curves_and_scores(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "short", tmp_path / "moved")
    path = tmp_path / "moved" / run_folder.CONFIGURATION
    path.write_text(re.sub(r"data: .*", "data: /gone/for/good", path.read_text(), count=1))
    out = tmp_path / "page.html"
    assert main(["report", str(tmp_path / "moved"), "--out", str(out)]) == 0
    assert "No frames could be read; give some with --frames. moved: " in text(out.read_text())
    assert "finished, 3 steps" in text(out.read_text())


def test_mistakes_are_one_sentence(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known, out = str(runs / "short"), str(tmp_path / "page.html")
    for words, complaint in (
        ([str(tmp_path), "--out", out], f"RunError: {tmp_path} is no run of ours"),
        ([known, f"{known}/../short", "--out", out], "is given twice; name each run once"),
        ([known, "--out", str(tmp_path / "no" / "page.html")], "cannot be written; name a file in a folder"),
        ([known, "--out", out, "--frames", str(tmp_path / "no.png")], "no.png does not exist"),
        ([known, "--out", out, "--samples", "-1"], "--samples must not be negative, but is -1"),
    ):
        assert main(["report", *words]) == 2
        said = capsys.readouterr().err
        assert complaint in said
        assert said.count("\n") == 1
    assert not (tmp_path / "page.html").exists()
    shutil.copytree(runs / "short", tmp_path / "torn")
    (tmp_path / "torn" / run_folder.METRICS).write_text("{no\n")
    with pytest.raises(RunError, match="torn is damaged"):
        read_runs([tmp_path / "torn"])


def test_runs_of_one_name_are_told_apart(runs: Path, tmp_path: Path) -> None:
    places = [tmp_path / "a" / "run", tmp_path / "b" / "run"]
    for place in places:
        shutil.copytree(runs / HOSTILE, place)
    assert [run.name for run in read_runs(places)] == ["a/run", "b/run"]


def test_hours_are_those_of_training(runs: Path) -> None:
    (run,) = read_runs([runs / "short"])
    told = report_facts.cost(replace(run, losses=[{"step": 3, "loss": 1.0, "images_per_second": 0.5}]))
    assert told["hours"] == pytest.approx(3 * 4 / 0.5 / 3600)
    half = replace(run, losses=[{"step": 3, "loss": 1.0, "of": 9}])
    assert report_facts.state(half) == "unfinished, 3 of 9 steps"


def test_a_chain_ends_where_nothing_more_is_known(runs: Path) -> None:
    (run,) = read_runs([runs / "short"])
    source = {"source": "b", "step": 5, "initialised_from": {"source": "weights.pth", "sha256": "ab"}}
    found = report_facts.chain(replace(run, provenance={"initialised_from": source}))
    assert found == [{"source": "b", "step": 5}, {"source": "weights.pth", "sha256": "ab"}]
    assert report_facts.chain(replace(run, provenance={})) == []
    assert report_facts.chain(replace(run, provenance=json.loads('{"initialised_from": null}'))) == [{}]


def test_curves_lie_between_the_axes() -> None:
    drawn = chart({0: [(0, 1.0), (100, 3.0)], 4: [(50, 2.0)], 2: [(0, math.nan)]})
    assert drawn is not None
    assert drawn.path(0) == f"M0 {HEIGHT}L{WIDTH} 0"
    assert drawn.path(4) == f"M{WIDTH / 2 - 2:g} {HEIGHT / 2:g}L{WIDTH / 2 + 2:g} {HEIGHT / 2:g}"
    assert list(drawn.lines) == [0, 4]
    assert drawn.values_at() == [1.0, 1.5, 2.0, 2.5, 3.0]
    assert drawn.steps_at() == [0, 50, 100]
    assert drawn.table() == [(0, [1.0, None]), (50, [None, 2.0]), (100, [3.0, None])]
    assert chart({0: [], 1: [(3, math.inf)]}) is None


def test_a_logarithmic_axis_is_taken_for_values_far_apart() -> None:
    drawn = chart({0: [(0, 100.0), (10, 10.0), (20, 1.0)]}, logarithmic=True)
    assert drawn is not None
    assert drawn.path(0) == f"M0 0L{WIDTH / 2:g} {HEIGHT / 2:g}L{WIDTH} {HEIGHT}"
    assert drawn.values_at() == [1, 2, 5, 10, 20, 50, 100]
    for values in ([0.0, 9.0], [-1.0, 5.0], [2.0, 3.0], [2.0, 2.0]):
        drawn = chart({0: list(enumerate(values))}, logarithmic=True)
        assert drawn is not None
        assert not drawn.logarithmic
        assert len(drawn.values_at()) >= 2
        assert drawn.low < drawn.high


@pytest.mark.parametrize("direction", [1, -1])
def test_marks_at_the_ends_of_lines_hide_neither_each_other_nor_the_axis(direction: int) -> None:
    drawn = chart({run: [(0, 0.0), (10, direction * (1.0 + run / 1000))] for run in range(5)})
    assert drawn is not None
    heights = sorted(y for _, _, y in drawn.ends())
    assert min(np.diff(heights)) >= 13.9
    assert 0 <= heights[0] <= heights[-1] <= HEIGHT
    assert min(heights[0], HEIGHT - heights[-1]) == 0


def test_long_curves_are_thinned_by_means() -> None:
    points = [(step, float(step)) for step in range(3000)]
    found = thinned(points)
    assert len(found) == 300
    assert found[0] == (4, 4.5)
    drawn = chart({0: points})
    assert drawn is not None
    rows = drawn.table()
    assert (len(rows), rows[0][0], rows[-1][0]) == (60, 0, 2999)


def test_frames_are_taken_evenly() -> None:
    assert evenly(10, 2) == [2, 7]
    assert evenly(3, 5) == [0, 1, 2]
    assert evenly(0, 4) == []
