"""The command that scores depth: what it finds, writes and refuses."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.__main__ import main
from evaluation.depth import score
from evaluation.kitti_calibration import read_calibration
from evaluation.lidar import read_scan, sparse_depth

DATE, DRIVE = "2011_09_26", "2011_09_26_drive_9001_sync"
SIZE = (400, 1300)
CALIBRATION = {
    "calib_cam_to_cam.txt": f"S_rect_02: {SIZE[1]} {SIZE[0]}\nR_rect_00: 1 0 0 0 1 0 0 0 1\n"
    "P_rect_02: 700 0 650 0 0 700 200 0 0 0 1 0\n",
    "calib_velo_to_cam.txt": "R: 0 -1 0 0 0 -1 1 0 0\nT: 0 0 -1\n",
}
Write = Callable[[str, NDArray[Any]], Path]


@pytest.fixture
def predict(tmp_path: Path) -> Write:
    """Writes a prediction, metres, or an array as .npy where the name says so."""

    def write(name: str, depth: NDArray[Any]) -> Path:
        path = tmp_path / "predictions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".npy":
            np.save(path, depth)
        else:
            assert cv2.imwrite(str(path), np.round(256 * depth).astype(np.uint16))
        return path

    return write


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A day of KITTI raw with two scans of a wall 20 m before the LiDAR, 19 m before the camera."""
    root = tmp_path / "raw"
    folder = root / DATE / DRIVE / "velodyne_points" / "data"
    folder.mkdir(parents=True)
    for name, text in CALIBRATION.items():
        (root / DATE / name).write_text(text)
    across, up = np.meshgrid(np.linspace(-15, 15, 60), np.linspace(-5, 5, 40))
    wall = np.stack([np.full(across.size, 20), across.ravel(), up.ravel(), np.zeros(across.size)], 1)
    for frame in (0, 7):
        wall.astype(np.float32).tofile(folder / f"{frame:010d}.bin")
    return root


@pytest.fixture
def improved(tmp_path: Path, predict: Write) -> Path:
    """Two depth maps, of 10 and of 20 m and of two sizes, and predictions of 10 m."""
    root = tmp_path / "improved"
    for name, depth, size in (("drive/a", 10, SIZE), ("drive/b", 20, (375, 1242))):
        path = root / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), np.full(size, 256 * depth, np.uint16))
        predict(f"{name}.png", np.full((50, 60), 10.0))
    return root


def run(folder: Path, *options: object) -> int:
    words = ["--predictions", folder / "predictions", "--json", folder / "f.json", *options]
    return main(["depth", *map(str, words)])


def figures(folder: Path) -> dict[str, dict[str, float]]:
    protocols: dict[str, dict[str, float]] = json.loads((folder / "f.json").read_text())["protocols"]
    return protocols


def test_a_wall_before_the_lidar(tmp_path: Path, raw: Path, predict: Write, capsys: pytest.CaptureFixture[str]) -> None:
    predict(f"{DRIVE}/image_02/0000000000.png", np.full((20, 30), 20.0))
    predict(f"{DRIVE}/image_02/0000000007.npy", np.full((80, 40), 10.0, np.float32))
    assert run(tmp_path, "--kitti-raw", raw) == 0
    protocols = figures(tmp_path)
    assert len(protocols) == 10
    assert protocols["monodepth, forward x, Garg crop"]["abs_rel"] == pytest.approx(0.25)
    assert protocols["monodepth, camera z, Garg crop"]["rmse"] == pytest.approx((1 + 9) / 2)
    assert protocols["monodepth2, forward x, Garg crop, medians"]["rmse"] == pytest.approx(0, abs=1e-9)
    assert "2 images" in capsys.readouterr().out


def test_only_frames_that_are_listed_count(tmp_path: Path, raw: Path, predict: Write) -> None:
    (tmp_path / "frames.csv").write_text(f"date,drive,camera,frame\n{DATE},{DRIVE},image_02,0000000007\n")
    predict(f"{DRIVE}/image_02/0000000007.npy", np.full((8, 4), 10.0))
    assert run(tmp_path, "--kitti-raw", raw, "--frames", tmp_path / "frames.csv") == 0
    assert figures(tmp_path)["monodepth, forward x, no crop"]["abs_rel"] == pytest.approx(0.5)


def test_improved_ground_truth(tmp_path: Path, improved: Path) -> None:
    assert run(tmp_path, "--ground-truth", improved) == 0
    protocols = figures(tmp_path)
    assert all(each["abs_rel"] == pytest.approx(0.25) for name, each in protocols.items() if "medians" not in name)
    assert all(each["abs_rel"] == pytest.approx(0) for name, each in protocols.items() if "medians" in name)
    assert sum("ZoeDepth" in name for name in protocols) == 1


