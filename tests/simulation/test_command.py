"""The command: what it writes, and one sentence with exit status 2 for what it cannot do."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from simulation import DriveParameters
from simulation.__main__ import documentation, main, parser
from simulation.video import decode

ROOT = Path(__file__).parents[2]
TINY = ["--frames", "3", "--width", "96", "--height", "64"]


def test_a_video_and_a_folder_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video, folder = tmp_path / "new" / "drive.mp4", tmp_path / "drive"
    assert main(["render", str(video), *TINY]) == 0
    assert main(["render", str(folder), *TINY, "--ground-truth", "--date-stamp"]) == 0
    assert [image.shape for image in decode(video)] == [(64, 96, 3)] * 3
    assert len(list((folder / "image_2").iterdir())) == 3
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        f"{video}: 3 frames of 96x64, 30 a second, H.264",
        f"{folder}: 3 frames of 96x64, 30 a second, ground truth, see README.md there",
    ]
    assert printed.err == ""


REFUSED = [
    (["old.mp4"], "old.mp4 exists; name another output, or remove it first"),
    (["old", "--ground-truth"], "old exists; name another output"),
    (["drive"], "drive does not end in .mp4, which a video must; for a folder add --ground-truth"),
    (["drive.mp4", "--ground-truth"], "drive.mp4 is the name of a video"),
    (["a.mp4", "--frames", "many"], "frames must be a whole number, got 'many'"),
    (["a.mp4", "--frames", "0"], "frames must lie within 1 and 20000, got 0"),
    (["a.mp4", "--width", "65"], "width and height must be even"),
    (["a.mp4", "--bonnet", "wood"], "bonnet must be one of none, matte, glossy, got 'wood'"),
    (["old.mp4/a.mp4"], "cannot write the video old.mp4/a.mp4"),
    (["old.mp4/a", "--ground-truth"], "cannot write ground truth to old.mp4/a"),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSED)
def test_what_cannot_be_done_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.mp4").write_text("a")
    Path("old").mkdir()
    assert main(["render", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m simulation: ") and sentence in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old", "old.mp4"] and Path("old.mp4").read_text() == "a"


def test_every_parameter_is_an_option_with_its_explanation(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["render", "--help"])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    texts = documentation()
    for field in fields(DriveParameters):
        assert f"--{field.name.replace('_', '-')} " in shown
        assert " ".join(texts[field.name].rstrip(".").split()) in shown


def test_an_unknown_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["render", "a.mp4", "--widht", "64"])
    assert ended.value.code == 2
    assert "--widht" in capsys.readouterr().err


def test_the_module_runs_and_fails_with_its_status(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "simulation", "render", tmp_path / "drive.avi"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 2
    assert ended.stderr.startswith("python -m simulation: ") and ended.stderr.count("\n") == 1
