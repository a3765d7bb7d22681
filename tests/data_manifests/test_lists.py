"""The manifests and lists that come along."""

import csv
import json
import os
from pathlib import Path

import pytest

from pipeline.manifest import read_manifest
from pipeline.manifest_columns import COLUMNS

FOLDER = Path(__file__).parents[2] / "data_manifests"
MANIFESTS = ["demo.csv", "kitti_raw_eigen.csv", "cityscapes_sequence.csv"]


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", MANIFESTS)
def test_the_manifests_are_sound(name: str) -> None:
    videos = read_manifest(FOLDER / name)
    assert len(videos) == len(rows(name))
    assert all(video.licence and video.dataset and video.split for video in videos)


def test_the_demo_has_both_splits_and_needs_no_network() -> None:
    videos = read_manifest(FOLDER / "demo.csv")
    assert {video.split for video in videos} == {"train", "val"}
    assert all(video.source.startswith("simulated:") for video in videos)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("kitti_eigen_train.csv", 22600),
        ("kitti_eigen_val.csv", 888),
        ("kitti_eigen_test.csv", 697),
        ("kitti_road_train.csv", 241),
        ("kitti_road_val.csv", 48),
        ("kitti_object_train.csv", 7000),
        ("kitti_object_val.csv", 481),
    ],
)
def test_the_lists_have_their_published_lengths(name: str, count: int) -> None:
    entries = [tuple(row.values()) for row in rows(name)]
    assert len(set(entries)) == len(entries) == count


def test_the_splits_are_disjoint() -> None:
    for kind in ("eigen", "road", "object"):
        names = [name for name in ("train", "val", "test") if (FOLDER / f"kitti_{kind}_{name}.csv").exists()]
        lists = [{tuple(row.values()) for row in rows(f"kitti_{kind}_{name}.csv")} for name in names]
        assert sum(map(len, lists)) == len(set.union(*lists)), kind


def test_the_eigen_manifest_has_the_training_drives_and_none_of_the_test() -> None:
    videos = read_manifest(FOLDER / "kitti_raw_eigen.csv", "/data/kitti")
    drives = {Path(video.source).parts[4] for video in videos}
    assert drives == {row["drive"] for row in rows("kitti_eigen_train.csv")}
    assert not drives & {row["drive"] for row in rows("kitti_eigen_test.csv")}
    assert videos[0].source == "/data/kitti/2011_09_26/2011_09_26_drive_0001_sync/image_02/data"


def test_the_schema_is_what_the_reader_checks() -> None:
    fields = json.loads((FOLDER / "schema.json").read_text())["fields"]
    stated = [
        (field["name"], field["type"], field["allowed"], field["constraints"].get("required", False))
        for field in fields
    ]
    kinds = {str: "string", float: "number"}
    assert stated == [(column.name, kinds[column.type], column.allowed, column.required) for column in COLUMNS]


@pytest.mark.real_data
@pytest.mark.skipif("REAL_DATA_DIR" not in os.environ, reason="REAL_DATA_DIR is not set")
def test_the_layouts_are_those_on_disk() -> None:
    root = Path(os.environ["REAL_DATA_DIR"])
    city = next(video for video in read_manifest(FOLDER / "cityscapes_sequence.csv", root / "cityscapes"))
    assert list(Path(city.source).glob("*_leftImg8bit.*"))
    calibration = (root / "kitti_raw" / "2011_09_26" / "calib_cam_to_cam.txt").read_text()
    focal = next(line.split()[1] for line in calibration.splitlines() if line.startswith("P_rect_02:"))
    drives = [video for video in read_manifest(FOLDER / "kitti_raw_eigen.csv") if "2011_09_26" in video.video_id]
    assert {video.focal_px for video in drives} == {float(focal)}
