"""A command that is killed takes its tasks along."""

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
def test_a_killed_command_takes_its_tasks_along(tmp_path: Path, with_signal: signal.Signals) -> None:
    command = subprocess.Popen([sys.executable, "-c", SLEEPER, str(tmp_path)], cwd=ROOT)
    assert until((tmp_path / "pid").exists)
    task = int((tmp_path / "pid").read_text())
    assert task != command.pid
    command.send_signal(with_signal)
    command.wait()

    def ended() -> bool:
        stat = Path(f"/proc/{task}/stat")
        try:
            return stat.read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    assert until(ended, 10)
