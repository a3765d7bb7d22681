"""A survey that is killed goes on where it was, and finds the same to the bit."""

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import pytest

from labels.fixed_regions import FixedRegionParameters
from labels.survey import FrameStatistics, Survey
from pipeline import storage, survey_pass, survey_video
from pipeline.build import Build, open_root
from pipeline.fetch_video import FetchVideo
from pipeline.image_folder import ImageFolder
from pipeline.manifest import Video
from pipeline.parameters import BuildParameters, DecodingParameters
from pipeline.survey_pass import Kept, Pass, look_through
from pipeline.survey_video import SurveyVideo
from simulation.drive import images
from simulation.parameters import DriveParameters

BARRED = DriveParameters(seed=3, frames=22, fps=10.0, width=320, height=180, bonnet="none", letterbox=0.1)


class KilledError(BaseException):
    """Ends a pass as a kill does: nothing may catch it."""


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey_pass, "STRETCH", 4)


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The frames of a drive behind black bars, one of them no image."""
    folder = tmp_path_factory.mktemp("frames")
    for number, image in enumerate(images(BARRED)):
        cv2.imwrite(str(folder / f"{number:04d}.png"), image[..., ::-1])
    (folder / "0002.png").write_bytes(b"no image")
    return folder


class Dying:
    """Counts the frames that are measured; ends at one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.measured, self.last = 0, 10**9
        add = Survey.add

        def counted(survey: Survey, image: Any, time_s: float) -> FrameStatistics:
            self.measured += 1
            if self.measured > self.last:
                raise KilledError
            return add(survey, image, time_s)

        monkeypatch.setattr(Survey, "add", counted)


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dying]:
    with monkeypatch.context() as patched:
        yield Dying(patched)


def source(frames: Path) -> ImageFolder:
    found = survey_video.open_source(frames, fps=10.0)
    assert isinstance(found, ImageFolder)
    return found


def assert_same(found: Pass, wanted: Pass) -> None:
    assert (found.pts, found.bars) == (wanted.pts, wanted.bars)
    assert list(found.table) == list(wanted.table)
    for name, column in wanted.table.items():
        assert found.table[name].tobytes() == column.tobytes(), name


@pytest.mark.parametrize("letterbox_frames", [0, 7, 200])
def test_a_pass_goes_on_where_it_was_and_finds_the_same(
    letterbox_frames: int, frames: Path, tmp_path: Path, dying: Dying
) -> None:
    undisturbed = source(frames)
    wanted = look_through(undisturbed, letterbox_frames)
    assert len(wanted.pts) == dying.measured == 21 and (wanted.bars is not None) == (letterbox_frames > 0)
    kept = Kept(str(tmp_path), "abc", "whole")
    for kills, lasting in enumerate([3, 5, 7, 6, 4], 1):
        dying.measured, dying.last = 0, lasting
        with pytest.raises(KilledError):
            look_through(source(frames), letterbox_frames, kept)
        assert len(list(kept.read())) == kills - 1  # each turn but the first ends a stretch, none two
    dying.measured, dying.last = 0, 10**9
    last = source(frames)
    found = look_through(last, letterbox_frames, kept)
    assert dying.measured == 21 - 16
    assert_same(found, wanted)
    assert last.problem == undisturbed.problem == "1 images skipped: 1 unreadable"


def test_a_pass_cut_into_stretches_is_the_pass_in_one(frames: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = look_through(source(frames), 7)
    monkeypatch.setattr(survey_pass, "STRETCH", 1000)
    assert_same(cut, look_through(source(frames), 7))


def test_another_content_or_view_is_measured_anew(frames: Path, tmp_path: Path, dying: Dying) -> None:
    kept = Kept(str(tmp_path), "abc", "whole")
    look_through(source(frames), 0, kept)
    for other in (replace(kept, content="abd"), replace(kept, view="inside")):
        dying.measured = 0
        look_through(source(frames), 0, other)
        assert dying.measured == 21


def prepared(root: Path, frames: Path) -> SurveyVideo:
    video = Video("drive", str(frames), fps=10.0)
    parameters = BuildParameters(decoding=DecodingParameters(width=320), fixed=FixedRegionParameters(pairs=4))
    build = Build(str(root), "drives", "drives.csv", (video,), parameters)
    open_root(build.root)
    build.save()
    FetchVideo(root=build.root, build_id=build.build_id, video_id="drive").run()
    storage.forget_all()
    return SurveyVideo(root=build.root, build_id=build.build_id, video_id="drive")


def outputs(task: SurveyVideo) -> dict[str, Any]:
    folder = Path(task.build.survey_folder(task.video)) / "drive"
    camera = json.loads((folder / "camera.json").read_text())
    del camera["seconds"]
    assert sorted(path.name for path in folder.iterdir()) == ["camera.json", "fixed.png", "frames.parquet"]
    return {"camera": camera, **{name: (folder / name).read_bytes() for name in ("fixed.png", "frames.parquet")}}


def killed_at(frame: int, task: SurveyVideo) -> None:
    """Survey, and be killed at a frame."""
    measured, add = [0], Survey.add

    def dying(survey: Survey, image: Any, time_s: float) -> FrameStatistics:
        measured[0] += 1
        if measured[0] == frame:
            os.kill(os.getpid(), signal.SIGKILL)
        return add(survey, image, time_s)

    Survey.add = dying  # type: ignore[assignment,method-assign]
    task.run()


def test_a_survey_killed_again_and_again_leaves_the_same_files(frames: Path, tmp_path: Path) -> None:
    whole = prepared(tmp_path / "whole", frames)
    whole.run()
    task = prepared(tmp_path / "killed", frames)
    fork = multiprocessing.get_context("fork")
    # Of 21 frames twice: within the bars they are measured again, after the rest of a stretch of the first view.
    for frame in (6, 3, 9, 8, 2, 7, 12, 9):
        process = fork.Process(target=killed_at, args=(frame, task))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
    task.run()
    assert outputs(task) == outputs(whole)
    assert outputs(task)["camera"]["rectangle"] is not None


def test_a_survey_that_fails_keeps_nothing(frames: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = prepared(tmp_path / "root", frames)
    fork = multiprocessing.get_context("fork")
    process = fork.Process(target=killed_at, args=(15, task))
    process.start()
    process.join(60)
    assert len(list(storage.leftovers(task.root, 2**40))) == 3

    def broken(*_: object) -> Pass:
        raise ValueError("of the video")

    monkeypatch.setattr(survey_video, "look_through", broken)
    task.run()
    assert not survey_video.ended(survey_video.read_camera(task.build, task.video)).done
    assert list(storage.leftovers(task.root, 2**40)) == []
