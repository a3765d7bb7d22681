"""Builds under the Slurm at hand while its parts are killed at random; the tars must equal another build's.

    python tests/cluster/kill_at_random.py REFERENCE ROOT --kills 30 --manifest CSV [options of BuildShards]

REFERENCE is the root of a finished build with the same options, on one machine. Killed are a worker, a node (its slurmd
and all that runs on it; slurmd is started again), the scheduler, and, with ``--store FOLDER``, an object store that is
started for it with its disk in FOLDER (killed whole, started again); ROOT is then a URL such as s3://streets/root.
After most kills the build is left alone until it has written something new, however slow the machine is, then for up
to ``PAUSE`` seconds; after some for that time only, which meets what is starting. What Slurm holds after many losses is
released, as an operator would. Builds follow one another until all kills came, each in ROOT made empty; with ``--after
STAGE`` each begins with what REFERENCE has of the stages up to that one, so that the kills meet what comes after it.
With ``--at TASK ...``, kinds of tasks in the order of the work, each kill draws one of them, comes within ``MOMENT``
seconds of the time when one of that kind or a later one is seen at work, and strikes its worker or its node, if any:
the writing of shards is over too soon to be met otherwise.
Told is at which tasks each kill came: those of the processes that it took along, and for a scheduler or a store those
that went on without it. Exit status 1 where a hash differs or a temporary file is left. Run it in the repository's
folder, as root on the machine that has the nodes: the processes to kill are known by their environment.
"""

import argparse
import collections
import contextlib
import datetime
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import object_store

from pipeline import running, storage

