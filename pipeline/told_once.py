"""Makes Luigi tell each death of a task's process once.

Luigi (3.6 to 3.8) looks for dead processes again before each result it takes. When another task's result comes first,
it tells the same death twice: the second one fails the try that has begun since. A crash in a video's labels then cost
all of its chunks, or the build, as a task is tried three times.
"""

import time
import weakref

from luigi.worker import TaskProcess, Worker

_told: weakref.WeakSet[TaskProcess] = weakref.WeakSet()
_tell_all = Worker._purge_children


def install() -> None:
    """Let the workers of this process tell each death, or end by timeout, once."""
    Worker._purge_children = _tell_new


def _tell_new(worker: Worker) -> None:
    """Luigi's method, shown only processes it has something new to tell of."""
    running = worker._running_tasks
    worker._running_tasks = {task: process for task, process in running.items() if _ended(process)}
    try:
        _tell_all(worker)
        _told.update(worker._running_tasks.values())
    finally:
        worker._running_tasks = running


def _ended(process: TaskProcess) -> bool:
    if process in _told:
        return False
    late = process.timeout_time is not None and time.time() > float(process.timeout_time)
    return late or (not process.is_alive() and bool(process.exitcode))
