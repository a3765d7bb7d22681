"""What a command says whose build ends before it is whole though no error was printed."""

import atexit
import multiprocessing
import os
import sys

import luigi

from pipeline import storage
from pipeline.outcome import printable

_MAIN_PROCESS = os.getpid()
_explained = multiprocessing.get_context("fork").Event()  # shared with the tasks, each a process of its own

_UNFINISHED = (
    "The build is not whole, and nothing failed here: it was told to stop, a task failed at another worker, or the "
    "scheduler took this worker for lost, as it does when its clock jumps; what is done is kept, so run the same "
    "command again."
)


def explain_at_exit(output: str) -> None:
    """Let this process say one sentence at its end, unless the build is whole by then or an error was told.

    Another worker may have written ``output``, a URL: Luigi then lets this one go without a look.
    """
    if os.getpid() == _MAIN_PROCESS:
        atexit.unregister(_explain)
        atexit.register(_explain, output)


def whole() -> None:
    """Note that the build is whole; from any process of the command."""
    _explained.set()


def _explain(output: str) -> None:
    if _explained.is_set():
        return
    local = storage.local_folder(output)  # remote storage is asked by threads, which have ended by now
    if local is None or not local.exists():
        print(_UNFINISHED, file=sys.stderr)


@luigi.Task.event_handler(luigi.Event.FAILURE)
@luigi.Task.event_handler(luigi.Event.BROKEN_TASK)
def _told(*_: object) -> None:
    _explained.set()  # Luigi logs the error itself


@luigi.Task.event_handler(luigi.Event.TIMEOUT)
def _timed_out(task: luigi.Task, _: str) -> None:
    """Luigi tells this to those alone who ask for its whole log."""
    print(
        f"{task.task_family} was stopped, as by this machine's clock it took longer than allowed ([worker] timeout in "
        "luigi.cfg), or that clock jumped; what is done is kept, so run the same command again if the build ends here.",
        file=sys.stderr,
    )
    _explained.set()


@luigi.Task.event_handler(luigi.Event.PROCESS_FAILURE)
def _died(_: luigi.Task, message: str) -> None:
    """Luigi keeps this to itself, too: a process that was killed, by a person or for want of memory, or crashed."""
    print(f"{printable(message)}.", file=sys.stderr)
    _explained.set()
