"""Pre-training on two nodes of a real Slurm that is taken back into the queue in the middle."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
SMALL = ["--model.fc_channels", "8", "--input.height", "64", "--input.width", "96", "--loader.workers", "0"]
SMALL += ["--loader.batch_size", "4", "--engine.device", "cpu", "--engine.deterministic", "true"]
SMALL += ["--optimisation.steps", "60", "--optimisation.epochs", "1000", "--record.checkpoint_steps", "5"]
SMALL += ["--record.validate_epochs", "1000", "--record.keep", "100"]


def idle_nodes() -> int:
    if not shutil.which("sbatch"):
        return 0
    try:
        listed = subprocess.run(
            ["sinfo", "-h", "-t", "idle,mix,alloc", "-o", "%D"], capture_output=True, text=True, timeout=10
        )
    except subprocess.TimeoutExpired:
        return 0
    return sum(int(count) for count in listed.stdout.split())


needs_slurm = pytest.mark.skipif(idle_nodes() < 2, reason="no Slurm with two nodes at hand")


def submit(data: Path, run: Path) -> str:
    command = ["sbatch", "--parsable", "--nodes", "2", "--cpus-per-task", "1", "--output", f"{run}.log"]
    command += ["cluster/slurm/pretrain.sbatch", "--data", str(data), "--run", str(run), *SMALL]
    environment = {**os.environ, "RANKS": "1", "OMP_NUM_THREADS": "1"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    started = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return started.stdout.strip()


def wait_for(there: Callable[[], object], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def state(job: str) -> str:
    told = subprocess.run(["scontrol", "show", "job", job], capture_output=True, text=True, check=True).stdout
    return next(word.removeprefix("JobState=") for word in told.split() if word.startswith("JobState="))


def ended(job: str) -> bool:
    return state(job) in {"COMPLETED", "FAILED", "CANCELLED", "NODE_FAIL", "TIMEOUT"}


def final_weights(run: Path) -> bytes:
    return (run / "checkpoints" / "step-00000060" / "weights.safetensors").read_bytes()


@pytest.mark.slow
@needs_slurm
def test_a_job_that_is_requeued_ends_with_the_weights_of_one_that_is_not(built: Any, tmp_path: Path) -> None:
    undisturbed, requeued = tmp_path / "undisturbed", tmp_path / "requeued"
    job = submit(built.folder, undisturbed)
    wait_for(lambda: ended(job))
    assert state(job) == "COMPLETED", Path(f"{undisturbed}.log").read_text()
    job = submit(built.folder, requeued)
    wait_for(lambda: list(requeued.glob("checkpoints/step-*")))
    subprocess.run(["scontrol", "requeue", job], check=True)
    wait_for(lambda: state(job) == "PENDING")
    # by itself Slurm lets two minutes pass; much sooner, a node refuses the job that it has just ended
    subprocess.run(["scontrol", "update", f"JobId={job}", "StartTime=now+15seconds"], check=True)
    wait_for(lambda: ended(job))
    log = Path(f"{requeued}.log").read_text()
    assert state(job) == "COMPLETED", log
    assert "going on from step" in log
    assert final_weights(requeued) == final_weights(undisturbed)
