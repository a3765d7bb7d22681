"""Depth images of LiDAR scans: values, missing scans, wrong files, interruptions."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import luigi
import numpy as np
import pytest

from evaluation.kitti_calibration import read_calibration as scored_calibration
from evaluation.lidar import read_scan as scored_scan
from evaluation.lidar import sparse_depth
from pipeline.errors import UserError
from pipeline.kitti_raw import Camera, read_calibration, read_lists, read_scan
from pipeline.prepare_kitti_depth import PrepareDriveDepth, PrepareKittiDepth, encode

ROOT = Path(__file__).parents[2]
DATE, DRIVES = "2011_09_26", ("2011_09_26_drive_0001_sync", "2011_09_26_drive_0002_sync")
CAMERA = Camera(DATE, DRIVES[0], "image_02")
OF_CAMERAS = """calib_time: 09-Jan-2012 13:57:47
R_rect_00: 0.99875 0 0.04998 0 1 0 -0.04998 0 0.99875
S_rect_02: 60 40
P_rect_02: 50 0 30 2 0 50 20 0.1 0 0 1 0.003
"""
OF_LIDAR = """calib_time: 15-Mar-2012 11:37:16
R: 0 -1 0 0 0 -1 1 0 0
T: 0.01 -0.07 -0.27
"""


def write_raw(folder: Path, frames: int, points: int = 400) -> Path:
    """KITTI raw with two drives of so many scans, and a list of all frames."""
    rng, rows = np.random.default_rng(0), ["date,drive,camera,frame"]
    (folder / DATE).mkdir(parents=True)
    (folder / DATE / "calib_cam_to_cam.txt").write_text(OF_CAMERAS)
    (folder / DATE / "calib_velo_to_cam.txt").write_text(OF_LIDAR)
    for drive in DRIVES:
        scans = folder / DATE / drive / "velodyne_points" / "data"
        scans.mkdir(parents=True)
        for number in range(frames):
            scan = rng.uniform([-5, -20, -3, 0], [80, 20, 3, 1], (points, 4)).astype(np.float32)
            (scans / f"{number:010d}.bin").write_bytes(scan.tobytes())
            rows.append(f"{DATE},{drive},image_02,{number:010d}")
    (folder / "frames.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return write_raw(tmp_path / "raw", 3)


def task(raw: Path, **options: object) -> PrepareKittiDepth:
    given = {"raw": str(raw), "to": str(raw.parent / "depth"), "lists": str(raw / "frames.csv")} | options
    return PrepareKittiDepth(**given)


def build(wanted: PrepareKittiDepth) -> bool:
    return bool(luigi.build([wanted], local_scheduler=True, log_level="CRITICAL"))


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize(("axis", "scored"), [("forward_x", "forward x"), ("camera_z", "camera z")])
def test_images_have_the_depth_that_is_scored(raw: Path, axis: str, scored: str) -> None:
    assert build(task(raw, axis=axis))
    folder = raw.parent / "depth" / axis / DATE / DRIVES[1] / "image_02"
    image = cv2.imread(str(folder / "0000000002.png"), cv2.IMREAD_UNCHANGED)
    scan = scored_scan(raw / DATE / DRIVES[1] / "velodyne_points" / "data" / "0000000002.bin")
    expected = sparse_depth(scan, scored_calibration(raw / DATE), scored)  # type: ignore[arg-type]
    assert image.dtype == np.uint16
    assert np.count_nonzero(image) > 50
    np.testing.assert_array_equal(image > 0, expected > 0)
    np.testing.assert_allclose(image / 256, expected, atol=0.5 / 256 + 1e-9)


def test_the_record_has_what_a_trainer_needs(raw: Path) -> None:
    assert build(task(raw))
    (path,) = (raw.parent / "depth" / "forward_x" / DATE / DRIVES[0] / "image_02").glob("prepared-*.json")
    record = json.loads(path.read_text())
    assert record["size"] == [40, 60]
    assert record["principal_point"] == [30, 20]
    assert record["focal_px"] == 50
    assert record["frames"] == 3
    assert record["without_scan"] == []
    (whole,) = (raw.parent / "depth" / "forward_x").glob("prepared-*.json")
    assert json.loads(whole.read_text())["frames"] == 6


def test_a_frame_without_scan_is_counted_and_too_many_end_the_task(raw: Path) -> None:
    lost = raw / DATE / DRIVES[0] / "velodyne_points" / "data" / "0000000001.bin"
    lost.unlink()
    wanted = task(raw)
    for drive in wanted.requires():
        drive.run()
    with pytest.raises(UserError, match=r"1 of 6 frames have no scan below .*drive_0001_sync/image_02/0000000001"):
        wanted.run()
    assert build(task(raw, missing_fraction=0.2))
    (whole,) = (raw.parent / "depth" / "forward_x").glob("prepared-*.json")
    assert json.loads(whole.read_text())["without_scan"] == [f"{DRIVES[0]}/image_02/0000000001"]


def test_other_lists_and_axes_do_not_mix(raw: Path) -> None:
    some = raw / "some.csv"
    some.write_text("\n".join((raw / "frames.csv").read_text().splitlines()[:3]) + "\n")
    assert build(task(raw, lists=str(some)))
    both = f"{some},{raw / 'frames.csv'}"
    assert not task(raw, lists=both).complete()
    assert build(task(raw, lists=both))
    assert len(list((raw.parent / "depth" / "forward_x").rglob("*.png"))) == 6
    assert not task(raw, axis="camera_z").complete()


def test_bytes_are_the_same_interrupted_or_not(tmp_path: Path) -> None:
    raw = write_raw(tmp_path / "raw", 60, 4000)
    assert build(task(raw, to=str(tmp_path / "whole")))
    command = [sys.executable, "-m", "luigi", "--module", "pipeline", "PrepareKittiDepth", "--local-scheduler"]
    command += ["--raw", str(raw), "--to", str(tmp_path / "cut"), "--lists", str(raw / "frames.csv")]
    running = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)
    cut = tmp_path / "cut" / "forward_x"
    while running.poll() is None and len(list(cut.rglob("*.png"))) < 10:
        time.sleep(0.01)
    assert running.poll() is None, "it was done before it could be killed"
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    made = {path: path.stat().st_mtime_ns for path in cut.rglob("*.png") if not path.name.startswith(".tmp-")}
    assert 0 < len(made) < 120
    assert not list(cut.glob("prepared-*.json"))
    assert build(task(raw, to=str(tmp_path / "cut")))
    assert all(path.stat().st_mtime_ns == before for path, before in made.items())  # not made again
    left = [name for name in digests(cut) if ".tmp-" in name]
    kept = {name: digest for name, digest in digests(cut).items() if name not in left}
    assert kept == digests(tmp_path / "whole" / "forward_x")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("calib_cam_to_cam.txt", None, r"calib_cam_to_cam.txt is missing; it should be a calibration file"),
        ("calib_velo_to_cam.txt", "R: 1 2\n", r"calib_velo_to_cam.txt, row R: expected 9 finite numbers, found 2"),
        ("calib_velo_to_cam.txt", "R: 0 -1 0 0 0 -1 1 0 0\n", r"calib_velo_to_cam.txt has no row T:"),
        ("calib_velo_to_cam.txt", OF_LIDAR.replace("-1 1", "-1 2"), r"row R is no rotation"),
        ("calib_cam_to_cam.txt", OF_CAMERAS.replace("50 0 30", "x 0 30"), r"row P_rect_02: could not convert"),
        ("calib_cam_to_cam.txt", OF_CAMERAS.replace("60 40", "60 0"), r"60x0 pixels is no size of an image"),
        ("calib_cam_to_cam.txt", OF_CAMERAS.replace("50 0 30", "nan 0 30"), r"expected 12 finite numbers, found 12"),
    ],
)
def test_bad_calibration_is_named(raw: Path, file: str, content: str | None, message: str) -> None:
    path = raw / DATE / file
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(UserError, match=message):
        read_calibration(str(raw), CAMERA)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no LiDAR scan: 0 bytes"),
        (b"123", "is no LiDAR scan: 3 bytes"),
        (np.full(4, np.nan, np.float32).tobytes(), "not finite"),
    ],
)
def test_a_bad_scan_is_named(raw: Path, content: bytes, message: str) -> None:
    (raw / DATE / DRIVES[0] / "velodyne_points" / "data" / "0000000000.bin").write_bytes(content)
    with pytest.raises(UserError, match=rf"0000000000.bin .*{message}"):
        read_scan(str(raw), CAMERA, "0000000000")


def test_a_missing_scan_is_none(raw: Path) -> None:
    assert read_scan(str(raw), CAMERA, "0000000009") is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"{DATE},../../etc,image_02,0000000000", "line 2: drive is '../../etc'"),
        (f"{DATE},{DRIVES[0]},image_02,1", "line 2: frame is '1'"),
        (f"{DATE},{DRIVES[0]},image_09,0000000000", "line 2: camera is 'image_09'"),
        ("", "the lists name no frames"),
    ],
)
def test_lists_with_other_names_are_refused(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"date,drive,camera,frame\n{row}\n" if row else "date,drive,camera,frame\n")
    with pytest.raises(UserError, match=message):
        read_lists([str(path)])


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none.csv is missing; it should be a list of frames"):
        read_lists([str(tmp_path / "none.csv")])


def test_depths_that_the_code_cannot_hold_are_unknown() -> None:
    metres = np.array([[0, 1 / 256, 10.0, 255.99, 256.0, 400.0]])
    codes = cv2.imdecode(np.frombuffer(encode(metres), np.uint8), cv2.IMREAD_UNCHANGED)
    assert codes.tolist() == [[0, 1, 2560, 65533, 0, 0]]


@pytest.mark.real_data
@pytest.mark.skipif("REAL_DATA_DIR" not in os.environ, reason="REAL_DATA_DIR is not set")
def test_a_real_drive_is_prepared(tmp_path: Path) -> None:
    raw, drive = Path(os.environ["REAL_DATA_DIR"]) / "kitti_raw", "2011_09_26_drive_9001_sync"
    lists = tmp_path / "frames.csv"
    lists.write_text(f"date,drive,camera,frame\n{DATE},{drive},image_02,0000000005\n")
    wanted = PrepareKittiDepth(raw=str(raw), to=str(tmp_path / "depth"), lists=str(lists))
    (of_drive,) = wanted.requires()
    assert isinstance(of_drive, PrepareDriveDepth)
    assert build(wanted)
    image = cv2.imread(str(next((tmp_path / "depth").rglob("0000000005.png"))), cv2.IMREAD_UNCHANGED)
    assert image.shape == (375, 1242)
    known = image > 0
    assert 15_000 < np.count_nonzero(known) < 25_000
    assert not known[:70].any()  # the LiDAR hardly looks up
    assert 3 < image[known].min() / 256 < 8
