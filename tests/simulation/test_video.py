"""Videos: the same bytes each time, the frames that went in, and nothing under the name until it is whole."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulation import DriveParameters, images, write_video
from simulation.video import decode, encode

from .conftest import SMALL

PARAMETERS = DriveParameters(seed=3, frames=8, **SMALL)


class StoppedError(Exception):
    pass


def stop(done: int) -> None:
    if done == 3:
        raise StoppedError


def test_the_same_drive_gives_the_same_file(tmp_path: Path) -> None:
    calls: list[int] = []
    write_video(tmp_path / "drive.mp4", PARAMETERS, calls.append)
    assert calls == [*range(1, 9)]
    digests = {hashlib.sha256((tmp_path / "drive.mp4").read_bytes()).hexdigest()}
    # an encoder that reads memory it did not write to differs once in a few times
    frames = list(images(PARAMETERS))
    for number in range(20):
        encode(tmp_path / f"{number}.mp4", frames, PARAMETERS)
        digests.add(hashlib.sha256((tmp_path / f"{number}.mp4").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_a_video_holds_the_frames_at_the_quality_asked_for(tmp_path: Path) -> None:
    errors = []
    for crf in (10, 40):
        write_video(tmp_path / f"{crf}.mp4", replace(PARAMETERS, crf=crf))
        pairs = zip(decode(tmp_path / f"{crf}.mp4"), images(PARAMETERS), strict=True)
        errors.append(np.mean([np.abs(one.astype(int) - two).mean() for one, two in pairs]))
    assert errors[0] < 4 < errors[1] < 20


def test_a_video_that_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        write_video(tmp_path / "a.mp4", PARAMETERS, stop)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"it is a folder; name a file"):
        write_video(tmp_path, PARAMETERS)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"cannot write the video .*file/a\.mp4"):
        write_video(tmp_path / "file" / "a.mp4", PARAMETERS)
