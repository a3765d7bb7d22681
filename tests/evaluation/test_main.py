"""What all commands share: help, the table, the JSON, and what a mistake gets."""

import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.__main__ import COMMANDS, main
from evaluation.report import Report, read_protocols, write_json


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    assert f"python -m evaluation {name} " in capsys.readouterr().out.split("options:")[0].split("\n\n", 1)[1]


def test_a_place_that_cannot_be_written_is_refused_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = ["--ground-truth", "a", "--predictions", "b"]
    assert main(["relative-depth", *missing, "--json", str(tmp_path / "no" / "f.json")]) == 2
    assert "--json" in capsys.readouterr().err


def test_json_has_no_nan_and_comes_whole_or_not_at_all(tmp_path: Path) -> None:
    write_json(tmp_path / "f.json", Report("x", {"p": {"a": float("nan"), "b": 0.1}}, details={"curve": [1.0]}))
    assert json.loads((tmp_path / "f.json").read_text())["protocols"] == {"p": {"a": None, "b": 0.1}}
    with pytest.raises(TypeError):
        write_json(tmp_path / "f.json", Report("x", {}, details={"curve": object()}))
    assert json.loads((tmp_path / "f.json").read_text())["details"] == {"curve": [1.0]}
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_json(tmp_path / "folder", Report("x", {}))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.json", "folder"]
    assert np.isnan(read_protocols(tmp_path / "f.json")[1]["p"]["a"])


def test_a_figure_missing_under_a_protocol_is_a_dash() -> None:
    table = Report("x", {"one": {"a": 0.5}, "two": {"b": 3}}, ("a note",)).table()
    assert table.splitlines() == ["x         a  b", "one  0.5000  -", "two       -  3", "a note"]
