"""What Luigi's central scheduler costs as builds grow: ``python -m benchmarks.scheduler --tasks 1000 10000 100000``.

For each size a new ``luigid``, in a process of its own on the loopback, is given all tasks of a build of made-up
videos, by the worker and over the wire as ``luigi --module pipeline BuildShards`` does it; nothing of the build exists.
Then work is asked for and reported as done a number of times, with all other tasks waiting. Columns:

tasks: as the scheduler has them; a video has a fetch, a survey, a selection and four parts of labels.
schedule s: until all are scheduled, by the clock. Every worker that takes part schedules the whole build.
luigid ms, worker ms: processor time of each a task scheduled.
add_task ms: median of the answers by the clock, and of the last tenth of them.
get_work ms: median and longest answer. A worker gives up after 10 s (rpc-connect-timeout), so that is where it ends.
luigid MiB: resident memory afterwards; state MiB: the file that it writes when stopped, as before a restart.
worker MiB: what the memory of the process that scheduled them grew by.
tasks/s: how many tasks one scheduler can hand out in a second, by its processor time for get_work and add_task(DONE).
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import luigi
from luigi.worker import Worker
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks import figures
from benchmarks.central import Central, TimedScheduler, central, resident_mb
from pipeline.build import Build
from pipeline.manifest import Video
from pipeline.parameters import BuildParameters
from pipeline.write_shard import WriteShard

PARTS = 4
TASKS_OF_A_VIDEO = 3 + PARTS
LEAST_TASKS = 100

COLUMNS = (
    "tasks",
    "schedule_s",
    "luigid_ms",
    "worker_ms",
    "add_task_ms",
    "add_task_last_ms",
    "get_work_ms",
    "get_work_longest_ms",
    "luigid_mib",
    "state_mib",
    "worker_mib",
    "tasks_per_s",
)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        figures.require_folder(options.json, "--json")
        if min(options.tasks) < LEAST_TASKS or options.asked < 1:
            raise ValueError(f"--tasks needs {LEAST_TASKS} or more, --asked 1 or more")
        results = [_with_bar(tasks, options.asked) for tasks in options.tasks]
    except (ValueError, RuntimeError) as error:
        print(f"benchmarks.scheduler: {error}", file=sys.stderr)
        return 2
    print(_table(results))
    figures.write(options.json, results)
    return 0


def _with_bar(tasks: int, asked: int) -> dict[str, float]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bars = {
            "add_task": progress.add_task("schedule", total=tasks),
            "get_work": progress.add_task("ask", total=asked),
        }
        return measure(tasks, asked, lambda name: progress.advance(bars[name]) if name in bars else None)


def measure(tasks: int, asked: int, seen: Callable[[str], object] = lambda _: None) -> dict[str, float]:
    """The columns for a build of about ``tasks`` tasks; ``seen`` is told the name of each request answered."""
    with tempfile.TemporaryDirectory(prefix="scheduler-") as root, central() as service:
        shards = _shards(root, max(1, tasks // TASKS_OF_A_VIDEO))
        scheduler = TimedScheduler(service.url, seen)
        figures_of_size = _schedule(shards, scheduler, service)
        figures_of_size |= _hand_out(scheduler, service, asked)
        scheduler.close()
        return {**figures_of_size, "luigid_mib": round(service.memory_mb(), 1), "state_mib": round(service.stop(), 1)}


class Shards(luigi.WrapperTask):
    """All shards of a build, as BuildShards asks for them but without its kernels and its funnel."""

    root = luigi.Parameter()
    build_id = luigi.Parameter()

    def requires(self) -> list[WriteShard]:
        """The parts of the shards."""
        named = {"root": self.root, "build_id": self.build_id}
        return [WriteShard(**named, part=part, parts=PARTS) for part in range(PARTS)]


def _shards(root: str, videos: int) -> Shards:
    """All that a recorded build of videos that do not exist asks for."""
    rows = tuple(Video(f"street-{number:07d}", f"/videos/street-{number:07d}.mp4") for number in range(videos))
    build = Build(root, "streets", "streets.csv", rows, BuildParameters())
    build.save()
    return Shards(root=root, build_id=build.build_id)


WORKER = "benchmark"


def _schedule(shards: Shards, scheduler: TimedScheduler, service: Central) -> dict[str, float]:
    worker = Worker(scheduler=scheduler, worker_id=WORKER)
    memory, began = resident_mb(os.getpid()), time.perf_counter()
    own, served = time.process_time(), service.processor_s()
    if not worker.add(shards):  # at once: a worker walks through all again for each task that it is given
        raise RuntimeError(f"{shards} could not be scheduled")
    tasks = len(worker._scheduled_tasks)
    answers = scheduler.answers.pop("add_task")
    return {
        "tasks": tasks,
        "schedule_s": round(time.perf_counter() - began, 2),
        "luigid_ms": round(1000 * (service.processor_s() - served) / tasks, 3),
        "worker_ms": round(1000 * (time.process_time() - own) / tasks, 3),
        "add_task_ms": _ms(statistics.median(answers)),
        "add_task_last_ms": _ms(statistics.median(answers[-len(answers) // 10 :])),
        "worker_mib": round(resident_mb(os.getpid()) - memory, 1),
    }


def _hand_out(scheduler: TimedScheduler, service: Central, asked: int) -> dict[str, float]:
    """Take work and report it as done, as a worker does, while all else waits."""
    served = service.processor_s()
    for _ in range(asked):
        given: dict[str, Any] = scheduler.get_work(worker=WORKER, host="localhost", assistant=False, current_tasks=[])
        if given["task_id"] is None:
            raise RuntimeError("the scheduler had no work left; ask for fewer tasks with --asked")
        scheduler.add_task(worker=WORKER, task_id=given["task_id"], status="DONE")
    answers = scheduler.answers["get_work"]
    return {
        "get_work_ms": _ms(statistics.median(answers)),
        "get_work_longest_ms": _ms(max(answers)),
        "tasks_per_s": round(asked / max(service.processor_s() - served, 0.01), 2),  # its clock ticks in hundredths
    }


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 2)


# -- what is printed ---------------------------------------------------------------------------------------------------


def _table(results: list[dict[str, float]]) -> str:
    lines = ["  ".join(f"{name:>{max(9, len(name))}s}" for name in COLUMNS)]
    lines += ["  ".join(f"{row[name]:>{max(9, len(name))}g}" for name in COLUMNS) for row in results]
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = figures.parser("scheduler", __doc__)
    sizes = [1000, 10_000, 100_000]
    parser.add_argument("--tasks", type=int, nargs="+", default=sizes, metavar="N", help="sizes (%(default)s)")
    parser.add_argument("--asked", type=int, default=30, metavar="N", help="times work is asked for (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
