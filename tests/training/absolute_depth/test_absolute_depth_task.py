"""Metric depth as a task: a run learns, goes on as if undisturbed, is scored and predicts."""

import dataclasses
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from training import checkpoint
from training.__main__ import main
from training.absolute_depth.configuration import AbsoluteDepthConfiguration, DepthData
from training.absolute_depth.inference import predict_metres
from training.absolute_depth.overlay import panel, share
from training.absolute_depth.task import AbsoluteDepthTask
from training.configuration import EngineParameters, InputParameters, RecordParameters
from training.engine import train
from training.frame_loader import FrameLoaderParameters
from training.models.network import ModelParameters
from training.run_folder import read_metrics

ROOT = Path(__file__).parents[3]
SMALL = AbsoluteDepthConfiguration(
    model=ModelParameters("vgg16", "encoder_decoder"),
    input=InputParameters(32, 64),
    dataset=DepthData("street", validation_folder="street"),
    engine=EngineParameters(device="cpu", deterministic=True),
    record=RecordParameters(log_steps=1, validate_epochs=100, overlays=1),
    loader=FrameLoaderParameters(2, workers=0),
)
SMALL = dataclasses.replace(SMALL, optimisation=dataclasses.replace(SMALL.optimisation, steps=6))


def losses(run: Path) -> list[float]:
    return [line["loss"] for line in read_metrics(run) if "loss" in line]


def last(run: Path) -> dict[str, Tensor]:
    return checkpoint.read_weights(checkpoint.steps(run)[-1])


