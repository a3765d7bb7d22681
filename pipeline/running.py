"""Which tasks are at work: a mark under ``running/`` for each, so that any machine can tell.

Luigi's scheduler knows as much, but not since when, not after its restart, and not without a scheduler.
"""

import contextlib
import dataclasses
import json
import os
import socket
import time
from dataclasses import dataclass

import luigi

from pipeline import storage
from pipeline.storage import TEMPORARY, join

FOLDER = "running"


@dataclass(frozen=True)
class Running:
    """A task at work, or one whose machine died over it."""

    task: str  # such as LabelPairs
    about: str  # such as "kyoto, part 2"
    host: str
    since: float  # seconds since the epoch, by the clock of its host
    process: int  # its number on that host


def begin(root: str, task: luigi.Task) -> None:
    """Mark a task as at work on this machine."""
    about = getattr(task, "video_id", "")
    about += f", part {task.part}" if about and hasattr(task, "part") else ""
    mark = Running(task.get_task_family(), about, socket.gethostname(), time.time(), os.getpid())
    storage.write_bytes(_url(root, task), json.dumps(dataclasses.asdict(mark)).encode())


def end(root: str, task: luigi.Task) -> None:
    """Take the mark away; nothing happens where there is none."""
    storage.remove_file(_url(root, task))


def running(root: str) -> list[Running]:
    """The tasks at work, the oldest first."""
    found, folder = [], join(root, FOLDER)
    for name in storage.stored(folder):
        with contextlib.suppress(FileNotFoundError, ValueError, TypeError):  # it ended meanwhile, or is being written
            found.append(Running(**json.loads(storage.read_bytes(join(folder, name)))))
    return sorted(found, key=lambda mark: mark.since)


def _url(root: str, task: luigi.Task) -> str:
    # Named as unfinished, so that PruneVersions takes away what a killed process left. One name a task: whoever takes
    # the task up after that process replaces its mark.
    return join(root, FOLDER, f"{TEMPORARY}{task.task_id}.json")
