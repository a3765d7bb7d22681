"""Readers of the layouts, and what they refuse."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.frame_files import FrameError, read_image
from training.multinet.drive_split import drive_split
from training.multinet.frames import BACKGROUND, NEITHER, ROAD, car_frames, road_frames

LISTS = Path(__file__).parents[3] / "data_manifests"


def test_the_road_benchmark_is_read(kitti_road: Path) -> None:
    frames = road_frames(kitti_road)
    assert [frame.key for frame in frames] == [f"um_{number:06d}" for number in range(4)]
    labels, colours = frames[1].labels(), cv2.imread(str(frames[1].ground_truth))
    assert (labels[:10] == NEITHER).all()
    np.testing.assert_array_equal(labels[10:] == ROAD, colours[10:, :, 0] > 0)
    assert set(np.unique(labels[10:])) == {BACKGROUND, ROAD}


def test_a_drive_is_read_as_road_and_as_cars(drive: Path) -> None:
    road, cars = road_frames(drive), car_frames(drive)
    assert [f.key for f in road] == [f.key for f in cars] == [f"{number:06d}" for number in range(4)]
    classes = cv2.imread(str(drive / "classes" / "000002.png"), cv2.IMREAD_UNCHANGED)
    labels = road[2].labels()
    np.testing.assert_array_equal(labels == ROAD, classes == 3)
    np.testing.assert_array_equal(labels == NEITHER, classes == 11)
    assert [len(frame.annotations) for frame in cars] == [1, 1, 1, 0]


def test_a_folder_of_drives_is_all_of_them(drive: Path) -> None:
    assert [frame.key for frame in car_frames(drive.parent)] == [f"street-{number:06d}" for number in range(4)]
    assert len(road_frames(drive.parent)) == 4


def test_the_object_benchmark_is_read(kitti_object: Path) -> None:
    frames = car_frames(kitti_object)
    assert [frame.key for frame in frames] == [f"{number:06d}" for number in range(5)]
    assert read_image(frames[0].image).shape == (70, 130, 3)
    assert read_image(frames[0].image)[0, 0, 1] > 100  # green: RGB
    assert all(annotation.kind == "car" for frame in frames for annotation in frame.annotations)


def test_a_list_chooses_the_frames(kitti_road: Path, kitti_object: Path, tmp_path: Path) -> None:
    names = tmp_path / "some.csv"
    names.write_text("image,ground_truth\ntraining/image_2/um_000003.png,training/gt_image_2/um_road_000003.png\n")
    assert [frame.key for frame in road_frames(kitti_road, names)] == ["um_000003"]
    names.write_text("image\n000004\n000001\n")
    assert [frame.key for frame in car_frames(kitti_object, names)] == ["000004", "000001"]


def test_the_published_splits_name_files_that_are_missing_here(kitti_road: Path, kitti_object: Path) -> None:
    with pytest.raises(FrameError, match=r"lacks 474 of 482 files of its frames, the first .*um_000004.png"):
        road_frames(kitti_road, LISTS / "kitti_road_train.csv")
    with pytest.raises(ValueError, match=r"007000.txt is missing"):
        car_frames(kitti_object, LISTS / "kitti_object_val.csv")


@pytest.mark.parametrize("content", ["", "picture\na\n", "image\n", "image\n../../secret\n", "image\n/etc/passwd\n"])
def test_lists_that_are_none_are_refused(kitti_object: Path, tmp_path: Path, content: str) -> None:
    names = tmp_path / "list.csv"
    names.write_text(content)
    with pytest.raises(FrameError, match=r"list.csv"):
        car_frames(kitti_object, names)


def test_other_folders_are_refused(tmp_path: Path, drive: Path) -> None:
    with pytest.raises(FrameError, match=r"is no data that is known: it has neither training/gt_image_2/, nor classes"):
        road_frames(tmp_path)
    with pytest.raises(FrameError, match="neither training/label_2/, nor label_2"):
        car_frames(tmp_path)
    (tmp_path / "training" / "label_2").mkdir(parents=True)
    with pytest.raises(FrameError, match="has no frames"):
        car_frames(tmp_path)
    with pytest.raises(FrameError, match="leave it out"):
        road_frames(drive, LISTS / "kitti_road_val.csv")


def test_damaged_and_missing_images_are_named(drive: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(drive, copy)
    (copy / "classes" / "000001.png").write_bytes(b"no image")
    with pytest.raises(FrameError, match=r"classes/000001.png cannot be read as an image"):
        road_frames(copy)[1].labels()
    (copy / "image_2" / "000001.png").unlink()
    with pytest.raises(FrameError, match=r"lacks 1 of 4 files of its frames, the first .*image_2/000001.png"):
        car_frames(copy)


def test_an_empty_label_file_of_kitti_is_refused(kitti_object: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(kitti_object, copy)
    (copy / "training" / "label_2" / "000002.txt").write_text("")
    with pytest.raises(ValueError, match=r"label_2/000002.txt is empty"):
        car_frames(copy)


def mapping(folder: Path, drives: list[str], order: list[int]) -> Path:
    lines = [f"2011_09_26 {drive} {number:010d}" for number, drive in enumerate(drives)]
    (folder / "train_mapping.txt").write_text("\n".join(lines) + "\n")
    (folder / "train_rand.txt").write_text(",".join(map(str, order)) + "\n")
    return folder


def test_a_split_by_drives_keeps_drives_apart(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    drives = [f"2011_09_26_drive_{number:04d}_sync" for number in np.repeat(np.arange(30), 20)]
    order = (rng.permutation(600) + 1).tolist()
    train, validation = drive_split(mapping(tmp_path, drives, order), wanted=50)
    assert sorted(train + validation) == [f"{number:06d}" for number in range(600)]
    assert len(validation) == 60  # the third drive passes 50
    of = [drives[number - 1] for number in order]
    assert not {of[int(frame)] for frame in train} & {of[int(frame)] for frame in validation}
    assert drive_split(tmp_path, wanted=50) == (train, validation)


@pytest.mark.parametrize(("drives", "order"), [(["a"], [1]), (["a", "b"], [1, 3]), (["a", "b"], [0, 1])])
def test_mappings_that_do_not_fit_are_refused(tmp_path: Path, drives: list[str], order: list[int]) -> None:
    with pytest.raises(FrameError, match=r"leave none for training|does not number the lines"):
        drive_split(mapping(tmp_path, drives, order))


def test_a_missing_mapping_is_named(tmp_path: Path) -> None:
    with pytest.raises(FrameError, match=r"is no mapping folder of KITTI's object development kit"):
        drive_split(tmp_path)


@pytest.mark.real_data
@pytest.mark.skipif("REAL_DATA_DIR" not in os.environ, reason="REAL_DATA_DIR is not set")
def test_real_frames_have_their_cars() -> None:
    frames = car_frames(Path(os.environ["REAL_DATA_DIR"]) / "kitti_object")
    kinds = {frame.key: [annotation.kind for annotation in frame.annotations] for frame in frames}
    assert kinds["000000"] == ["pedestrian"]
    assert kinds["000008"].count("car") == 6
    assert kinds["000008"].count("dontcare") == 4
