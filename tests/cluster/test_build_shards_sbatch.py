"""The recipe for many nodes, its elements as processes here, and Slurm's command as one that notes what it is asked."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
RECIPE = ROOT / "cluster" / "slurm" / "build_shards.sbatch"


class Array:
    """The elements of one job that runs a build's command line."""

    def __init__(self, folder: Path, build: Any, elements: int = 2) -> None:
        self.folder, self.elements = folder, elements
        self.scratch = tempfile.mkdtemp()  # a short name: sockets lie below it
        command = build.command()
        self.words = command[command.index("BuildShards") + 1 :]
        commands = folder / "bin"
        commands.mkdir()
        (commands / "scontrol").write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n')
        (commands / "luigi").write_text(f'#!/bin/sh\nexec {sys.executable} -m luigi "$@"\n')
        code = "import sys; from luigi.cmdline import luigid; luigid(sys.argv[1:])"
        (commands / "luigid").write_text(f"#!/bin/sh\nexec {sys.executable} -c '{code}' \"$@\"\n")
        for path in commands.iterdir():
            path.chmod(0o755)

    def start(self, element: int) -> subprocess.Popen[bytes]:
        told = {"SLURM_ARRAY_JOB_ID": str(os.getpid()), "SLURM_ARRAY_TASK_ID": str(element)}
        told |= {"SLURM_ARRAY_TASK_COUNT": str(self.elements), "SHARED": str(self.folder), "SCRATCH": self.scratch}
        path = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        log = (self.folder / f"{element}.log").open("ab")
        return subprocess.Popen(
            ["bash", str(RECIPE), *self.words], cwd=ROOT, env={**os.environ, **told, **path}, stdout=log, stderr=log
        )

    @property
    def asked(self) -> list[str]:
        file = self.folder / "asked"
        return file.read_text().splitlines() if file.exists() else []

    def left(self) -> list[Path]:
        """What is left on the disk of the node."""
        left = list(Path(self.scratch).iterdir())
        shutil.rmtree(self.scratch)
        return left


def children(process: subprocess.Popen[bytes]) -> list[int]:
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in listed.split()]


def wait_for(there: Callable[[], object], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_elements_build_the_same_bytes_over_turns_and_a_scheduler_killed(
    built: Any, start: Any, tmp_path: Path
) -> None:
    build = start()
    array = Array(tmp_path, build)
    scheduler, worker = array.start(0), array.start(1)
    wait_for(lambda: (build.root / "running").exists())
    worker.send_signal(signal.SIGUSR1)  # its time is up
    assert worker.wait(240) == 0
    job = os.getpid()
    assert array.asked == [f"requeue {job}_1"]
    os.kill(children(scheduler)[0], signal.SIGKILL)
    worker = array.start(1)
    assert worker.wait(500) == 0
    assert scheduler.wait(60) == 0
    assert build.hashes() == built.hashes()
    assert array.asked == [f"requeue {job}_1"] and array.left() == []


@pytest.mark.slow
def test_a_mistake_ends_the_whole_array(start: Any, tmp_path: Path) -> None:
    build = start([{"video_id": "a b", "source": "x.mp4"}])
    array = Array(tmp_path, build)
    scheduler, worker = array.start(0), array.start(1)
    assert worker.wait(240) == 13
    assert scheduler.wait(60) == 0
    assert array.asked == [] and array.left() == []
    assert "a b" in (tmp_path / "1.log").read_text()


LUIGI = """#!/bin/sh
echo "$@" | grep -o -e --dry-run -e --workers >> {folder}/started
case "$@" in *--dry-run*) echo would run: nothing; exit 0;; esac
[ "$(grep -c workers {folder}/started)" -gt 1 ] || kill -9 $$
"""


def test_a_killed_worker_starts_again_at_once_and_one_that_ends_looks_first(start: Any, tmp_path: Path) -> None:
    array = Array(tmp_path, start([{"video_id": "a", "source": "x.mp4"}]))
    (tmp_path / "bin" / "luigi").write_text(LUIGI.format(folder=tmp_path))
    shared = tmp_path / f"slurm-build-{os.getpid()}"
    shared.mkdir()
    (shared / "address").write_text("localhost 1\n")
    assert array.start(1).wait(60) == 0
    assert (tmp_path / "started").read_text().split() == ["--workers", "--workers", "--dry-run"]
    assert array.left() == []


def test_scratch_that_sockets_cannot_lie_in_is_refused(start: Any, tmp_path: Path) -> None:
    array = Array(tmp_path, start([{"video_id": "a", "source": "x.mp4"}]))
    shutil.rmtree(array.scratch)
    array.scratch = str(tmp_path / ("long" * 10))
    Path(array.scratch).mkdir()
    assert array.start(1).wait(60) == 2
    assert "give 45 or fewer" in (tmp_path / "1.log").read_text()
    assert array.start(0).wait(60) == 2 and array.left() == []
