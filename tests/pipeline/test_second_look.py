"""A survey of drives with a bonnet, with a known focal length, and of stills."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from labels.fixed_regions import FixedRegionParameters
from pipeline import select_pairs, survey_video, tables
from pipeline.build import Build
from pipeline.manifest import Video
from pipeline.parameters import BuildParameters, DecodingParameters
from pipeline.survey_video import Surveyed, fixed_target, read_fixed, survey
from simulation.drive import images
from simulation.effects import make_overlay
from simulation.parameters import DriveParameters

DRIVE = DriveParameters(seed=3, frames=70, fps=10.0, width=320, height=180, bonnet="matte")


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The frames of a drive behind a bonnet, in a folder."""
    folder = tmp_path_factory.mktemp("frames")
    for number, image in enumerate(images(DRIVE)):
        cv2.imwrite(str(folder / f"{number:04d}.png"), image[..., ::-1])
    return folder


def build_of(folder: Path, video: Video, pairs: int = 200) -> Build:
    parameters = BuildParameters(decoding=DecodingParameters(width=320), fixed=FixedRegionParameters(pairs=pairs))
    return Build(str(folder), "drives", "drives.csv", (video,), parameters)


def surveyed(frames: Path, pairs: int = 200, **row: Any) -> Surveyed:
    video = Video("drive", str(frames), fps=10.0, **row)
    return survey(build_of(frames.parent, video, pairs), video, frames)


@pytest.fixture(scope="module")
def seen(frames: Path) -> Surveyed:
    return surveyed(frames)


def mask_of(survey: Surveyed) -> Any:
    assert survey.fixed is not None
    image = cv2.imdecode(np.frombuffer(survey.fixed, np.uint8), cv2.IMREAD_UNCHANGED)
    assert set(np.unique(image)) <= {0, 255}
    return image > 0


def test_the_bonnet_is_found(seen: Surveyed) -> None:
    found, truth = mask_of(seen), make_overlay(DRIVE).covered
    assert np.count_nonzero(found & truth) / np.count_nonzero(found | truth) >= 0.85
    assert seen.camera["fixed_fraction"] == pytest.approx(found.mean(), abs=1e-5)


def test_the_record_says_what_the_labels_need(seen: Surveyed) -> None:
    camera = json.loads(json.dumps(seen.camera, allow_nan=False))
    assert 0.1 <= camera["noise_floor_px"] <= 1 and 0.005 <= camera["noise_relative"] <= 0.05
    assert camera["focal_state"] in ("default", "calibrated")
    assert 0.5 < camera["pairs_accepted"] <= 1
    assert np.linalg.norm(camera["heading"]) == pytest.approx(1, abs=1e-5) and camera["heading"][2] > 0.95


def test_a_second_survey_says_the_same(frames: Path, seen: Surveyed) -> None:
    again = surveyed(frames)
    assert again.fixed == seen.fixed and again.camera == seen.camera


def test_a_known_focal_length_wins(frames: Path) -> None:
    camera = surveyed(frames, focal_px=300.0).camera
    assert (camera["focal_px"], camera["focal_state"]) == (300.0, "manifest")


def test_no_pairs_no_mask(frames: Path) -> None:
    nothing = surveyed(frames, pairs=0)
    assert not mask_of(nothing).any()
    assert (nothing.camera["fixed_reason"], nothing.camera["heading"]) == ("few_pairs", None)


@pytest.mark.parametrize(("said", "fault"), [({}, ""), ({"fixed_reason": "too_large"}, "covered")])
def test_what_the_camera_shows_can_end_a_video(
    tmp_path: Path, seen: Surveyed, said: dict[str, Any], fault: str
) -> None:
    video = Video("drive", "frames", fps=10.0)
    build = build_of(tmp_path, video)
    survey_video.camera_target(build, video).write(json.dumps(seen.camera | said).encode())
    assert seen.frames is not None
    survey_video.frames_target(build, video).write(tables.to_bytes(seen.frames))
    found, pairs = select_pairs.selection(build, video)
    assert found == fault
    kept = pairs.column("reason").to_pylist().count("")
    assert kept == 0 if fault else kept > 10


def test_black_bars_are_cut_off(tmp_path: Path) -> None:
    barred = replace(DRIVE, frames=8, bonnet="none", letterbox=0.1)
    for number, image in enumerate(images(barred)):
        cv2.imwrite(str(tmp_path / f"{number:04d}.png"), image[..., ::-1])
    found = surveyed(tmp_path, pairs=0)
    left, top, right, bottom = found.camera["rectangle"]
    assert (left, right) == (0, 320) and top == pytest.approx(19, abs=1) and bottom == pytest.approx(161, abs=1)
    assert found.camera["height"] == bottom - top
    assert found.camera["principal_point"] == pytest.approx((159.5, 89.5 - top))  # the middle of the picture
    assert found.frames is not None and len(found.frames) == 8
    darkest = np.percentile(next(iter(images(barred)))[20:160], 1)
    assert found.frames.column("mean")[0].as_py() > darkest  # no bar in the statistics


def test_stills_are_surveyed_without_a_mask(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (96, 128, 3), dtype=np.uint8)
    for number in range(30):
        cv2.imwrite(str(tmp_path / f"{number:04d}.png"), image)
    still = surveyed(tmp_path)
    assert still.ended.done and not mask_of(still).any()


def test_what_is_fixed_comes_back_and_is_nothing_where_none_was_written(tmp_path: Path) -> None:
    video = Video("drive", "frames", fps=10.0)
    build = build_of(tmp_path, video)
    survey_video.camera_target(build, video).write(json.dumps({"width": 8, "height": 6}).encode())
    assert read_fixed(build, video).shape == (6, 8) and not read_fixed(build, video).any()
    mask = np.eye(6, 8, dtype=np.uint8)
    fixed_target(build, video).write(cv2.imencode(".png", mask * 255)[1].tobytes())
    np.testing.assert_array_equal(read_fixed(build, video), mask > 0)
