"""The command that scores segmentation: what it finds, writes and refuses."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.__main__ import main

ROAD, CAR = 7, 26


def write(path: Path, image: NDArray[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


@pytest.fixture
def cityscapes(tmp_path: Path) -> Path:
    """Two frames of which a quarter of the road is taken for a car, with instances."""
    truth = np.full((4, 6), ROAD, np.uint8)
    truth[:, 4:] = CAR
    predicted = truth.copy()
    predicted[:, 3] = CAR
    for frame in ("aachen_000000_000019", "bonn_000001_000019"):
        folder = tmp_path / "gtFine" / frame.split("_")[0]
        write(folder / f"{frame}_gtFine_labelIds.png", truth)
        write(folder / f"{frame}_gtFine_instanceIds.png", np.where(truth == CAR, 26001, ROAD).astype(np.uint16))
        write(folder / f"{frame}_gtFine_color.png", np.zeros((4, 6, 3), np.uint8))
        write(tmp_path / "predictions" / f"{frame}_leftImg8bit.png", predicted)
    return tmp_path


@pytest.fixture
def camvid(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        write(tmp_path / "truth" / f"{name}.png", np.array([[3, 3, 11]], np.uint8))
        write(tmp_path / "predictions" / f"{name}.png", np.array([[3, 11, 3]], np.uint8))
    return tmp_path


def run(folder: Path, truth: str, *options: str) -> int:
    words = ["--ground-truth", folder / truth, "--predictions", folder / "predictions", "--json", folder / "f.json"]
    return main(["segmentation", *map(str, words), *options])


def figures(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "f.json").read_text())
    return record


def test_cityscapes_files_are_found_by_their_names(cityscapes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cityscapes, "gtFine") == 0
    record = figures(cityscapes)
    assert record["details"]["iou"]["road"] == pytest.approx(12 / 16)
    assert record["details"]["iou"]["car"] == pytest.approx(8 / 12)
    assert record["details"]["iou"]["sky"] is None
    assert record["protocols"]["cityscapes"]["mean_iou"] == pytest.approx((12 / 16 + 8 / 12) / 2)
    weight = 12794.0202738185 / 8
    assert record["protocols"]["cityscapes"]["instance_mean_iou"] == pytest.approx(16 * weight / (16 * weight + 8))
    assert "2 images" in capsys.readouterr().out


def test_without_instances_the_rest_is_scored(cityscapes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    instances = sorted(cityscapes.rglob("*instanceIds.png"))
    instances[0].unlink()
    assert run(cityscapes, "gtFine") == 2
    assert "aachen_000000_000019_gtFine_labelIds.png has no _gtFine_instanceIds.png" in capsys.readouterr().err
    instances[1].unlink()
    assert run(cityscapes, "gtFine") == 0
    assert set(figures(cityscapes)["protocols"]["cityscapes"]) == {"mean_iou", "category_mean_iou"}
    assert "no instances scored" in capsys.readouterr().out


def test_a_prediction_missing_or_there_twice_is_named(cityscapes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prediction = cityscapes / "predictions" / "bonn_000001_000019_leftImg8bit.png"
    write(prediction.with_name("bonn_000001_000019_color.png"), np.zeros((4, 6), np.uint8))
    assert run(cityscapes, "gtFine") == 2
    assert "bonn_000001_000019_leftImg8bit.png are predictions of one image" in capsys.readouterr().err
    for path in (cityscapes / "predictions").glob("bonn*"):
        path.unlink()
    assert run(cityscapes, "gtFine") == 2
    assert "has no bonn_000001_000019*.png" in capsys.readouterr().err
    assert not (cityscapes / "f.json").exists()


@pytest.mark.parametrize("protocol", ["camvid", "kitti"])
def test_other_files_have_the_names_of_their_ground_truth(camvid: Path, protocol: str) -> None:
    assert run(camvid, "truth", "--protocol", protocol) == 0
    (iou,) = [value for value in figures(camvid)["details"]["iou"].values() if value is not None]
    assert iou == 0.5  # the void prediction is a miss, the void truth nothing


def test_training_ids_score_like_the_ids_they_stand_for(camvid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in camvid.rglob("*.png"):
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        write(path, np.where(image == 11, 255, image))
    assert run(camvid, "truth", "--training-ids") == 0  # training id 3 of Cityscapes is a wall
    assert figures(camvid)["details"]["iou"]["wall"] == 0.5
    write(camvid / "predictions" / "b.png", np.full((1, 3), 33, np.uint8))
    assert run(camvid, "truth", "--training-ids") == 2
    assert "b.png has training id 33; cityscapes has 0 to 18, and 255 for void" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((1, 3), 255, np.uint8), "b.png has id 255; camvid has ids 0 to 11 only"),
        (np.zeros((3, 3), np.uint8), "b.png has 3x3 pixels, "),
        (np.zeros((1, 3, 3), np.uint8), "b.png is a colour image"),
    ],
)
def test_a_wrong_prediction_is_named(
    camvid: Path, image: NDArray[np.uint8], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(camvid / "predictions" / "b.png", image)
    assert run(camvid, "truth", "--protocol", "camvid") == 2
    assert f"predictions/{message}" in capsys.readouterr().err


def test_a_missing_or_unreadable_file_is_named(camvid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (camvid / "predictions" / "b.png").write_bytes(b"no image")
    assert run(camvid, "truth", "--protocol", "camvid") == 2
    assert "b.png cannot be read as an image" in capsys.readouterr().err
    (camvid / "predictions" / "b.png").unlink()
    assert run(camvid, "truth", "--protocol", "camvid") == 2
    assert "b.png is missing" in capsys.readouterr().err


def test_a_wrong_root_is_named(camvid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(camvid, "nowhere", "--protocol", "camvid") == 2
    assert "nowhere is not a folder" in capsys.readouterr().err
    (camvid / "empty").mkdir()
    assert run(camvid, "empty", "--protocol", "camvid") == 2
    assert "empty has no PNG files" in capsys.readouterr().err
    assert run(camvid, "truth") == 2
    assert "truth has no *_gtFine_labelIds.png" in capsys.readouterr().err


def test_drawn_ids_against_themselves_are_perfect(real_data: Path, tmp_path: Path) -> None:
    truth, predictions = real_data / "cityscapes" / "gtFine" / "train", tmp_path / "predictions"
    for path in truth.rglob("*_labelIds.png"):
        write(predictions / path.name, cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
    words = ["--ground-truth", truth, "--predictions", predictions, "--json", tmp_path / "f.json"]
    assert main(["segmentation", *map(str, words)]) == 0
    record = figures(tmp_path)
    assert record["protocols"]["cityscapes"]["mean_iou"] == 1
    assert sum(value is not None for value in record["details"]["iou"].values()) > 10
