"""A command that is killed takes along all processes that it started."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SLEEPER = """
import os, sys, time
from pathlib import Path
import luigi
from pipeline.task import BuildTask

class Sleeper(BuildTask):
    def output(self):
        return luigi.LocalTarget(str(Path(self.root) / "never"))

    def run(self):
        (Path(self.root) / "pid.part").write_text(str(os.getpid()))
        (Path(self.root) / "pid.part").rename(Path(self.root) / "pid")
        time.sleep(300)

luigi.build([Sleeper(root=sys.argv[1], build_id="none")], local_scheduler=True)
"""


def until(holds: Callable[[], bool], seconds: float = 60) -> bool:
    for _ in range(int(seconds / 0.1)):
        if holds():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process of its parent's death")
@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_command_takes_all_its_processes_along(tmp_path: Path, with_signal: signal.Signals) -> None:
    words = [sys.executable, "-c", SLEEPER, str(tmp_path)]
    command = subprocess.Popen(words, cwd=ROOT, start_new_session=True)
    try:
        assert until((tmp_path / "pid").exists)
        assert int((tmp_path / "pid").read_text()) in alive(command.pid) - {command.pid}
        command.send_signal(with_signal)
        command.wait()
        assert until(lambda: not alive(command.pid), 10), f"left: {alive(command.pid)}"
    finally:
        for process in alive(command.pid):
            os.kill(process, signal.SIGKILL)
        command.wait()


def alive(session: int) -> set[int]:
    """The processes of a session that have not ended."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, of_session, *_ = stat.read_text().rpartition(")")[2].split()
            if int(of_session) == session and state not in ("Z", "X"):
                found.add(int(stat.parent.name))
    return found
