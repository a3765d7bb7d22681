import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.fixed_regions import main
from simulation import DriveParameters
from simulation.ground_truth import write_ground_truth


def test_a_root_is_shown(built: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, picture = tmp_path / "figures.json", tmp_path / "sheet.png"
    assert main(["--root", str(built.root), "--sheet", str(picture), "--json", str(out)]) == 0
    rows = json.loads(out.read_text())
    assert [row["video"] for row in rows] == ["drive_1", "drive_2"]
    assert "drive_2" in capsys.readouterr().out
    image = cv2.imread(str(picture))
    assert image is not None and image.shape == (270, 4 * 480, 3)
    assert not np.any(image[:, 960:]) and np.all(image[:, 480:960].std(axis=(0, 1)) > 10)


@pytest.mark.parametrize("options", [[], ["--sheet", "/nowhere/sheet.png"]])
def test_what_cannot_be_shown_is_a_sentence(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--root", str(tmp_path), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("benchmarks.fixed_regions: ")


def test_what_is_found_in_a_drive_overlaps_what_is_there(tmp_path: Path) -> None:
    parameters = DriveParameters(seed=3, frames=60, fps=10, width=320, height=180, bonnet="matte", date_stamp=True)
    write_ground_truth(tmp_path / "drive", parameters)
    out = tmp_path / "figures.json"
    assert main([str(tmp_path / "drive"), "--json", str(out)]) == 0
    row = json.loads(out.read_text())
    assert row["drive"] == "drive" and row["reason"] == "" and row["overlap"] >= 0.85
    assert row["found"] == pytest.approx(row["truth"], rel=0.15)


@pytest.mark.parametrize("options", [[], ["--sheet", "sheet.png"], ["nowhere"]])
def test_what_cannot_be_measured_is_a_sentence(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("benchmarks.fixed_regions: ")