RECIPE = "cluster/slurm/build_shards.sbatch"
SLURMD = "/run/slurmd.{}.pid"
NODES = ("n1", "n2")
WORKERS = ("1", "2")
STAGES = ("videos", "survey", "pairs", "labels")
PAUSE = 12.0
"""Seconds between a kill, or what was written after it, and the next: as many as drawn, at most these."""
HASTY = 0.25
"""Share of the kills after which nothing is waited for."""
LONGEST_WAIT = 180.0
"""Seconds after which a kill comes though nothing new was written, or no task of the kind was at work."""
MOMENT = 1.5
"""Seconds between a kill and the sight of the task that it is to meet: as many as drawn, at most these."""
Part = Callable[[str, dict[str, str]], set[int]]
"""Kills something of a job, or what it needs; the processes that it killed. The environment is that of the task to be
met, empty where any will do."""
WITHOUT = ("scheduler", "store")
"""Parts that run no task themselves."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference")
    parser.add_argument("root")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--after", choices=STAGES)
    parser.add_argument("--at", nargs="+", metavar="TASK", default=[])
    options, build = parser.parse_known_args()
    with stored(options.store, options.root) as store:
        if storage.stored(options.root):
            parser.error(f"{options.root} holds something; give a root that may be emptied")
        draw = random.Random(options.seed)
        return harass(options, build, parts(store, draw), draw)


def harass(options: argparse.Namespace, build: list[str], targets: dict[str, Part], draw: random.Random) -> int:
    """Build until all kills came; the exit status."""
    expected = hashes(options.reference)
    kills: collections.Counter[tuple[str, str]] = collections.Counter()
    struck, builds, began = 0, 0, time.monotonic()
    while struck < options.kills:
        storage.remove(options.root)
        if options.after:
            copy_stages(options.reference, options.root, STAGES[: STAGES.index(options.after) + 1])
        job = submit([*build, "--root", options.root])
        while at_work(job):
            aim = await_moment(job, options.root, options.at, draw) if struck < options.kills else None
            if aim is not None:
                target = draw.choice(list(targets))
                tasks = strike(options.root, target, targets[target], job, aim)
                print(f"{time.monotonic() - began:.0f} s: {target}, {told(tasks)}", flush=True)
                if tasks is not None:
                    struck += 1
                    kills.update((target, task) for task in tasks or {"none"})
                    if not options.at and draw.random() >= HASTY:
                        wait_for_something_new(job, options.root)
            wait(job, draw.uniform(0.0, PAUSE))
        builds += 1
        same = hashes(options.root) == expected
        verdict = f"{'the same bytes' if same else 'OTHER BYTES'} in {len(expected)} tars"
        print(f"build {builds}: {verdict} after {struck} kills, {time.monotonic() - began:.0f} s", flush=True)
        if not same:
            return 1
    for (target, task), count in sorted(kills.items()):
        print(f"{target:<10} {task:<12} {count}")
    return left_over(options.root)


def strike(root: str, target: str, part: Part, job: str, aim: dict[str, str]) -> set[str] | None:
    """Kill a part; the kinds of tasks that its processes were at, None where there was nothing to kill."""
    marks = alive(root)
    killed = part(job, aim)
    if not killed:
        return None
    if target in WITHOUT:
        return {mark.task for mark in marks}
    return {mark.task for mark in marks if mark.process in killed}


def told(tasks: set[str] | None) -> str:
    """What a kill did, in words."""
    return "not there" if tasks is None else f"killed at {', '.join(sorted(tasks)) or 'no task'}"


def copy_stages(reference: str, root: str, stages: tuple[str, ...]) -> None:
    """Give a root what a finished build has of some stages."""
    for name in storage.stored(reference):
        if name.partition("/")[0] in stages and storage.TEMPORARY not in name:
            storage.write_bytes(storage.join(root, name), storage.read_bytes(storage.join(reference, name)))


def left_over(root: str) -> int:
    """Prune the root; 1 where an unfinished file is left in it, else 0."""
    prune = ["luigi", "--module", "pipeline", "PruneVersions", "--leftover-age-s", "0", "--root", root]
    subprocess.run(prune, check=True)
    left = [name for name in storage.stored(root) if storage.TEMPORARY in name]
    print(f"left after PruneVersions: {left or 'nothing'}")
    return 1 if left else 0


@contextlib.contextmanager
def stored(folder: Path | None, root: str) -> Iterator[object_store.ObjectStore | None]:
    """The object store of the root, known to all that is started from here; None where the root is a folder."""
    if folder is None:
        yield None
        return
    with object_store.running(folder) as store:
        os.environ.update(store.environment)
        fs, path = fsspec.url_to_fs(root)
        fs.mkdir(path.partition("/")[0])
        yield store


def parts(store: object_store.ObjectStore | None, draw: random.Random) -> dict[str, Part]:
    """What can be killed, by name."""
    found: dict[str, Part] = {
        "worker": lambda job, aim: kill_program(job, aim.get("SLURM_ARRAY_TASK_ID") or draw.choice(WORKERS), "luigi"),
        "scheduler": lambda job, _: kill_program(job, "0", "luigid"),
        "node": lambda _, aim: kill_node(aim.get("SLURMD_NODENAME") or draw.choice(NODES)),
    }
    return found | ({"store": lambda *_: restart(store)} if store else {})


def kill_node(node: str) -> set[int]:
    """Kill a node's slurmd and all that it runs, and start it again some seconds later."""
    daemon = int(Path(SLURMD.format(node)).read_text())
    os.kill(daemon, signal.SIGKILL)
    try:
        killed = kill(lambda pid: f"SLURMD_NODENAME={node}".encode() in environment(pid) or is_step(pid, node))
        time.sleep(5)
    finally:
        subprocess.run(["setsid", "slurmd", "-N", node], check=True)
    return {daemon} | killed


def is_step(process: Path, node: str) -> bool:
    """Whether a process is Slurm's own that watches over a step on the node; its children name the node."""
    try:
        listed = (process / "task" / process.name / "children").read_text().split()
        name = (process / "comm").read_text().strip()
    except OSError:
        return False
    named = (environment(Path("/proc") / child) for child in listed)
    return name == "slurmstepd" and any(f"SLURMD_NODENAME={node}".encode() in words for words in named)


def restart(store: object_store.ObjectStore) -> set[int]:
    """Kill the store and start it again some seconds later."""
    killed = {process.pid for process in store.processes}
    store.kill()
    time.sleep(3)
    store.start()
    return killed