@pytest.fixture(scope="module")
def whole(drive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    assert train(AbsoluteDepthTask(SMALL, str(drive.parent)), run, resume=False) == 0
    return run


def test_a_run_learns_and_is_scored(whole: Path) -> None:
    assert len(losses(whole)) == 6
    assert losses(whole)[-1] < losses(whole)[0]
    (first, final) = [line for line in read_metrics(whole) if "validation" in line]
    scores = final["validation"]["network"]
    assert final["images"] == 4
    assert final["error"] == scores["abs_rel"]
    assert 0 < scores["abs_rel"] < first["validation"]["untrained network"]["abs_rel"]
    assert 0 <= scores["delta1"] <= scores["delta2"] <= scores["delta3"] <= 1


def test_a_resumed_run_ends_at_the_same_weights(whole: Path, drive: Path, tmp_path: Path) -> None:
    for steps in (3, 6):
        own = dataclasses.replace(SMALL, optimisation=dataclasses.replace(SMALL.optimisation, steps=steps))
        assert train(AbsoluteDepthTask(own, str(drive.parent)), tmp_path / "run", resume=True) == 0
    assert losses(tmp_path / "run") == losses(whole)
    expected, found = last(whole), last(tmp_path / "run")
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_other_data_is_not_resumed(whole: Path, drive: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "run")
    shutil.copytree(drive, tmp_path / "data" / "street")
    (tmp_path / "data" / "street" / "depth" / "000003.png").unlink()
    (tmp_path / "data" / "street" / "image_2" / "000003.png").unlink()
    with pytest.raises(ValueError, match="cannot be resumed here; start a new run"):
        train(AbsoluteDepthTask(SMALL, str(tmp_path / "data")), tmp_path / "run", resume=True)


def test_depth_is_predicted_in_codes_of_a_256th_of_a_metre(whole: Path, drive: Path, tmp_path: Path) -> None:
    words = ["predict", str(whole), str(drive / "image_2"), "--device", "cpu", "--out"]
    assert main([*words, str(tmp_path / "plain")]) == 0
    assert main([*words, str(tmp_path / "averaged"), "--flip-average", "true"]) == 0
    plain, averaged = (
        cv2.imread(str(tmp_path / name / "000001.png"), cv2.IMREAD_UNCHANGED) for name in ("plain", "averaged")
    )
    assert plain.dtype == np.uint16
    assert plain.shape == (40, 60)
    assert 256 <= plain.min() <= plain.max() <= 100 * 256
    assert (plain != averaged).any()
    assert cv2.imread(str(tmp_path / "plain" / "000001.overlay.png")).shape == (40, 60, 3)


def test_averaging_blends_what_the_mirrored_image_gives_as_inverse_depth() -> None:
    def predict(images: Tensor) -> Tensor:
        return 2 + 8 * images[:, 0]

    image = np.zeros((4, 100, 3), np.uint8)
    image[:, 60:] = 255

    def mostly_left(images: Tensor) -> Tensor:
        """Not the same in a mirror: the left half is taken for twice as far."""
        metres = predict(images)
        metres[..., :50] *= 2
        return metres

    (plain,) = predict_metres(predict, [image], (4, 100), torch.device("cpu"), flip_average=True)
    np.testing.assert_allclose(plain[0], np.where(np.arange(100) < 60, 2, 10), rtol=1e-6)
    (blended,) = predict_metres(mostly_left, [image], (4, 100), torch.device("cpu"), flip_average=True)
    assert blended[0, 30] == pytest.approx(1 / ((1 / 4 + 1 / 2) / 2))
    assert blended[0, 0] == pytest.approx(2)  # at the left border the mirrored image counts alone
    assert blended[0, 99] == pytest.approx(10)


def test_pictures_show_near_bright() -> None:
    metres = np.array([[1.0, 2.0, 80.0, 200.0, np.sqrt(160)]])
    assert share(metres)[0].tolist() == pytest.approx([0, 0, 1, 1, 0.5])
    image = np.full((5, 5, 3), 7, np.uint8)
    truth = np.zeros((5, 5))
    truth[2, 2] = 4.0
    picture = panel(image, truth, np.full((5, 5), 4.0))
    assert picture.shape == (5, 15, 3)
    assert (picture[:, :5] == 7).all()
    assert picture[0, 5].tolist() == [96, 96, 96]  # nothing known
    assert picture[1, 6].tolist() == picture[2, 7].tolist() == picture[0, 10].tolist()  # a point is three pixels wide


CONFIGURATIONS = sorted((ROOT / "training/configs/absolute_depth").glob("*.yaml"))


@pytest.mark.parametrize("config", CONFIGURATIONS, ids=lambda path: path.stem)
def test_every_shipped_configuration_takes_a_step(
    config: Path, kitti: Path, drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("train", "val"):
        shutil.copytree(drive, tmp_path / "data" / name)
    for name in ("raw", "depth"):
        shutil.copytree(kitti / name, tmp_path / "data" / name)
    (tmp_path / "data_manifests").mkdir()
    for split in ("train", "val"):
        shutil.copy(kitti / "frames.csv", tmp_path / f"data_manifests/kitti_eigen_{split}.csv")
    monkeypatch.chdir(tmp_path)
    words = ["finetune", "--config", str(config), "--data", str(tmp_path / "data"), "--run", str(tmp_path / "run")]
    small = ["--input.height", "32", "--input.width", "64", "--loader.workers", "0", "--loader.batch_size", "2"]
    limits = ["--engine.device", "cpu", "--record.overlays", "0", "--record.validation_samples", "1"]
    assert main([*words, *small, *limits, "--optimisation.steps", "1"]) == 0
    assert len(losses(tmp_path / "run")) == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--model.head", "fcn8s"], "metric depth takes vgg16 or resnet50 with head encoder_decoder"),
        (["--range.minimum", "200"], "give 0 < minimum < maximum"),
        (["--dataset.folder", "gone"], "gone is no simulated drive; for KITTI raw give a list of frames"),
        (["--input.height", "0"], "input.height must be positive"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    words: list[str], complaint: str, drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["finetune", "--task", "absolute_depth", "--data", str(drive.parent), "--run", str(tmp_path / "run")]
    folders = ["--dataset.folder=street", "--dataset.validation_folder=street"]
    assert main([*given, *folders, "--loader.workers=0", "--engine.device=cpu", *words]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert "Traceback" not in said
