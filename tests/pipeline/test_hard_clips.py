"""Bad cases of LABELS 11 in real clips, by survey and selection; simulated ones are in tests/labels/test_hard_*.py."""

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from labels.fixed_regions import FixedRegionParameters
from labels.pair import label_pair
from labels.selection import PairTable, select
from labels.survey import COLUMNS
from pipeline.build import Build
from pipeline.manifest import Video
from pipeline.parameters import BuildParameters
from pipeline.survey_video import Surveyed, survey

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif("REAL_DATA_DIR" not in os.environ, reason="REAL_DATA_DIR is not set"),
]


def surveyed(name: str, folder: Path, pairs: int = 0, **row: Any) -> Surveyed:
    """The survey of a source below the folder of real data; with no ``pairs`` nothing is looked for that is fixed."""
    path = Path(os.environ["REAL_DATA_DIR"]) / name
    video = Video("clip", str(path), **row)
    parameters = BuildParameters(fixed=FixedRegionParameters(pairs=pairs))
    found = survey(Build(str(folder), "clips", "clips.csv", (video,), parameters), video, path)
    assert found.ended.done and found.frames is not None
    return found


def selected(found: Surveyed) -> PairTable:
    assert found.frames is not None
    return select({name: found.frames.column(name).to_numpy() for name in COLUMNS}, found.camera["width"])


def fixed(found: Surveyed) -> np.ndarray:
    assert found.fixed is not None
    return cv2.imdecode(np.frombuffer(found.fixed, np.uint8), cv2.IMREAD_GRAYSCALE) > 0


def test_the_bonnet_and_the_strip_of_calgary_are_fixed(tmp_path: Path) -> None:
    mask = fixed(surveyed("clips/calgary_city.mp4", tmp_path, 60, end_s=10.0))
    assert mask.shape == (360, 640)
    assert mask[336:].mean() > 0.98  # the bonnet with the strip of place and speed in it
    assert mask[:270].mean() < 0.01  # nothing of the street


def test_the_date_stamp_behind_the_windscreen_is_fixed(tmp_path: Path) -> None:
    mask = fixed(surveyed("clips/reflections.mp4", tmp_path, 60, start_s=5.0, end_s=15.0))
    height, width = mask.shape
    assert mask[round(0.93 * height) :, : round(0.25 * width)].mean() > 0.9
    assert mask[: height // 3, : width // 2].mean() < 0.02  # open view


def test_repeated_frames_are_removed(tmp_path: Path) -> None:
    pairs = selected(surveyed("clips/rural_duplicates.mp4", tmp_path))
    assert 36 <= pairs.reasons()["duplicate"] <= 40
    assert pairs.reasons()["kept"] > 40
    assert not set(pairs.second[pairs.kept].tolist()) & set(np.flatnonzero(pairs.reason == "duplicate").tolist())


def test_few_frames_a_second_are_enough(tmp_path: Path) -> None:
    found = surveyed("clips/city_beijing.gif", tmp_path)
    pairs = selected(found)
    assert found.camera["rate"] < 10
    assert pairs.reasons()["kept"] > 30 and not {"fast", "inconsistent", "slow"} & set(pairs.reasons())
    assert pairs.distance[pairs.kept].max() <= 2


def test_traffic_that_fills_the_view_gives_no_label() -> None:
    folder = Path(os.environ["REAL_DATA_DIR"]) / "kitti_raw/2011_09_26/2011_09_26_drive_9001_sync/image_02/data"
    frames = [cv2.resize(cv2.imread(str(path)), (640, 193)) for path in sorted(folder.iterdir())[4:6]]
    assert label_pair(*frames, 721.5377 * 640 / 1242).reason in ("chirality", "cost", "inlier_ratio")
