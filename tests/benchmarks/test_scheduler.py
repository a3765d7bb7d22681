"""The benchmark of the central scheduler, small, and what it refuses."""

import json
from pathlib import Path

import pytest

from benchmarks.scheduler import COLUMNS, main, measure


def test_it_schedules_a_whole_build_and_hands_out_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tasks", "100", "--asked", "3", "--json", str(tmp_path / "figures.json")]) == 0
    result = json.loads((tmp_path / "figures.json").read_text())
    assert set(result) == set(COLUMNS)
    assert result["tasks"] == 14 * 7 + 1 + 4 + 1  # of 14 videos, the plan, four parts of the shards, what asks for them
    assert 0 < result["get_work_ms"] <= result["get_work_longest_ms"] and result["add_task_ms"] > 0
    assert result["luigid_mib"] > 10 and 0 < result["state_mib"] < 10
    assert capsys.readouterr().out.split()[: len(COLUMNS)] == list(COLUMNS)


def test_each_task_is_added_once() -> None:
    seen: list[str] = []
    result = measure(tasks=100, asked=3, seen=seen.append)
    assert seen.count("add_task") == result["tasks"] + 3 and seen.count("get_work") == 3


def test_more_work_than_can_be_done_now_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tasks", "100", "--asked", "200"]) == 2
    assert "ask for fewer tasks with --asked" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--tasks", "5"], ["--asked", "0"], ["--json", "/nowhere/at/all.json"]])
def test_what_cannot_be_measured_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("benchmarks.scheduler: --")
