"""The command that scores boxes: six protocols side by side, and what the zeros say."""

from pathlib import Path

import pytest

from evaluation.__main__ import main
from evaluation.report import read_protocols
from tests.evaluation.slow_detection import Box

CAR = Box("Car", 0, 0, 100, 100, 200, 200, 0.5)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Two images with a car, found, and in the second a low false alarm above it."""
    for folder in ("truth", "found"):
        (tmp_path / folder).mkdir()
        for name in ("000000", "000001"):
            (tmp_path / folder / f"{name}.txt").write_text(CAR.line(scored=folder == "found") + "\n")
    with (tmp_path / "found" / "000001.txt").open("a") as file:
        file.write(CAR._replace(left=500, right=600, bottom=130, score=0.9).line(scored=True) + "\n")
    return tmp_path


def run(folder: Path, *options: str) -> int:
    places = ["--ground-truth", str(folder / "truth"), "--predictions", str(folder / "found")]
    return main(["detection", *places, "--json", str(folder / "f.json"), *options])


def test_both_rules_and_all_means_side_by_side(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folders) == 0
    task, protocols = read_protocols(folders / "f.json")
    assert task == "detection"
    names = [f"Car {name}, {rule} rule" for rule in ("2017", "pre-2017") for name in ("easy", "moderate", "hard")]
    assert list(protocols) == names
    # two thresholds; 30 pixels are too low for easy, so that only the older rule counts the false alarm there
    assert protocols["Car easy, 2017 rule"]["mean41"] == pytest.approx(100 * 2 / 41)
    assert protocols["Car easy, pre-2017 rule"]["mean41"] == pytest.approx(100 * 2 / 41 * 2 / 3)
    assert protocols["Car moderate, 2017 rule"] == protocols["Car moderate, pre-2017 rule"]
    assert protocols["Car easy, 2017 rule"]["R11"] == pytest.approx(100 / 11)
    assert protocols["Car easy, 2017 rule"]["R40"] == pytest.approx(100 / 40)
    assert "2 images; Car objects that count: 2 easy, 2 moderate, 2 hard; 3 detections" in capsys.readouterr().out


def test_zeros_say_why(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folders, "--class", "Cyclist") == 0
    assert "no Cyclist counts as easy, moderate, hard" in capsys.readouterr().out
    for path in (folders / "found").iterdir():
        path.write_text("")
    assert run(folders) == 0
    assert "no result is of class Car" in capsys.readouterr().out


def test_a_list_chooses_images(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = folders / "val.csv"
    frames.write_text("image\n000000\n")
    (folders / "found" / "000001.txt").unlink()
    assert run(folders, "--frames", str(frames)) == 0
    assert "1 images" in capsys.readouterr().out
    assert run(folders) == 2
    assert "000001.txt is missing" in capsys.readouterr().err
