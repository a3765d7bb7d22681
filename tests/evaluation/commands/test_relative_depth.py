"""The command that scores the order of depths: what it finds and what it refuses."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from evaluation.__main__ import main
from evaluation.report import read_protocols
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
    assert task == "relative-depth"
    assert protocols["order"] == {"l1": 0.0, "spearman": pytest.approx(1), "ordinal_error": 0.0}
    assert protocols["times one factor"]["rmse"] > 0
    assert "1.0000" in capsys.readouterr().out


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


def test_the_factor_is_the_best_for_the_images_unless_given(folders: list[str], tmp_path: Path) -> None:
    """Depth is 1 m and 0.1 m more a rank of 600: a factor of 60 a little too small."""
    errors = {}
    for name, options in {"best": [], "given": ["--factor", "60"]}.items():
        path = tmp_path / f"{name}.json"
        assert main(["relative-depth", *folders, *options, "--json", str(path)]) == 0
        errors[name] = read_protocols(path)[1]["times one factor"]["rmse"]
        factor = json.loads(path.read_text())["details"]["factor"]
        assert factor == 60 if name == "given" else 60 < factor < 63
    assert errors["given"] == pytest.approx(1, abs=0.1)
    assert errors["best"] < errors["given"]


def test_a_factor_that_gives_no_depth_is_refused(folders: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["relative-depth", *folders, "--factor", "0"]) == 2
    assert "--factor 0.0 gives no depth" in capsys.readouterr().err


def test_colours_are_no_percentiles(folders: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(Path(folders[3]) / "a.depth.png"), np.zeros((20, 30, 3), np.uint8))
    assert main(["relative-depth", *folders]) == 2
    assert "a.depth.png is no image of percentiles" in capsys.readouterr().err
