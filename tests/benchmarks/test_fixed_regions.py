import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.fixed_regions import main


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
