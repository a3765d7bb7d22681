"""The benchmark of training runs, small, and refuses what it cannot measure."""

import json
from pathlib import Path

import pytest

from benchmarks.trainer import main

SMALL = [
    "--networks",
    "alexnet",
    "--fc-channels",
    "8",
    "--height",
    "64",
    "--width",
    "64",
    "--batch",
    "2",
    "--steps",
    "2",
]


def test_it_prints_rates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--device", "cpu", "--json", str(tmp_path / "figures.json")]) == 0
    result = json.loads((tmp_path / "figures.json").read_text())
    assert result["synthetic"] > 0
    assert "streamed" not in result
    assert f"{result['synthetic']:.2f}" in capsys.readouterr().out


def test_it_names_data_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--device", "cpu", "--data", str(tmp_path)]) == 2
    assert "holds no finished dataset" in capsys.readouterr().err