def test_listed_frames_without_improved_ground_truth_are_counted(
    tmp_path: Path, improved: Path, predict: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    place = improved / "val" / DRIVE / "proj_depth" / "groundtruth" / "image_02"
    place.mkdir(parents=True)
    shutil.copy(improved / "drive" / "b.png", place / "0000000007.png")
    rows = [f"{DATE},{DRIVE},image_02,{frame:010d}" for frame in (7, 8, 9)]
    (tmp_path / "frames.csv").write_text("\n".join(["date,drive,camera,frame", *rows]))
    predict(f"{DRIVE}/image_02/0000000007.png", np.full((50, 60), 20.0))
    assert run(tmp_path, "--ground-truth", improved, "--frames", tmp_path / "frames.csv") == 0
    assert figures(tmp_path)["improved, no crop"]["rmse"] == 0
    assert "1 images" in (told := capsys.readouterr().out)
    assert "2 of 3 frames have no improved ground truth" in told


def test_predictions_of_the_kb_crop(tmp_path: Path, improved: Path, raw: Path) -> None:
    assert run(tmp_path, "--ground-truth", improved, "--kb-cropped") == 0
    assert list(figures(tmp_path)) == ["ZoeDepth, KB and Garg crop"]
    assert run(tmp_path, "--kitti-raw", raw, "--kb-cropped") == 2


def test_mirrored_predictions_are_blended_as_disparity(tmp_path: Path, improved: Path) -> None:
    for path in (tmp_path / "predictions").rglob("*.png"):
        mirrored = tmp_path / "mirrored" / path.parent.name / path.name
        mirrored.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(mirrored), np.full((50, 60), 256 * 30, np.uint16))
    assert run(tmp_path, "--ground-truth", improved, "--mirrored", tmp_path / "mirrored", "--kb-cropped") == 0
    inside = figures(tmp_path)["ZoeDepth, KB and Garg crop"]  # most of it at 2 / (1/10 + 1/30) = 15 m
    assert inside["delta2"] == pytest.approx(1, abs=0.1)
    assert inside["abs_rel"] == pytest.approx((0.5 + 0.25) / 2, abs=0.03)
    assert cv2.imwrite(str(tmp_path / "mirrored" / "drive" / "b.png"), np.full((50, 61), 256, np.uint16))
    assert run(tmp_path, "--ground-truth", improved, "--mirrored", tmp_path / "mirrored") == 2


@pytest.mark.parametrize(
    ("name", "depth", "message"),
    [
        ("b.png", np.zeros((50, 60)), "b.png has 3000 pixels of no or negative depth"),
        ("b.npy", np.ones((50, 60)), "b.png and b.npy predict one image"),
        ("c.npy", np.ones((50, 60)) * [np.nan], "b.npy: the prediction is not a number"),
        ("c.npy", -np.ones((50, 60)), "b.npy has 3000 pixels of no or negative depth"),
        ("c.npy", np.ones((50, 60), np.uint16), "b.npy is no prediction"),
        ("c.npy", np.ones((50, 60, 1)), "b.npy is no prediction"),
        ("c.npy", np.array([{"an": "object"}]), "b.npy cannot be read as an array: Object arrays"),
    ],
)
def test_a_wrong_prediction_is_named(
    tmp_path: Path, improved: Path, predict: Write, name: str, depth: Any, message: str, capsys: Any
) -> None:
    if name.startswith("c"):  # in the place of b.png
        (tmp_path / "predictions" / "drive" / "b.png").unlink()
    predict("drive/" + name.replace("c", "b"), depth)
    assert run(tmp_path, "--ground-truth", improved) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "f.json").exists()


def test_what_is_missing_is_named(
    tmp_path: Path, raw: Path, improved: Path, predict: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--kitti-raw", raw) == 2
    assert f"{DRIVE}/image_02/0000000000.png or .npy is missing" in capsys.readouterr().err
    (raw / DATE / DRIVE / "velodyne_points" / "data" / "0000000007.bin").write_bytes(b"")
    for frame in (0, 7):
        predict(f"{DRIVE}/image_02/{frame:010d}.npy", np.ones((2, 2)))
    assert run(tmp_path, "--kitti-raw", raw) == 2
    assert "0000000007.bin is no scan" in capsys.readouterr().err
    shutil.rmtree(raw / DATE / DRIVE / "velodyne_points")
    assert run(tmp_path, "--kitti-raw", raw) == 2
    assert "velodyne_points" in capsys.readouterr().err
    assert run(tmp_path, "--ground-truth", tmp_path / "none") == 2
    assert "none is not a folder" in capsys.readouterr().err
    shutil.rmtree(improved / "drive")
    assert run(tmp_path, "--ground-truth", improved) == 2
    assert "improved has no depth maps, NAME.png" in capsys.readouterr().err


def test_a_real_drive(tmp_path: Path, real_data: Path, predict: Write) -> None:
    raw = real_data / "kitti_raw"
    calibration = read_calibration(raw / DATE)
    scans = sorted((raw / DATE / DRIVE / "velodyne_points" / "data").glob("*.bin"))[:3]
    truth = [sparse_depth(read_scan(scan), calibration) for scan in scans]
    guess = np.repeat(np.linspace(60, 5, 375)[:, None], 1242, 1)
    rows = [f"{DATE},{DRIVE},image_02,{scan.stem}" for scan in scans]
    (tmp_path / "frames.csv").write_text("\n".join(["date,drive,camera,frame", *rows]))
    for scan in scans:
        predict(f"{DRIVE}/image_02/{scan.stem}.npy", guess)
    assert run(tmp_path, "--kitti-raw", raw, "--frames", tmp_path / "frames.csv") == 0
    expected = vars(score(truth, [guess] * 3))
    assert figures(tmp_path)["monodepth, forward x, Garg crop"] == pytest.approx(expected)
