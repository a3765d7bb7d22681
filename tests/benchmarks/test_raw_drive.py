"""A drive of KITTI raw as a sequence: its camera, and depth where the LiDAR's points fall."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.raw_drive import RawDrive, open_sequence
from benchmarks.sequences import RELIABLE, Sequence, SequenceError

WIDTH, HEIGHT, FOCAL = 128, 64, 100.0


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Two frames whose LiDAR sits at the camera, and one point 10 m ahead, 1 m to the left, 2 m up."""
    drive = tmp_path / "2011_09_26" / "2011_09_26_drive_0001_sync"
    for part in ("image_02", "velodyne_points"):
        (drive / part / "data").mkdir(parents=True)
    projection = f"{FOCAL} 0 64 0 0 {FOCAL} 32 0 0 0 1 0"  # pixels count from 1
    unit = "1 0 0 0 1 0 0 0 1"
    (drive.parent / "calib_cam_to_cam.txt").write_text(
        f"S_rect_02: {WIDTH} {HEIGHT}\nR_rect_00: {unit}\nP_rect_02: {projection}\n"
    )
    (drive.parent / "calib_velo_to_cam.txt").write_text("R: 0 -1 0 0 0 -1 1 0 0\nT: 0 0 0\n")
    for index in range(2):
        cv2.imwrite(str(drive / "image_02" / "data" / f"{index:010d}.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    np.array([[10, 1, 2, 0.5]], np.float32).tofile(drive / "velodyne_points" / "data" / f"{0:010d}.bin")
    return drive


def test_depth_lies_where_the_point_is_seen(raw: Path) -> None:
    drive = open_sequence(raw)
    assert isinstance(drive, RawDrive) and len(drive) == 2 and not drive.has_motion
    assert drive.intrinsics == (FOCAL, 64, 32)
    depth, mask = drive.depth(0), drive.mask(0)
    assert depth is not None and mask is not None
    assert np.argwhere(depth).tolist() == [[12 - 1, 54 - 1]]  # 32 - 20, 64 - 10, counted from 1
    assert depth[11, 53] == 10 and mask[11, 53] == RELIABLE and np.count_nonzero(mask) == 1


def test_resized_frames_keep_it_there(raw: Path) -> None:
    depth = RawDrive(raw).depth(0, 64)
    assert depth is not None and depth.shape == (32, 64)
    assert np.argwhere(depth).tolist() == [[5, 26]]


def test_a_frame_without_a_scan_has_no_truth(raw: Path) -> None:
    assert RawDrive(raw).depth(1) is None and RawDrive(raw).mask(1) is None


def test_what_is_no_raw_drive_is_opened_as_before_or_refused(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(SequenceError, match="image_2"):
        open_sequence(tmp_path / "other")
    for path in (raw / "image_02" / "data").iterdir():
        path.unlink()
    with pytest.raises(SequenceError, match="KITTI raw"):
        open_sequence(raw)


def test_sequences_with_poses_have_motion(drive: Path) -> None:
    assert type(open_sequence(drive)) is Sequence and open_sequence(drive).has_motion
