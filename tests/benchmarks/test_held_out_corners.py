"""Motions judged by corners that did not tell them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.held_out_corners import main, off_px
from labels.flow_samples import Samples

Complaint = Callable[[Callable[[list[str]], int], list[str]], str]


def seen(T: np.ndarray) -> Samples:
    """Points at many depths, seen by a camera that moves along ``T`` without turning."""
    rng = np.random.default_rng(3)
    x, y, depth = rng.uniform(-0.6, 0.6, 200), rng.uniform(-0.6, 0.6, 200), rng.uniform(5, 40, 200)
    ends = (x * depth - T[0]) / (depth - T[2]), (y * depth - T[1]) / (depth - T[2])
    return Samples(x, y, ends[0] - x, ends[1] - y, np.full(200, 500.0))


def test_points_lie_on_the_lines_of_their_own_motion_and_off_those_of_another() -> None:
    T = np.array([0.0, 0.0, 1.0])
    tilted = np.array([np.sin(0.05), 0.0, np.cos(0.05)])
    assert off_px(seen(T), np.eye(3), T, 700.0) == pytest.approx(0, abs=1e-9)
    assert off_px(seen(T), np.eye(3), tilted, 700.0) == pytest.approx(
        off_px(seen(tilted), np.eye(3), T, 700.0), rel=0.1
    )
    assert off_px(seen(T), np.eye(3), tilted, 700.0) > 0.2


def test_a_wrong_truth_is_told_from_ours(drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    for name in ("image_2", "calib.txt"):
        (wrong / name).symlink_to(drive / name)
    poses = np.loadtxt(drive / "poses.txt").reshape(-1, 3, 4)
    poses[:, 0, 3] += 0.1 * poses[:, 2, 3]  # ten per cent of the way ahead, to the side
    np.savetxt(wrong / "poses.txt", poses.reshape(-1, 12))
    out = tmp_path / "figures.json"
    assert main([str(drive), str(wrong), "--json", str(out)]) == 0
    right, other = json.loads(out.read_text())
    assert right["pairs"] == other["pairs"] == other["truth_worse_than_ours"] == 3
    assert other["off_px"]["truth"] > 2 * other["off_px"]["ours"]
    assert right["off_px"]["truth"] < 1.2 * right["off_px"]["ours"]
    assert other["offset_deg"]["corners"][0] < -4 < right["offset_deg"]["corners"][0]
    assert "drive: 3 pairs" in capsys.readouterr().out


def test_a_folder_without_truth_is_refused(complaint: Complaint) -> None:
    assert "missing has no images" in complaint(main, ["missing"])
