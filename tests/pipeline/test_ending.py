"""What a command says whose build ends before it is whole."""

import multiprocessing
import subprocess
import sys
from pathlib import Path

import luigi
import pytest

from pipeline import BuildShards, ending
from pipeline.storage import FsspecTarget

NOWHERE = "/no/such/file"


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_explained", multiprocessing.get_context("fork").Event())


def test_an_unfinished_build_without_an_error_ends_with_one_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ending._explain(NOWHERE)
    (line,) = capsys.readouterr().err.splitlines()
    assert "clock jumps" in line and "run the same command again" in line


def test_a_whole_build_says_nothing_more(capsys: pytest.CaptureFixture[str]) -> None:
    ending.whole()
    ending._explain(NOWHERE)
    assert capsys.readouterr().err == ""


def test_a_build_that_another_worker_finished_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = FsspecTarget(str(tmp_path), "dataset.json")
    assert not written.exists()  # and listed so
    (tmp_path / "dataset.json").touch()
    ending._explain(written.url)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("event", [luigi.Event.FAILURE, luigi.Event.BROKEN_TASK])
def test_an_error_that_luigi_logs_is_not_explained_twice(event: str, capsys: pytest.CaptureFixture[str]) -> None:
    fork = multiprocessing.get_context("fork")  # as Luigi runs a task
    task = fork.Process(target=BuildShards().trigger_event, args=(event, BuildShards(), ValueError("of the task")))
    task.start()
    task.join()
    ending._explain(NOWHERE)
    assert capsys.readouterr().err == ""


def test_a_task_that_was_late_by_the_clock_is_told_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    task = BuildShards()
    task.trigger_event(luigi.Event.TIMEOUT, task, "Task x timed out after 43200 seconds and was terminated.")
    ending._explain(NOWHERE)
    (line,) = capsys.readouterr().err.splitlines()
    assert (
        line.startswith("BuildShards was stopped") and "clock jumped" in line and "run the same command again" in line
    )


def test_a_task_whose_process_died_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    task = BuildShards()
    task.trigger_event(luigi.Event.PROCESS_FAILURE, task, "Task x died unexpectedly with exit code -9")
    ending._explain(NOWHERE)
    assert capsys.readouterr().err == "Task x died unexpectedly with exit code -9.\n"


def test_the_sentence_comes_at_the_end_of_the_process_and_once() -> None:
    register = f"ending.explain_at_exit({NOWHERE!r})"
    code = f"from pipeline import ending; {register}; {register}; raise SystemExit(14)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (14, f"{ending._UNFINISHED}\n")
