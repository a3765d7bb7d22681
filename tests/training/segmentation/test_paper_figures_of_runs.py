"""Figures of trained networks and of a study: what stands beside what."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.paper_figures import gains, main
from training import depth_predictor
from training.configuration import (
    Configuration,
    EngineParameters,
    InputParameters,
    OptimisationParameters,
    RecordParameters,
)
from training.engine import pretrain, train
from training.frame_loader import FrameLoaderParameters
from training.labelled_frames import labelled_frames
from training.loader import LoaderParameters
from training.models.network import ModelParameters
from training.overlay import colour
from training.recorded_run import RecordedRun, read_runs
from training.segmentation.class_predictor import ClassPredictor
from training.segmentation.configuration import SegmentationConfiguration, SegmentationDataParameters
from training.segmentation.loader import CropParameters
from training.segmentation.task import Segmentation

BRIEF = OptimisationParameters(epochs=1, steps=1)
RECORD = RecordParameters(validation_samples=1, overlays=0)
SMALL = ModelParameters(fc_channels=8)


@pytest.fixture(scope="module")
def depth_run(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    configuration = Configuration(
        model=SMALL,
        input=InputParameters(64, 64),
        loader=LoaderParameters(batch_size=4, workers=0),
        optimisation=BRIEF,
        engine=EngineParameters(device="cpu"),
        record=RECORD,
    )
    pretrain(configuration, str(small_dataset), run := tmp_path_factory.mktemp("runs") / "depth", resume=False)
    return read_runs([run])[0]


@pytest.fixture(scope="module")
def class_runs(sample: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[RecordedRun]]:
    """Images, and two runs on them."""
    folder = tmp_path_factory.mktemp("classes")
    sample(folder / "images", "cityscapes_256", {"train": 2, "val": 3})
    configuration = SegmentationConfiguration(
        model=replace(SMALL, activation="none"),
        dataset=SegmentationDataParameters("cityscapes_256"),
        crop=CropParameters(64, 64, 0.5),
        loader=FrameLoaderParameters(batch_size=2, workers=0),
        optimisation=BRIEF,
        engine=EngineParameters(device="cpu"),
        record=RECORD,
    )
    for seed, name in enumerate(("scratch", "pretrained")):
        task = Segmentation(replace(configuration, seed=seed), str(folder / "images"))
        train(task, folder / name, resume=False)
    return folder / "images", read_runs([folder / "scratch", folder / "pretrained"])


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that are saved."""
    from matplotlib.figure import Figure

    seen: list[Any] = []
    save = Figure.savefig

    def noted(figure: Any, *arguments: Any, **options: Any) -> None:
        seen.append(figure)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", noted)
    return seen


def pictures(figure: Any) -> list[Any]:
    """The pictures of a grid, row by row."""
    return [axes.images[0].get_array() for axes in figure.axes]


def titles(figure: Any) -> list[str]:
    """Those that are not empty."""
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


def test_samples_have_frame_label_and_prediction(
    depth_run: RecordedRun, small_dataset: Path, tmp_path: Path, shown: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    slope = np.linspace(0, 1, 64 * 96, dtype=np.float32).reshape(64, 96)
    monkeypatch.setattr(depth_predictor.DepthPredictor, "percentiles", lambda own, frames: [slope] * len(frames))
    words = ["--data", str(small_dataset), "--run", str(depth_run.place), "--count", "2"]
    assert main(["1", *words, "--out", str(tmp_path / "figure.png")]) == 0
    assert cv2.imread(str(tmp_path / "figure.png")).shape[1] == pytest.approx(3 * 3.2 * 120, abs=2)
    assert titles(shown[0]) == ["frame", "relative depth", "depth"]
    known = labelled_frames(depth_run.configuration, depth_run.data, 2)
    expected = [picture for each in known for picture in (each.frame, each.label, colour(slope))]
    for found, wanted in zip(pictures(shown[0]), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_segmentations_have_frame_truth_and_each_network(
    class_runs: tuple[Path, list[RecordedRun]], tmp_path: Path, shown: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, runs = class_runs
    # each run sees another class everywhere
    seeds: dict[int, int] = {}

    def classes(own: ClassPredictor, frame: Any) -> Any:
        return np.full(frame.shape[:2], seeds.setdefault(id(own), len(seeds)), np.uint8)

    monkeypatch.setattr(ClassPredictor, "classes", classes)
    words = [word for run in runs for word in ("--run", str(run.place))]
    assert main(["4", "--data", str(data), *words, "--count", "2", "--out", str(tmp_path / "figure.png")]) == 0
    assert titles(shown[0]) == ["frame", "truth", "scratch", "pretrained"]
    frame, truth, scratch, pretrained = pictures(shown[0])[:4]
    known = labelled_frames(runs[0].configuration, str(data), 2)[0]
    np.testing.assert_array_equal(frame, known.frame)
    np.testing.assert_array_equal(truth, known.label)
    assert np.unique(scratch.reshape(-1, 3), axis=0).tolist() == [[128, 64, 128]]  # road
    assert np.unique(pretrained.reshape(-1, 3), axis=0).tolist() == [[244, 35, 232]]  # sidewalk


def test_a_figure_refuses_runs_of_other_tasks(
    depth_run: RecordedRun,
    class_runs: tuple[Path, list[RecordedRun]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["--data", str(class_runs[0]), "--run", str(depth_run.place), "--out", str(tmp_path / "figure.png")]
    assert main(["4", *words]) == 2
    assert "depth is a run of relative_depth, which this figure does not show" in capsys.readouterr().err


def test_gains_are_drawn_by_frames_and_by_images(tmp_path: Path) -> None:
    cells = [
        *(("scratch", 0, None, 90, None, iou) for iou in (0.30, 0.34)),
        ("scratch", 0, None, 20, 20, 0.20),
        ("depth", 800, None, 90, None, 0.40),
        ("depth", 100, 100, 90, None, 0.36),
        ("depth", 800, None, 20, 20, 0.31),
    ]
    names = ("arm", "frames", "pretraining_size", "images", "labelled_size", "mean_iou")
    rows = [{"architecture": "alexnet", "dataset": "camvid", **dict(zip(names, cell))} for cell in cells]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "results.parquet")
    frames, images = gains(tmp_path, [], 4).axes
    assert (frames.get_xscale(), images.get_xscale()) == ("log", "log")
    drawn = {line.get_label(): line for line in frames.get_lines()}
    assert drawn["scratch"].get_ydata() == pytest.approx([32.0, 32.0])
    (curve,) = [container for container in frames.containers if container.get_label() == "depth"]
    assert curve.lines[0].get_xydata().tolist() == [[100, pytest.approx(36)], [800, pytest.approx(40)]]
    by_images = {container.get_label(): container.lines[0].get_xydata().tolist() for container in images.containers}
    assert by_images == {
        "scratch": [[20, pytest.approx(20)], [90, pytest.approx(32)]],
        "depth": [[20, pytest.approx(31)], [90, pytest.approx(40)]],
    }
