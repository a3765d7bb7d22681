"""Lists of frames: what they name, and what is refused."""

from pathlib import Path

import pytest

from evaluation.kitti_frames import Frame, read_frames, scanned_frames

ROOT = Path(__file__).parents[2]
HEAD = "date,drive,camera,frame\n"
ROW = "2011_09_26,2011_09_26_drive_0002_sync,image_02,0000000069"


def test_the_eigen_split_is_read() -> None:
    frames = read_frames(ROOT / "data_manifests" / "kitti_eigen_test.csv")
    assert len(frames) == len(set(frames)) == 697
    assert frames[0] == Frame(*ROW.split(","))
    assert frames[0].name == Path("2011_09_26_drive_0002_sync/image_02/0000000069")


def test_where_ground_truth_lies(tmp_path: Path) -> None:
    frame = Frame(*ROW.split(","))
    day = tmp_path / "2011_09_26"
    assert frame.scan(tmp_path) == day / "2011_09_26_drive_0002_sync" / "velodyne_points" / "data" / "0000000069.bin"
    assert frame.improved(tmp_path) is None
    inner = Path("2011_09_26_drive_0002_sync", "proj_depth", "groundtruth", "image_02", "0000000069.png")
    for part in ("val", "."):
        path = tmp_path / part / inner
        path.parent.mkdir(parents=True)
        path.touch()
        assert frame.improved(tmp_path) == path


def test_every_scan_is_found(tmp_path: Path) -> None:
    frame = Frame(*ROW.split(","))
    with pytest.raises(ValueError, match="velodyne_points"):
        scanned_frames(tmp_path)
    frame.scan(tmp_path).parent.mkdir(parents=True)
    frame.scan(tmp_path).touch()
    assert scanned_frames(tmp_path) == [frame]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0000000069", "../../../secret", "line 2: frame is '../../../secret'"),
        ("drive_0002_sync", "drive_0002_sync/..", "line 2: drive is"),
        ("2011_09_26,", "/etc,", "line 2: date is '/etc'"),
        ("image_02", "image_04", "line 2: camera is 'image_04'"),
        (",0000000069", "", "line 2: frame is None"),
        ("frame", "number", "line 2: frame is None"),
        (ROW, "", "lists no frames"),
    ],
)
def test_names_that_are_not_kittis_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    (tmp_path / "frames.csv").write_text((HEAD + ROW).replace(old, new))
    with pytest.raises(ValueError, match=message):
        read_frames(tmp_path / "frames.csv")


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none.csv is missing; .*kitti_eigen_test.csv"):
        read_frames(tmp_path / "none.csv")
