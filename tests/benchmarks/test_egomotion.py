import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import egomotion as benchmark
from benchmarks.egomotion import direction_error_deg, main, measure, rotation_error_deg
from benchmarks.sequences import Camera, Motion, Sequence
from labels.egomotion import Egomotion
from labels.flow import CONSISTENT, INSIDE, TEXTURED, FlowParameters
from labels.focal_length import FocalLength

CAMERA = Camera(500.0, 319.5, 179.5)
Flow = Callable[[np.ndarray, np.ndarray, FlowParameters], tuple[np.ndarray, np.ndarray]]


def turned(degrees: float, axis: int) -> np.ndarray:
    return cv2.Rodrigues(np.deg2rad(degrees) * np.eye(3)[axis])[0]


def perfect(folder: Path) -> Flow:
    """The true flow in place of an engine."""
    sequence, truths = Sequence(folder), {}
    for index in range(len(sequence) - 1):
        flow = sequence.rigid_flow(index)
        assert flow is not None
        seen = np.isfinite(flow[..., 0])
        support = np.where(seen, CONSISTENT | INSIDE | TEXTURED, 0).astype(np.uint8)
        truths[sequence.image(index).tobytes()] = np.where(seen[..., None], flow, 0), support
    return lambda image1, image2, parameters: truths[image1.tobytes()]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_rotation_error_is_the_angle_between(axis: int) -> None:
    truth = Motion(turned(3, 1), np.array([0.0, 0.0, 1.0]))
    assert rotation_error_deg(Egomotion(R=truth.R), truth) == 0
    assert rotation_error_deg(Egomotion(R=truth.R @ turned(0.7, axis)), truth) == pytest.approx(0.7)


def test_the_direction_error_is_the_angle_between() -> None:
    truth = Motion(np.eye(3), np.array([0.0, 0.0, 2.5]))
    for degrees in (0.0, 1.0, 25.0):
        found = Egomotion(T=turned(degrees, 0) @ truth.heading)
        assert direction_error_deg(found, truth, CAMERA, CAMERA) == pytest.approx(degrees, abs=1e-5)


def test_directions_are_compared_as_pixels_where_the_focal_length_differs() -> None:
    truth = Motion(np.eye(3), np.array([0.2, -0.1, 1.0]))
    assumed = Camera(800.0, 300.0, 190.0)
    focus = CAMERA.matrix @ truth.T
    found = np.linalg.solve(assumed.matrix, focus)
    same_pixel = Egomotion(T=found / np.linalg.norm(found))
    assert direction_error_deg(same_pixel, truth, assumed, CAMERA) == pytest.approx(0, abs=1e-5)
    assert direction_error_deg(same_pixel, truth, CAMERA, CAMERA) > 1


def test_perfect_flow_gives_the_motion(still_drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "flow", perfect(still_drive))
    row = measure(Sequence(still_drive), flow_only=True)
    assert (row["pairs"], row["failed"], row["standing"]) == (3, 0, 0)
    assert row["rotation_deg"]["max"] < 0.01
    assert row["direction_deg"]["max"] < 0.05
    assert np.abs(row["offset_deg"]).max() < 0.05


def test_an_error_of_all_pairs_is_told_from_one_of_each(still_drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "flow", perfect(still_drive))
    truth, aside = Sequence.motion, turned(1.0, 1) @ turned(-0.5, 0)
    monkeypatch.setattr(Sequence, "motion", lambda *which: replace(truth(*which), T=aside @ truth(*which).T))
    row = measure(Sequence(still_drive), flow_only=True)
    assert row["direction_deg"]["median"] == pytest.approx(np.hypot(1.0, 0.5), abs=0.05)
    assert row["offset_deg"] == pytest.approx([-1.0, -0.5], abs=0.05)
    assert row["after_offset_deg"]["max"] < 0.05


def test_a_focal_length_can_be_calibrated(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def told(pairs: Iterable[object], focal: float, width: int) -> FocalLength:
        seen.append((len(list(pairs)), focal, width))
        return FocalLength(0.7, 0.05, "calibrated", "")

    monkeypatch.setattr(benchmark, "estimate", told)
    row = measure(Sequence(drive), focal="calibrate")
    assert seen == [(1, pytest.approx(0.8 * 256), 256)]
    assert (row["focal_state"], row["focal_ratio"]) == ("calibrated", 0.7)
    assert row["direction_deg"]["median"] < 2


def test_what_too_few_turns_tell_is_the_default(drive: Path) -> None:
    row = measure(Sequence(drive), focal="calibrate")
    assert (row["focal_state"], row["focal_ratio"]) == ("default", 0.8)
    assert row["direction_deg"] == measure(Sequence(drive), focal="default")["direction_deg"]


def test_the_paper_s_objective_is_another_method(still_drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "flow", perfect(still_drive))
    ours, theirs = (measure(Sequence(still_drive), method=method, flow_only=True) for method in ("robust", "reference"))
    assert theirs["method"] == "reference"
    assert (theirs["pairs"], theirs["failed"]) == (3, 0)
    assert theirs["direction_deg"]["max"] > 2 * ours["direction_deg"]["max"]


def test_a_camera_that_stands_is_left_out(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sequence, "motion", lambda *_: Motion(np.eye(3), np.array([0.0, 0.0, 0.01])))
    row = measure(Sequence(drive))
    assert (row["pairs"], row["standing"]) == (0, 3)
    assert row["direction_deg"] == {"median": None, "p90": None, "max": None}


def test_the_command_writes_what_it_prints(drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "figures.json"
    assert main([str(drive), "--stride", "2", "--width", "192", "--focal", "default", "--json", str(out)]) == 0
    row = json.loads(out.read_text())
    assert (row["sequence"], row["width"], row["stride"], row["focal"]) == ("drive", 192, 2, "default")
    assert row["pairs"] == 2
    assert "drive" in capsys.readouterr().out
    assert main([str(drive), str(drive), "--json", str(out)]) == 0
    rows = json.loads(out.read_text())
    assert [row["pairs"] for row in rows] == [3, 3]
    assert all(row["direction_deg"]["median"] < 2 and row["rotation_deg"]["median"] < 0.3 for row in rows)


REFUSED = [
    (["missing"], "missing has no images in image_2/ or image_0/"),
    (["drive", "--stride", "4"], "has 4 frames: a stride of 4 leaves no pair"),
    (["drive", "--stride", "0"], "a stride of 0 leaves no pair"),
    (["drive", "--width", "1000"], "a width of 1000 pixels is not between 64 and the 256"),
    (["drive", "--flow", "farneback"], "unknown engine 'farneback'"),
    (["drive", "--json", "nowhere/figures.json"], "nowhere/figures.json"),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSED)
def test_what_cannot_be_measured_is_said_in_a_sentence(
    complaint: Callable[..., str], words: list[str], sentence: str
) -> None:
    assert sentence in complaint(main, words)
