"""Labels and shards of a prepared build by a number of workers, in a clean process: a part of ``benchmarks.scaling``.

``python -m benchmarks.labelling_run ROOT BUILD_ID WORKERS PARTS`` prints a JSON object with the seconds by the clock
and of processor time of both steps, those of the tasks' own processes included; importing is not counted, loading is.
"""

import argparse
import json
import multiprocessing
import resource
import time

import luigi
from luigi.worker import TaskProcess

from pipeline import build as builds
from pipeline import compilation
from pipeline.label_pairs import LabelPairs
from pipeline.write_shard import WriteShard


def run(root: str, build_id: str, workers: int, parts: int) -> dict[str, float]:
    """Label, then write shards, as ``luigi --workers`` does. Raises ``RuntimeError`` where a task failed."""
    named = {"root": root, "build_id": build_id, "parts": parts}
    build = builds.load(root, build_id)
    videos = [video.video_id for video in build.videos]
    labels = [LabelPairs(**named, video_id=video, part=part) for video in videos for part in range(parts)]
    shards = [WriteShard(**named, part=part) for part in range(parts)]
    seconds: dict[str, float] = {}
    for name, tasks in (("labels", labels), ("shards", shards)):
        clock, core = time.perf_counter(), _core_s()
        compilation.compile_ahead(build.parameters.label)
        if not luigi.build(tasks, workers=workers, local_scheduler=True, log_level="WARNING"):
            raise RuntimeError(f"{name} failed with {workers} workers under {root}")
        seconds |= {f"{name}_clock_s": time.perf_counter() - clock, f"{name}_core_s": _core_s() - core}
    return seconds


def _core_s() -> float:
    """Processor time of this process and of all that it started, which have ended or are about to."""
    for child in multiprocessing.active_children():  # only what has been waited for counts
        if isinstance(child, TaskProcess):  # and not a server of Luigi's, which goes on
            child.join(timeout=60)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.labelling_run", description=__doc__.replace("``", ""))
    parser.add_argument("root", metavar="ROOT", help="folder of a build whose pairs are selected")
    parser.add_argument("build_id", metavar="BUILD_ID", help="name of its record under ROOT/builds")
    parser.add_argument("workers", type=int, metavar="WORKERS", help="processes that label at a time")
    parser.add_argument("parts", type=int, metavar="PARTS", help="labelling tasks of a video")
    return parser


if __name__ == "__main__":
    print(json.dumps(run(**vars(_parser().parse_args()))))
