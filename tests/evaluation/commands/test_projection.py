"""The command that draws LiDAR over images: real frames, and what it refuses."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from evaluation.__main__ import main
from evaluation.commands.projection import hit
from evaluation.kitti_calibration import read_object_calibration
from evaluation.report import read_protocols

FORWARD = "0 -1 0 0 0 0 -1 0 1 0 0 -1"
"""A camera one metre ahead of the LiDAR; it stands on its head, which R0_rect rights."""
GOOD = f"P2: 100 0 31 0 0 100 21 0 0 0 1 0\nR0_rect: -1 0 0 0 -1 0 0 0 1\nTr_velo_to_cam: {FORWARD}\n"
CAR = "Car 0 0 0 30 10 52 30 1 1 1 0 0 9 0\n"


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    """The object benchmark with one frame, of 60x40 pixels, and a point in the middle of a car, 9 m off."""
    folder = tmp_path / "object" / "training"
    for name in ("image_2", "label_2", "calib", "velodyne"):
        (folder / name).mkdir(parents=True)
    cv2.imwrite(str(folder / "image_2" / "000007.png"), np.zeros((40, 60, 3), np.uint8))
    (folder / "label_2" / "000007.txt").write_text(CAR)
    (folder / "calib" / "000007.txt").write_text(GOOD)
    np.array([[10, 1, 0, 0.5]], np.float32).tofile(folder / "velodyne" / "000007.bin")
    return tmp_path / "object"


def test_a_point_comes_to_its_pixel(benchmark: Path, tmp_path: Path) -> None:
    to = tmp_path / "pictures"
    code = main(["projection", "--kitti-object", str(benchmark), "--to", str(to), "--json", str(tmp_path / "f.json")])
    assert code == 0
    facts = read_protocols(tmp_path / "f.json")[1]["000007"]
    assert facts == {"pixels": 1, "nearest": 9, "farthest": 9, "cars": 1, "hit": 1}
    picture = cv2.imread(str(to / "000007.png"))
    assert picture is not None and picture.shape == (80, 120, 3)
    # pixel (41, 20) counted from 0: u = 31 + 100 / 9 and v = 21 count from 1
    assert picture[40, 82].any() and not picture[40, 50].any()


def test_real_frames_of_the_object_benchmark_fit(real_data: Path, tmp_path: Path) -> None:
    command = ["projection", "--kitti-object", str(real_data / "kitti_object"), "--to", str(tmp_path / "pictures")]
    assert main([*command, "--json", str(tmp_path / "f.json")]) == 0
    facts = read_protocols(tmp_path / "f.json")[1]
    assert len(facts) == len(list((tmp_path / "pictures").glob("*.png"))) == 6
    assert all(each["pixels"] > 15_000 and each["nearest"] > 2 and each["farthest"] < 80 for each in facts.values())
    assert all(each.get("hit", 1) == 1 for each in facts.values())


def test_frames_of_raw_that_are_listed_are_drawn(real_data: Path, tmp_path: Path) -> None:
    listed = tmp_path / "frames.csv"
    listed.write_text("date,drive,camera,frame\n2011_09_26,2011_09_26_drive_9001_sync,image_02,0000000011\n")
    command = ["projection", "--kitti-raw", str(real_data / "kitti_raw"), "--frames", str(listed)]
    assert main([*command, "--to", str(tmp_path)]) == 0
    assert (tmp_path / "2011_09_26_drive_9001_sync" / "image_02" / "0000000011.png").is_file()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("calib/000007.txt", None, "000007.txt is missing; give the calibration"),
        ("calib/000007.txt", GOOD.replace("P2", "P9"), "has no row P2:"),
        ("calib/000007.txt", GOOD.replace("R0_rect: -1", "R0_rect: -2"), "row R0_rect: no rotation"),
        ("calib/000007.txt", GOOD.replace(FORWARD, "1 2"), "row Tr_velo_to_cam: expected 12 finite numbers, found 2"),
        ("velodyne/000007.bin", None, "000007.bin is missing; depth is made of LiDAR"),
        ("velodyne/000007.bin", "12345", "is no scan: 5 bytes"),
        ("image_2/000007.png", None, "000007.png or .jpg is missing"),
        ("label_2/000007.txt", "Car 0 0\n", "3 fields where ground truth have 15"),
        ("label_2/000007.txt", None, "has no label files"),
    ],
)
def test_a_file_at_fault_is_named(
    benchmark: Path, name: str, content: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = benchmark / "training" / name
    path.unlink()
    if content is not None:
        path.write_text(content)
    assert main(["projection", "--kitti-object", str(benchmark), "--to", str(tmp_path / "pictures")]) == 2
    assert message in capsys.readouterr().err


def test_an_empty_label_file_is_a_frame_without_objects(benchmark: Path, tmp_path: Path) -> None:
    (benchmark / "training" / "label_2" / "000007.txt").write_text("")
    assert main(["projection", "--kitti-object", str(benchmark), "--to", str(tmp_path / "pictures")]) == 0


def test_the_calibration_of_a_frame_is_that_of_its_day(real_data: Path) -> None:
    path = real_data / "kitti_object" / "training" / "calib" / "000000.txt"
    projection = read_object_calibration(path, (370, 1224)).projection
    u, v, w = projection @ [10, 0, 0, 1]  # ahead of the LiDAR, which is 27 cm behind the camera and 8 cm above it
    assert (u / w, v / w, w) == (pytest.approx(605, abs=20), pytest.approx(175, abs=20), pytest.approx(9.7, abs=0.1))


def test_a_box_is_hit_in_its_inner_half_alone() -> None:
    depth = np.zeros((40, 60))
    depth[10, 20] = 5
    assert hit(depth, np.array([[16.0, 6, 24, 14], [20, 10, 40, 30]])) == 0.5


def test_lists_are_of_raw(benchmark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(benchmark / "training" / "calib" / "000007.txt", tmp_path / "list.csv")
    command = ["projection", "--kitti-object", str(benchmark), "--frames", str(tmp_path / "list.csv")]
    assert main([*command, "--to", str(tmp_path)]) == 2
    assert "--frames goes with --kitti-raw" in capsys.readouterr().err
