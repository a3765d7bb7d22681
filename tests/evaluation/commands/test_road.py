"""The command that scores road: protocols, categories, and what it refuses."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.__main__ import main
from evaluation.report import read_protocols
from evaluation.road import score

CALIBRATION = """P2: 70 0 60 0 0 70 18 0 0 0 1 0
R0_rect: 1 0 0 0 1 0 0 0 1
Tr_cam_to_road: 1 0 0 0 0 1 0 -1.65 0 0 1 0
"""


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    """Three frames in KITTI's layout: road before the camera, half of it found in uu_000001."""
    for folder in ("truth", "found", "calib"):
        (tmp_path / folder).mkdir()
    road = np.zeros((37, 124), bool)
    road[20:, 40:80] = True
    for name in ("um_road_000000", "umm_road_000000", "uu_road_000001"):
        colours = np.zeros((*road.shape, 3), np.uint8)
        colours[1:] = (255, 0, 0)
        colours[road] = (255, 0, 255)
        cv2.imwrite(str(tmp_path / "truth" / f"{name}.png"), cv2.cvtColor(colours, cv2.COLOR_RGB2BGR))
        probability = np.where(road, 0.9004, 0.1)
        if name.startswith("uu"):
            probability[:, 60:] = 0.1
        np.save(tmp_path / "found" / f"{name}.npy", probability)
        (tmp_path / "calib" / f"{name.replace('_road', '')}.txt").write_text(CALIBRATION)
    cv2.imwrite(str(tmp_path / "truth" / "um_lane_000000.png"), np.zeros((37, 124, 3), np.uint8))
    return tmp_path


def run(folder: Path, *options: str) -> int:
    folders = ["--ground-truth", str(folder / "truth"), "--predictions", str(folder / "found")]
    return main(["road", *folders, "--json", str(folder / "f.json"), *options])


def test_predictions_may_have_the_names_of_the_images(benchmark: Path) -> None:
    assert run(benchmark) == 0
    expected = read_protocols(benchmark / "f.json")
    for path in sorted((benchmark / "found").iterdir()):
        path.rename(path.with_name(path.name.replace("_road", "")))
    assert run(benchmark) == 0
    assert read_protocols(benchmark / "f.json") == expected


def test_protocols_and_categories_side_by_side(benchmark: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(benchmark, "--calibration", str(benchmark / "calib")) == 0
    task, protocols = read_protocols(benchmark / "f.json")
    assert task == "road"
    views = ("perspective", "perspective, 256 levels", "bird's-eye, 256 levels")
    assert list(protocols) == [f"{view}, {group}" for view in views for group in ("all", "um", "umm", "uu")]
    for view in views:
        assert protocols[f"{view}, um"]["max_f"] == pytest.approx(1), view
        # in perspective half of the road of uu is found, a third of all is in uu
        assert protocols[f"{view}, uu"]["max_f"] < protocols[f"{view}, all"]["max_f"] < 1, view
    assert protocols["perspective, all"]["recall"] == pytest.approx(5 / 6)
    # the largest F keeps from the first threshold above .1 to the last that .9004 reaches, or its 8 bits, 230 / 255
    assert protocols["perspective, all"]["best_threshold"] == pytest.approx(26 / 255)
    # 17 x 40 of the 36 x 124 pixels that are not black are road
    assert protocols["perspective, all"]["ceiling"] == pytest.approx((10 + 680 / 4464) / 11)
    assert protocols["bird's-eye, 256 levels, all"]["ceiling"] != protocols["perspective, all"]["ceiling"]
    assert "cannot exceed its ceiling" in capsys.readouterr().out


def test_files_of_8_bits_have_no_figures_of_floats(benchmark: Path) -> None:
    for path in (benchmark / "found").glob("*.npy"):
        cv2.imwrite(str(path.with_suffix(".png")), np.rint(255 * np.load(path)).astype(np.uint8))
    assert run(benchmark) == 2  # each frame is predicted twice
    for path in (benchmark / "found").glob("*.npy"):
        path.unlink()
    assert run(benchmark) == 0
    assert {name.rpartition(", ")[0] for name in read_protocols(benchmark / "f.json")[1]} == {"perspective, 256 levels"}


def test_a_list_chooses_frames(benchmark: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = benchmark / "val.csv"
    frames.write_text("image,ground_truth\ntraining/image_2/um_000000.png,training/gt_image_2/um_road_000000.png\n")
    (benchmark / "found" / "uu_road_000001.npy").unlink()  # not needed
    assert run(benchmark, "--frames", str(frames)) == 0
    assert read_protocols(benchmark / "f.json")[1]["perspective, all"]["max_f"] == pytest.approx(1)
    frames.write_text("image,ground_truth\na,um_road_000007\n")
    assert run(benchmark, "--frames", str(frames)) == 2
    frames.write_text("image\na\n")
    assert run(benchmark, "--frames", str(frames)) == 2
    complaints = capsys.readouterr().err
    assert "names um_road_000007, of which there is no ground truth" in complaints
    assert "CSV with a column ground_truth" in complaints


def test_a_simulated_drive_is_ground_truth_too(tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    (tmp_path / "found").mkdir()
    classes = np.random.default_rng(0).integers(0, 12, (20, 30)).astype(np.uint8)
    probability = np.random.default_rng(1).random((20, 30))
    cv2.imwrite(str(tmp_path / "truth" / "000000.png"), classes)
    np.save(tmp_path / "found" / "000000.npy", probability)
    assert run(tmp_path) == 0
    figures = read_protocols(tmp_path / "f.json")[1]["perspective, all"]
    assert figures["max_f"] == score([classes == 3], [classes != 11], [probability]).max_f


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("found/um_road_000000.npy", None, "um_road_000000.png or .npy is missing"),
        ("found/um_road_000000.npy", np.full((37, 124), 1.5), "um_road_000000.npy has values beyond 0 ... 1"),
        ("found/um_road_000000.npy", np.full((37, 124), np.nan), "um_road_000000.npy has values beyond 0 ... 1"),
        ("found/um_road_000000.npy", np.zeros((20, 30)), r"um_road_000000.npy: the prediction is (20, 30)"),
        ("found/um_road_000000.npy", np.zeros((37, 124), int), "um_road_000000.npy is no prediction"),
        ("found/um_road_000000.npy", b"", "um_road_000000.npy cannot be read"),
        ("truth/um_road_000000.png", b"GIF", "um_road_000000.png cannot be read as an image"),
        ("truth/um_road_000000.png", np.full((37, 124), 40, np.uint8), "neither KITTI's colours"),
        ("calib/um_000000.txt", None, "um_000000.txt is missing"),
        ("calib/um_000000.txt", b"P2: 1", "um_000000.txt has no row R0_rect"),
    ],
)
def test_a_bad_file_is_named(
    benchmark: Path, name: str, content: NDArray[Any] | bytes | None, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = benchmark / name
    path.unlink()
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content) if path.suffix == ".npy" else cv2.imwrite(str(path), content)
    assert run(benchmark, "--calibration", str(benchmark / "calib")) == 2
    printed = capsys.readouterr()
    assert complaint in printed.err
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert not (benchmark / "f.json").exists()


def test_predictions_of_two_kinds_are_refused(benchmark: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (benchmark / "found" / "um_road_000000.npy").unlink()
    cv2.imwrite(str(benchmark / "found" / "um_road_000000.png"), np.zeros((37, 124), np.uint8))
    assert run(benchmark) == 2
    assert "give either" in capsys.readouterr().err
