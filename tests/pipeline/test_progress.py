"""The funnel that a user watches."""

import contextlib
import os
import pty
import subprocess
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline import build as builds
from pipeline import progress
from pipeline.funnel import Funnel

Start = Callable[..., Any]


@pytest.fixture
def finished(built: Any) -> builds.Build:
    return builds.load(str(built.root), built.record["provenance"]["build"])


def test_a_line_tells_each_stage_and_the_top_reasons(finished: builds.Build) -> None:
    funnel = Funnel().update(finished)
    told = progress.line(funnel.to_json(), "2.0 pairs/s, 0:00:10 left")
    labelled = f"labelled {funnel.labelled} of {funnel.attempted} tried -> sharded {funnel.labelled}"
    assert told.startswith(f"videos 2/2 -> candidates 72 -> selected {funnel.selected} -> {labelled}")
    assert "2.0 pairs/s, 0:00:10 left" in told
    assert "frame filtered: spacing" in told


def test_a_finished_build_is_summed_up_by_its_record(
    built: Any, finished: builds.Build, capsys: pytest.CaptureFixture[str]
) -> None:
    progress.print_summary(built.record["funnel"])
    assert capsys.readouterr().err == progress.line(Funnel().update(finished).to_json(), "") + "\n"


def test_the_pace_counts_what_this_process_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 100.0, 100.0, 110.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    pace, funnel = progress.Pace(), Funnel(selected=7500, attempted=50)
    assert pace.estimate(funnel) == ""  # the 50 were done before
    funnel.attempted = 75
    assert pace.estimate(funnel) == "2.5 pairs/s, 0:49:30 left"


def test_what_was_counted_when_the_storage_failed_is_not_counted_twice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks, errors = iter([False, False, True]), iter([OSError("the store does not answer")])

    def update(funnel: Funnel, _: object) -> Funnel:
        funnel.selected += 5
        for error in errors:
            raise error
        return funnel

    monkeypatch.setattr(Funnel, "update", update)
    monkeypatch.setattr(progress, "_enough", SimpleNamespace(wait=lambda timeout: next(looks)))
    monkeypatch.setattr(progress, "_gone", threading.Event())
    monkeypatch.setattr(progress.signal, "signal", lambda *_: None)
    progress._watch(cast(builds.Build, None), os.getppid())
    first, second = capsys.readouterr().err.splitlines()
    assert first == "funnel: the store does not answer" and "selected 5 " in second


def test_watching_starts_no_thread(finished: builds.Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks are forked: the locks that a thread holds at that moment would stay taken in them, and the build hang."""
    monkeypatch.setattr(progress, "_watchers", [])
    before = threading.active_count()
    progress.watch(finished)
    assert threading.active_count() == before
    (watcher,) = progress._watchers
    assert watcher.is_alive()
    progress.stop()
    watcher.join(timeout=10)
    assert not watcher.is_alive()


def test_a_terminal_shows_a_table_and_gets_its_cursor_back(start: Start) -> None:
    build = start()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(build.command("--workers", 2), stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown = bytearray()
    with contextlib.suppress(OSError):  # what reading ends with once nobody has the other end open
        while chunk := os.read(ours, 4096):
            shown += chunk
    os.close(ours)
    assert process.wait() == 0
    text = shown.decode()
    table, _, summary = text.rpartition("\x1b[?25h")
    assert table.count("candidates") >= 1 and "sharded" in table
    assert "\x1b[?25l" not in summary and "complete: " in summary
