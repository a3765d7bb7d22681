"""Builds under the Slurm at hand while workers and scheduler are killed at random; the tars must equal another build's.

    python tests/cluster/kill_at_random.py REFERENCE ROOT --kills 30 --manifest CSV [options of BuildShards]

REFERENCE is the root of a finished build with the same options, on one machine. A build that ends before all kills
came begins again from its surveys. Exit status 1 where a hash differs or a temporary file is left. Run it in the
repository's folder, on the machine that has the nodes: the processes to kill are known by their environment.
"""

import argparse
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

RECIPE = "cluster/slurm/build_shards.sbatch"
TARGETS = {"worker 1": ("1", "luigi"), "worker 2": ("2", "luigi"), "scheduler": ("0", "luigid")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference", type=Path)
    parser.add_argument("root", type=Path)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options, build = parser.parse_known_args()
    expected, draw = hashes(options.reference), random.Random(options.seed)
    kills: collections.Counter[str] = collections.Counter()
    builds = 0
    while kills.total() < options.kills:
        job = submit([*build, "--root", str(options.root)])
        while at_work(job):
            time.sleep(draw.uniform(2, 12))
            if kills.total() < options.kills:
                target = draw.choice(list(TARGETS))
                kills[target] += kill(job, *TARGETS[target])
        builds += 1
        same = hashes(options.root) == expected
        print(f"build {builds}: {'the same bytes' if same else 'OTHER BYTES'} after {dict(kills)}", flush=True)
        if not same:
            return 1
        for stage in ("pairs", "labels", "shards", "datasets") if kills.total() < options.kills else ():
            shutil.rmtree(options.root / stage)
    prune = ["luigi", "--module", "pipeline", "PruneVersions", "--leftover-age-s", "0", "--root", str(options.root)]
    subprocess.run(prune, check=True)
    left = list(options.root.rglob(".tmp-*"))
    print(f"left after PruneVersions: {left or 'nothing'}")
    return 1 if left else 0


def submit(words: list[str]) -> str:
    """Start the array of a scheduler and two workers; the number of the job."""
    command = ["sbatch", "--parsable", "--array", "0-2", "--cpus-per-task", "1", RECIPE, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def at_work(job: str) -> bool:
    """Whether any element of the job is."""
    return bool(subprocess.run(["squeue", "-h", "-j", job], capture_output=True, text=True, check=False).stdout.strip())


def kill(job: str, element: str, program: str) -> int:
    """Kill what runs a program in an element, with all its children; whether there was anything."""
    found = [pid for pid in Path("/proc").iterdir() if pid.name.isdigit() and runs(pid, job, element, program)]
    for pid in found:
        try:
            os.kill(int(pid.name), signal.SIGKILL)
        except ProcessLookupError:
            continue
    return int(bool(found))


def runs(process: Path, job: str, element: str, program: str) -> bool:
    """Whether a process is that program in that element of the job."""
    try:
        environment = (process / "environ").read_bytes().split(b"\0")
        words = (process / "cmdline").read_bytes().decode().split("\0")
    except OSError:
        return False
    ours = {f"SLURM_ARRAY_JOB_ID={job}".encode(), f"SLURM_ARRAY_TASK_ID={element}".encode()} <= set(environment)
    return ours and any(Path(word).name == program for word in words[:3])


def hashes(root: Path) -> dict[str, str]:
    """The sha256 of each tar of the finished dataset under a root."""
    (pointer,) = (root / "datasets").glob("*.json")
    record = json.loads((root / "shards" / json.loads(pointer.read_text())["shards"] / "dataset.json").read_text())
    return {shard["shard"]: shard["sha256"] for shard in record["shards"]}


if __name__ == "__main__":
    sys.exit(main())
