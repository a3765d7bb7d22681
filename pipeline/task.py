"""What all tasks of a build share: they are named by the root, the build and, mostly, a video."""

import contextlib
import ctypes
import functools
import multiprocessing
import os
import re
import signal
import sys

import luigi

from pipeline import build as builds
from pipeline import running, storage
from pipeline.build import Build
from pipeline.manifest import Video
from pipeline.outcome import FAILED, Outcome

# Ends that a library prepares by itself; SIGTERM and SIGKILL come from people and from machines short of memory.
_CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)


class MarkedTask(luigi.Task):
    """A task that leaves a mark under ``root`` while it is at work, and ends with the command that started it."""

    root = luigi.Parameter(description="folder or URL that holds everything a build makes")


class BuildTask(MarkedTask):
    """A task of the build ``build_id`` recorded under ``root``."""

    build_id = luigi.Parameter(description="name of the record under ROOT/builds")

    @functools.cached_property
    def build(self) -> Build:
        """The recorded build."""
        return builds.load(self.root, self.build_id)


_PARENT_DEATH_SIGNAL = 1  # of Linux's prctl


def _end_with_parent() -> None:
    """Let the process of a task end when the command that started it is killed, and not work on unseen."""
    parent = multiprocessing.parent_process()
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent.pid:  # it died before we asked to be told
        signal.raise_signal(signal.SIGTERM)


@MarkedTask.event_handler(luigi.Event.START)
def _begun(task: MarkedTask) -> None:
    _end_with_parent()
    with contextlib.suppress(OSError):  # a picture of the work must not end the work
        running.begin(task.root, task)


@MarkedTask.event_handler(luigi.Event.SUCCESS)
@MarkedTask.event_handler(luigi.Event.FAILURE)
@MarkedTask.event_handler(luigi.Event.TIMEOUT)
@MarkedTask.event_handler(luigi.Event.PROCESS_FAILURE)
def _ended(task: MarkedTask, *_: object) -> None:
    with contextlib.suppress(OSError):
        running.end(task.root, task)


class VideoTask(BuildTask):
    """A task on one video of the build."""

    video_id = luigi.Parameter(description="the video's id in the manifest")

    @functools.cached_property
    def video(self) -> Video:
        """The video's row in the manifest."""
        return self.build.video(self.video_id)

    def record_crash(self, ended: Outcome) -> None:
        """Write the output of a task whose process died over its video; by default nothing, and the task fails."""


@VideoTask.event_handler(luigi.Event.PROCESS_FAILURE)
def _process_died(task: VideoTask, message: str) -> None:
    """Let a task say how it ended whose own process no longer can; runs in the process that started it."""
    code = re.search(r"exit code -(\d+)$", message)
    if code and int(code[1]) in _CRASHES:
        storage.forget_all()  # what the process wrote before it died is to stay
        name = signal.Signals(int(code[1])).name
        task.record_crash(Outcome(FAILED, "crash", f"a library crashed with {name} over this video"))
