"""The benchmark of a whole build, small, and what it refuses."""

import json
from pathlib import Path

import pytest

from benchmarks.throughput import main


def test_it_tells_what_a_pair_costs_and_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--frames", "24", "--width", "256", "--json", str(tmp_path / "figures.json")]
    assert main(words) == 0
    result = json.loads((tmp_path / "figures.json").read_text())
    stages = result["stages_s"]
    assert result["frames"] == 24 and 0 < result["labelled"] <= result["pairs"] and result["size"] == [256, 144]
    outer = {name.partition(":")[0] for name in stages}
    assert outer == {"survey", "selection", "labels", "shards", "report and tables"}  # rendering is not counted
    assert {"survey: decoding", "labels: decoding", "labels: flow: matching", "labels: sky", "labels: PNG"} <= set(
        stages
    )
    assert sum(stages.values()) == pytest.approx(result["seconds"], abs=0.03)
    assert result["pairs_per_second_and_core"] == pytest.approx(result["pairs"] / result["seconds"], rel=0.02)
    table = capsys.readouterr().out
    assert all(f"\n{name} " in table for name in stages)


def test_it_names_a_video_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.mp4")]) == 2
    assert "none.mp4 is no video file" in capsys.readouterr().err
