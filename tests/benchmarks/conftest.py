"""A tiny drive of which everything is known, in the layout that the benchmarks read."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from simulation import DriveParameters
from simulation.ground_truth import write_ground_truth


@pytest.fixture(scope="session")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four frames of 256x144, in traffic."""
    folder = tmp_path_factory.mktemp("sequences") / "drive"
    write_ground_truth(folder, DriveParameters(seed=1, frames=4, fps=10, traffic=2, width=256, height=144))
    return folder


@pytest.fixture(scope="session")
def still_drive(drive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same drive without its ``flow/``: truth is of what stands still, from depth and motion."""
    folder = tmp_path_factory.mktemp("sequences") / "still"
    shutil.copytree(drive, folder, ignore=shutil.ignore_patterns("flow"))
    return folder


@pytest.fixture
def complaint(
    drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Callable[[list[str]], int], list[str]], str]:
    """What a benchmark says that refuses its words, run beside ``drive`` and ``bare``, a drive without truth.

    It says so in one line, which begins with its own name.
    """
    (tmp_path / "drive").symlink_to(drive)
    (tmp_path / "bare").mkdir()
    for name in ("image_2", "calib.txt", "pairs.csv", "poses.txt"):
        (tmp_path / "bare" / name).symlink_to(drive / name)
    monkeypatch.chdir(tmp_path)

    def refused(main: Callable[[list[str]], int], words: list[str]) -> str:
        assert main(words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        name, _, sentence = line.partition(": ")
        assert name == main.__module__
        return sentence

    return refused
