"""The commands as users type them: the table, the JSON, and what a mistake gets."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from evaluation.__main__ import COMMANDS, main
from evaluation.report import Report, read_protocols, write_json
from labels.codec import encode


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Two depth maps of which the lower half is measured, and perfect predictions of their order."""
    truth, predictions = tmp_path / "depth", tmp_path / "predictions"
    truth.mkdir()
    predictions.mkdir()
    for name in ("a", "b"):
        depth = np.random.default_rng(ord(name)).permutation(600).reshape(20, 30) / 10 + 1
        ranks = depth.ravel().argsort().argsort().reshape(depth.shape)
        cv2.imwrite(str(predictions / f"{name}.depth.png"), encode((ranks + 0.5) / 600, np.ones(depth.shape, bool), 16))
        depth[:10] = 0
        cv2.imwrite(str(truth / f"{name}.png"), (256 * depth).astype(np.uint16))
    return ["--ground-truth", str(truth), "--predictions", str(predictions)]


def test_a_perfect_order_gets_perfect_figures_printed_and_written(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["relative-depth", *folders, "--json", str(tmp_path / "f.json")]) == 0
    task, protocols = read_protocols(tmp_path / "f.json")
    (figures,) = protocols.values()
    assert task == "relative-depth"
    assert figures == {"l1": 0.0, "spearman": pytest.approx(1), "ordinal_error": 0.0}
    assert "1.0000" in capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    assert f"python -m evaluation {name} " in capsys.readouterr().out.split("options:")[0].split("\n\n", 1)[1]


def test_a_prediction_missing_or_of_another_size_is_named(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cv2.imwrite(str(Path(folders[3]) / "b.depth.png"), np.ones((3, 3), np.uint16))
    assert main(["relative-depth", *folders, "--json", str(tmp_path / "f.json")]) == 2
    assert "b.depth.png: the prediction is (3, 3)" in capsys.readouterr().err
    (Path(folders[3]) / "b.depth.png").unlink()
    assert main(["relative-depth", *folders, "--json", str(tmp_path / "f.json")]) == 2
    assert "b.depth.png or .png is missing" in capsys.readouterr().err
    assert not (tmp_path / "f.json").exists()


def test_pixels_left_out_of_a_prediction_do_not_pay(folders: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(Path(folders[3]) / "a.depth.png"), np.zeros((20, 30), np.uint16))
    assert main(["relative-depth", *folders]) == 2
    assert "nothing is predicted for 300 of 300 measured pixels" in capsys.readouterr().err


def test_depth_of_eight_bits_is_refused(folders: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(Path(folders[1]) / "a.png"), np.ones((20, 30), np.uint8))
    assert main(["relative-depth", *folders]) == 2
    assert "16 bits" in capsys.readouterr().err


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
    assert [path.name for path in tmp_path.iterdir()] == ["f.json"]
    assert np.isnan(read_protocols(tmp_path / "f.json")[1]["p"]["a"])


def test_a_figure_missing_under_a_protocol_is_a_dash() -> None:
    table = Report("x", {"one": {"a": 0.5}, "two": {"b": 3}}, ("a note",)).table()
    assert table.splitlines() == ["x         a  b", "one  0.5000  -", "two       -  3", "a note"]
