from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline import inspection, sample_images
from pipeline.__main__ import main


def test_statistics_and_a_contact_sheet(built: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "sheet.png"
    assert main(["inspect", str(built.root), "--sheet", str(sheet), "--samples", "6"]) == 0
    printed = capsys.readouterr().out
    assert "train" in printed and "valid_fraction" in printed and "candidates 72" in printed
    picture = cv2.imread(str(sheet))
    assert picture.shape[1] == 3 * 2 * inspection.CELL_WIDTH
    assert picture.std() > 30


def test_colours_go_from_bright_near_to_dark_far_and_grey_is_no_label() -> None:
    shown = sample_images.colour(np.array([[0, 1, 128, 255]], np.uint8)).astype(int)
    brightness = shown.sum(axis=2)[0]
    assert brightness[1] > brightness[2] > brightness[3]
    assert (shown[0, 0] == 96).all()


def test_an_unwritable_sheet_is_one_sentence(built: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(built.root), "--sheet", "/proc/self/nowhere/sheet.png"]) == 2
    assert "/proc/self/nowhere" in capsys.readouterr().err