def wait(job: str, seconds: float) -> None:
    """Let a time pass, and do meanwhile for the job what an operator would."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        release(job)
        hasten(job)
        time.sleep(min(2.0, max(0.0, deadline - time.monotonic())))


def wait_for_something_new(job: str, root: str) -> None:
    """Wait until the build has written something, or has ended."""
    before, deadline = written(root), time.monotonic() + LONGEST_WAIT
    while at_work(job) and written(root) <= before and time.monotonic() < deadline:
        wait(job, 2.0)


def await_moment(job: str, root: str, tasks: list[str], draw: random.Random) -> dict[str, str] | None:
    """Wait for a task that a kill is to meet; the environment of one, empty where there is none to wait for.

    None where the build has ended.
    """
    if not tasks:
        return {}
    wanted, deadline = tasks[draw.randrange(len(tasks)) :], time.monotonic() + LONGEST_WAIT
    while at_work(job):
        if time.monotonic() > deadline:
            return {}
        release(job)
        hasten(job)
        for _ in range(2):
            for mark in alive(root):
                if mark.task in wanted:
                    words = environment(Path(f"/proc/{mark.process}"))
                    time.sleep(draw.uniform(0.0, MOMENT))
                    told = (word.decode(errors="replace").partition("=") for word in words)
                    return {name: value for name, _, value in told}
            time.sleep(1.0)  # more often would keep an object store busy
    return None


def alive(root: str) -> list[running.Running]:
    """The tasks whose processes are there; a killed one leaves its mark."""
    return [mark for mark in running.running(root) if Path(f"/proc/{mark.process}").exists()]


def written(root: str) -> set[str]:
    """The files of a root but for the marks of tasks."""
    return {name for name in storage.stored(root) if not name.startswith("running/")}


def release(job: str) -> None:
    """Release what Slurm holds: an element that it lost more often than MaxBatchRequeue says, five times by itself."""
    command = ["squeue", "-h", "-r", "-t", "PD,RH", "-j", job, "-o", "%i %r"]
    for line in subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines():
        element, reason = line.split(maxsplit=1)
        if "hold" in reason.lower() or "held" in reason.lower():
            print(f"released {element}: {reason}", flush=True)
            subprocess.run(["scontrol", "release", element], check=False, capture_output=True)


def hasten(job: str) -> None:
    """Start soon what Slurm took back into its queue; by itself it lets two minutes pass.

    Not at once: a node refuses a job that it ended in the same seconds ("job credential revoked").
    """
    command = ["squeue", "-h", "-r", "-t", "PD", "-j", job, "-o", "%i %S"]
    for line in subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines():
        element, start = line.split()
        soon = datetime.datetime.now() + datetime.timedelta(seconds=15)
        if start != "N/A" and datetime.datetime.fromisoformat(start) > soon:
            change = ["scontrol", "update", f"JobId={element}", "StartTime=now+10seconds"]
            subprocess.run(change, check=False, capture_output=True)


def submit(words: list[str]) -> str:
    """Start the array of a scheduler and two workers; the number of the job."""
    command = ["sbatch", "--parsable", "--array", "0-2", "--cpus-per-task", "1", RECIPE, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def at_work(job: str) -> bool:
    """Whether any element of the job is."""
    return bool(subprocess.run(["squeue", "-h", "-j", job], capture_output=True, text=True, check=False).stdout.strip())


def kill(chosen: Callable[[Path], bool]) -> set[int]:
    """Kill the chosen among all processes, and say which."""
    found = {int(pid.name) for pid in Path("/proc").iterdir() if pid.name.isdigit() and chosen(pid)}
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found


def kill_program(job: str, element: str, program: str) -> set[int]:
    """Kill a program in an element of the job, and what it forked."""
    return kill(lambda pid: runs(pid, job, element, program))


def environment(process: Path) -> set[bytes]:
    """What a process was started with; nothing where it is gone."""
    try:
        return set((process / "environ").read_bytes().split(b"\0"))
    except OSError:
        return set()


def runs(process: Path, job: str, element: str, program: str) -> bool:
    """Whether a process is that program in that element of the job."""
    try:
        words = (process / "cmdline").read_bytes().decode().split("\0")
    except OSError:
        return False
    ours = {f"SLURM_ARRAY_JOB_ID={job}".encode(), f"SLURM_ARRAY_TASK_ID={element}".encode()} <= environment(process)
    return ours and any(Path(word).name == program for word in words[:3])


def hashes(root: str) -> dict[str, str]:
    """The sha256 of each tar of the finished dataset under a root, of its bytes; they must be what its record says."""
    (pointer,) = storage.stored(storage.join(root, "datasets"))
    version = json.loads(storage.read_bytes(storage.join(root, "datasets", pointer)))["shards"]
    folder = storage.join(root, "shards", version)
    record = json.loads(storage.read_bytes(storage.join(folder, "dataset.json")))
    recorded = {shard["shard"]: shard["sha256"] for shard in record["shards"]}
    found = {name: hashlib.sha256(storage.read_bytes(storage.join(folder, name))).hexdigest() for name in recorded}
    if found != recorded:
        raise ValueError(f"{folder} does not hold the tars that its record tells of")
    return found


if __name__ == "__main__":
    sys.exit(main())
