"""The live funnel of a running build: a table on a terminal, a line now and then elsewhere."""

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from multiprocessing.process import BaseProcess
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from pipeline.build import Build
from pipeline.funnel import Funnel

_MAIN_PROCESS = os.getpid()
_fork = multiprocessing.get_context("fork")
_enough, _gone = _fork.Event(), _fork.Event()  # shared with the tasks: the last of them takes the funnel off the screen
_watchers: list[BaseProcess] = []


def watch(build: Build) -> None:
    """Show the funnel of a build until ``stop`` or the end of this process; later calls, or a task's, do nothing.

    A process and not a thread: tasks are forked, and a fork takes along for ever the locks that a thread then holds.
    """
    if os.getpid() == _MAIN_PROCESS and not _watchers:
        sys.stderr.flush()
        watcher = _fork.Process(target=_watch, args=(build, os.getpid()), daemon=True)
        watcher.start()
        _watchers.append(watcher)


def stop() -> None:
    """Take the funnel off the screen."""
    if _watchers:
        _enough.set()
        _gone.wait(timeout=10)


def _watch(build: Build, parent: int) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # leave by the front door: the cursor comes back
    console = Console(stderr=True)
    seconds = 2.0 if console.is_terminal else 15.0
    funnel, pace = Funnel(), Pace()
    shown = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
    with contextlib.suppress(KeyboardInterrupt), shown or contextlib.nullcontext():
        while os.getppid() == parent and not _enough.wait(timeout=seconds):
            try:
                funnel.update(build)
            except Exception as error:  # a picture of the work must not end the work
                print(f"funnel: {error}", file=sys.stderr)
                funnel = Funnel()  # this one may have noted as seen what it did not count
                continue
            if shown is not None:
                shown.update(table(build, funnel, pace.estimate(funnel)), refresh=True)
            else:
                print(line(funnel.to_json(), pace.estimate(funnel)), file=sys.stderr, flush=True)
    _gone.set()


class Pace:
    """Rate and time left, from what this process has seen appear."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.before: int | None = None

    def estimate(self, funnel: Funnel) -> str:
        """Such as ``12.3 pairs/s, 0:04:10 left``; the time counts the pairs selected so far."""
        if self.before is None:
            self.before, self.began = funnel.attempted, time.monotonic()
        done, seconds = funnel.attempted - self.before, time.monotonic() - self.began
        if done <= 0 or seconds <= 0:
            return ""
        rate = done / seconds
        left = max(0, funnel.selected - funnel.attempted) / rate
        return f"{rate:.1f} pairs/s, {duration(left)} left"


def duration(seconds: float) -> str:
    """Such as ``27:04:10``, hours first."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def stages(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and count of each stage of a funnel, told as in ``Funnel.to_json``."""
    videos = sum(told["videos"].values())
    attempted = told["labelled"] + sum(reason["count"] for reason in told["reasons"] if reason["stage"] == "pair")
    return [
        ("videos", f"{videos - told['videos'].get('waiting', 0)}/{videos}"),
        ("candidates", str(told["candidates"])),
        ("selected", str(told["selected"])),
        ("labelled", f"{told['labelled']} of {attempted} tried"),
        ("sharded", str(told["sharded"])),
    ]


def line(told: dict[str, Any], pace: str) -> str:
    """The funnel as one line of plain text."""
    parts = [f"{name} {count}" for name, count in stages(told)]
    reasons = "; ".join(f"{reason} {count}" for reason, count in _reasons(told, 3))
    return " -> ".join(parts) + (f" | {pace}" if pace else "") + (f" | {reasons}" if reasons else "")


def _reasons(told: dict[str, Any], most: int) -> list[tuple[str, int]]:
    return [(f"{r['stage']} {r['status']}: {r['reason']}", r["count"]) for r in told["reasons"][:most]]


def table(build: Build, funnel: Funnel, pace: str) -> Table:
    """The funnel as a table for a terminal."""
    shown = Table(title=f"{escape(build.dataset)}  {pace}", title_justify="left", box=None, show_header=False)
    told = funnel.to_json()
    for name, count in stages(told):
        shown.add_row(name, count)
    for reason, number in _reasons(told, 6):
        shown.add_row(f"[dim]{escape(reason)}[/dim]", f"[dim]{number}[/dim]")
    return shown


def print_summary(told: dict[str, Any]) -> None:
    """The whole funnel, once, at the end of a build: as its record tells it, since counting it anew takes long."""
    stop()
    print(line(told, ""), file=sys.stderr, flush=True)
