"""A library that crashes over a video takes its process along, and nothing else."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.survey_video import SurveyVideo
from pipeline.task import _process_died

ROOT = Path(__file__).parents[2]
CRASHING = """
import ctypes
from pipeline import *
from pipeline import label_chunk, survey_video

survey, label = survey_video.survey, label_chunk.label_chunk

def crashing_survey(build, video, *source):
    return ctypes.string_at(0) if video.video_id == "no_survey" else survey(build, video, *source)

def crashing_label(build, video, pairs):
    second = video.video_id == "no_second_chunk" and pairs.column("frame")[0].as_py() >= 8
    return ctypes.string_at(0) if second else label(build, video, pairs)

survey_video.survey, label_chunk.label_chunk = crashing_survey, crashing_label
"""


@pytest.fixture(scope="module")
def ends(built: Any, start: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The rows of videos.parquet by id, where one video crashes its survey and one a chunk of its labels."""
    folder = tmp_path_factory.mktemp("crashing")
    (folder / "crashing.py").write_text(CRASHING)
    source = built.root / "videos" / "drive_1" / "source.mp4"
    names = ["no_survey", "no_second_chunk", "good"]
    build = start([{"video_id": name, "source": source, "split": "train"} for name in names], "crashes")
    command = build.command("--workers", 2, "--parts", 1, "--scheduler-retry-delay", 0)
    command[command.index("pipeline")] = "crashing"
    places = {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    finished = subprocess.run(command, cwd=ROOT, env=os.environ | places, capture_output=True, text=True, timeout=600)
    assert finished.returncode == 0, finished.stderr
    return {row["video_id"]: row for row in pq.read_table(build.folder / "videos.parquet").to_pylist()}


def test_a_crash_in_the_survey_ends_the_video_as_failed(ends: dict[str, Any]) -> None:
    row = ends["no_survey"]
    assert (row["status"], row["reason"], row["candidates"]) == ("failed", "crash", 0)
    assert "SIGSEGV" in row["detail"]


def test_a_crash_in_the_labels_costs_its_chunk_only(ends: dict[str, Any]) -> None:
    hurt, good = ends["no_second_chunk"], ends["good"]
    assert hurt["status"] == "done"
    assert hurt["failed"] > 0
    assert 0 < hurt["labelled"] < good["labelled"]
    assert hurt["selected"] == good["selected"]


def test_the_other_videos_are_unharmed(ends: dict[str, Any], built: Any) -> None:
    alone = {row["video_id"]: row for row in pq.read_table(built.folder / "videos.parquet").to_pylist()}
    assert ends["good"]["labelled"] == alone["drive_1"]["labelled"] > 5
    assert ends["good"]["failed"] == 0


@pytest.mark.parametrize("code", [-9, -15, 1])
def test_a_process_that_people_or_the_machine_ended_says_nothing_of_the_video(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    ended: list[object] = []
    monkeypatch.setattr(SurveyVideo, "record_crash", lambda _, outcome: ended.append(outcome))
    task = SurveyVideo(root="nowhere", build_id="none", video_id="v")
    message = "Task {} died unexpectedly with exit code {}"
    _process_died(task, message.format(task.task_id, code))
    assert not ended
    _process_died(task, message.format(task.task_id, -11))
    assert len(ended) == 1
