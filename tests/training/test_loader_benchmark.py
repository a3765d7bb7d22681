"""The benchmark of the loader counts every sample, ours and WebDataset's, and refuses what it cannot measure."""

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.loader import main

SMALL = ["--height", "32", "--width", "48", "--batch", "4", "--passes", "1"]


def test_it_prints_rates(small_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(small_dataset), *SMALL, "--json", str(tmp_path / "figures.json")]) == 0
    result = json.loads((tmp_path / "figures.json").read_text())
    printed = capsys.readouterr().out
    assert result["samples"] == 22 and "22 samples to 32x48" in printed
    assert set(result["pipeline"]) == {"ours", "webdataset", "stock decoders"}
    assert all(rate > 0 for step in ("read", "decode", "pipeline") for rate in result[step].values())
    assert f"{result['pipeline']['ours'] / result['pipeline']['webdataset']:.2f}" in printed


def test_it_measures_no_pass_that_lost_samples(
    small_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(small_dataset, tmp_path / "copy"))
    with (copy / "small-train-000002.tar").open("r+b") as file:
        file.write(b"\xff" * 512)
    assert main([str(copy), *SMALL]) == 2
    assert "benchmarks.loader: drive-00000019: not a tar header" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["{data}", "--passes", "0"], "--batch and --passes must be positive"),
        (["{none}"], "holds no finished dataset"),
        (["pipe:cat"], "is no place to read data from"),
        (["{data}", "--json", "{none}/a/b.json"], "cannot be written"),
    ],
)
def test_refusals_are_a_line(
    words: list[str], sentence: str, small_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word.format(data=small_dataset, none=tmp_path) for word in words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert sentence in line
