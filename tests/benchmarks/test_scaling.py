"""The benchmark of workers and memory, small, and what it refuses."""

import json
from pathlib import Path

import pytest

from benchmarks.scaling import main

SMALL = ["--videos", "1", "--frames", "16", "--width", "256", "--chunk", "4", "--parts", "2"]


@pytest.mark.slow
def test_it_tells_of_memory_overhead_and_speed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--memory-pairs", "12", "--json", str(tmp_path / "figures.json")]) == 0
    result = json.loads((tmp_path / "figures.json").read_text())
    assert result["pairs"] > 4 and len(result["memory_mib"]) >= 12 // 4 and min(result["memory_mib"]) > 50
    one, two = result["runs"]["1"], result["runs"]["2"]
    assert min(one["labels_core_s"], two["labels_core_s"]) > 0.5 * result["loop_core_s"]  # of the tasks' processes, too
    spent = one["labels_core_s"] + one["shards_core_s"]
    # the seconds are printed to a hundredth, the overhead is of the whole numbers
    least, most = (spent - 0.01) / (result["loop_core_s"] + 0.005), (spent + 0.01) / (result["loop_core_s"] - 0.005)
    assert least <= 1 + result["overhead"] <= most
    assert result["speed_up"]["1"] == 1
    assert result["speed_up"]["2"] == pytest.approx(one["labels_clock_s"] / two["labels_clock_s"], abs=0.01)
    assert "overhead" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--videos", "0"], ["--workers", "0"], ["--json", "/nowhere/at/all.json"]])
def test_what_cannot_be_measured_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("benchmarks.scaling: --")
