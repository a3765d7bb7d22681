import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import focal_length as benchmark
from benchmarks.focal_length import Drive, main, measure, open_drive
from labels.egomotion import Egomotion, Samples
from simulation import DriveParameters
from simulation.ground_truth import write_ground_truth


@pytest.fixture(scope="module")
def bend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A winding drive, seven frames a second, of a camera with 0.5 W."""
    folder = tmp_path_factory.mktemp("sequences") / "bend"
    parameters = DriveParameters(seed=2, frames=36, fps=7, focal=0.5, curves=1.3, width=384, height=216)
    write_ground_truth(folder, parameters)
    return folder


def test_a_winding_drive_tells_its_focal_length(bend: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "figures.json"
    assert main([str(bend), "--json", str(out)]) == 0
    row = json.loads(out.read_text())
    assert (row["truth"], row["strides"], row["width"]) == (0.5, [2, 3], 384)
    assert row["state"] == "calibrated" and abs(row["error_percent"]) < 8
    assert "calibrated" in capsys.readouterr().out


def test_a_short_drive_says_default(drive: Path) -> None:
    row = measure(open_drive(drive, 256))
    assert (row["state"], row["reason"], row["ratio"], row["estimate"]) == ("default", "few_turns", 0.8, None)


def test_what_is_below_the_bonnet_line_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def look(*arguments: Any) -> tuple[Samples, Egomotion]:
        seen.append(arguments[-1])
        return Samples(*(np.empty(0) for _ in range(5))), Egomotion(reason="few_samples")

    monkeypatch.setattr(benchmark, "observe", look)
    measure(Drive("still", [np.zeros((100, 160), np.uint8)] * 8, 10.0, None), bonnet=0.25)
    assert len(seen) > 4 and all(usable[:75].all() and not usable[75:].any() for usable in seen)


def test_the_rate_is_that_of_the_times(bend: Path) -> None:
    assert open_drive(bend, 128).fps == pytest.approx(7, rel=0.01)
    assert open_drive(bend, 128, fps=12, limit=5).fps == 12
    assert len(open_drive(bend, 128, limit=5).frames) == 5
    assert open_drive(bend, 128).frames[0].shape == (72, 128)


REFUSED = [
    (["missing.mp4"], "missing.mp4 is neither the folder of a sequence nor a video"),
    (["drive", "--width", "10"], "--width 10 must be 64 or more"),
    (["drive", "--bonnet", "1"], "--bonnet 1.0 must be 0 or more and less than 1"),
    (["drive", "--fps", "0"], "--fps 0.0 must be positive"),
    (["drive", "--json", "nowhere/figures.json"], "nowhere/figures.json"),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSED)
def test_what_cannot_be_measured_is_said_in_a_sentence(
    complaint: Callable[..., str], words: list[str], sentence: str
) -> None:
    assert sentence in complaint(main, words)
