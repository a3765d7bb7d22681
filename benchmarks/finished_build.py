"""How long it takes to see that a build is finished: ``python -m benchmarks.finished_build --videos 10000 --parts 2``.

All files of a finished build of so many videos are laid out, tiny but under their true names, in a folder that goes
afterwards; then every task of it is asked whether it is complete, as Luigi does before it runs any. Columns: tasks;
seconds of processor time and by the clock; listings of folders that served all of them; files below the root.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from unittest import mock

import luigi
from rich.console import Console
from rich.progress import track

from benchmarks import figures
from pipeline import fetch_video, label_pairs, plan_shards, select_pairs, storage, survey_video
from pipeline.build import Build
from pipeline.manifest import Video
from pipeline.parameters import BuildParameters
from pipeline.storage import FsspecTarget
from pipeline.write_shard import WriteShard


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        figures.require_folder(options.json, "--json")
        if options.videos < 1 or options.parts < 1:
            raise ValueError("--videos and --parts need 1 or more")
        if options.root and any(Path(options.root).glob("*")):
            raise ValueError(f"--root {options.root} has something in it; name a new or an empty folder")
    except ValueError as error:
        print(f"benchmarks.finished_build: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="finished-", dir=options.root) as root:
        build = lay_out(root, options.videos, options.parts)
        result = measure(build, options.parts)
    print("  ".join(f"{name:>10s}" for name in result))
    print("  ".join(f"{value:>10g}" for value in result.values()))
    figures.write(options.json, [result])
    return 0


def lay_out(root: str, videos: int, parts: int) -> Build:
    """A recorded build of ``videos`` videos with a chunk for each of ``parts`` parts, every file in its place."""
    rows = tuple(Video(f"street-{number:07d}", f"/videos/street-{number:07d}.mp4") for number in range(videos))
    build = Build(root, "streets", "streets.csv", rows, BuildParameters())
    build.save()
    console = Console(stderr=True)
    for video in track(rows, "laying out", console=console, transient=True, disable=not console.is_terminal):
        for target in _outputs(build, video, parts):
            _touch(target.url)
            if target.url.startswith(build.labels_folder(video)):
                _touch(target.url.removesuffix("parquet") + "tar")
    _touch(plan_shards.plan_target(build).url)
    for task in _shards(build, parts):
        _touch(task.output().url)
    storage.forget_all()
    return build


def _outputs(build: Build, video: Video, parts: int) -> Iterable[FsspecTarget]:
    yield fetch_video.record(build, video)
    yield survey_video.frames_target(build, video)
    yield survey_video.fixed_target(build, video)
    yield survey_video.camera_target(build, video)
    yield select_pairs.pairs_target(build, video)
    for chunk in range(parts):
        yield label_pairs.chunk_target(build, video, f"{chunk:05d}-of-{parts:05d}")


def _touch(url: str) -> None:
    Path(url).parent.mkdir(parents=True, exist_ok=True)
    Path(url).write_bytes(b" ")


def _shards(build: Build, parts: int) -> list[WriteShard]:
    return [WriteShard(root=build.root, build_id=build.build_id, part=part, parts=parts) for part in range(parts)]


def measure(build: Build, parts: int) -> dict[str, float]:
    """Ask every task of a laid-out build. Raises ``AssertionError`` where one of them is not complete."""
    tasks = list(_all(_shards(build, parts)))
    storage.forget_all()
    with mock.patch.object(storage, "_walk", side_effect=storage._walk) as listings:
        processor, clock = time.process_time(), time.perf_counter()
        missing = [task for task in tasks if not task.complete()]
        processor, clock = time.process_time() - processor, time.perf_counter() - clock
    assert not missing, missing[:3]
    return {
        "tasks": len(tasks),
        "core_s": round(processor, 2),
        "clock_s": round(clock, 2),
        "listings": listings.call_count,
        "files": len(storage.stored(build.root)),
    }


def _all(roots: list[WriteShard]) -> Iterable[luigi.Task]:
    """The tasks and, once each, all that they require."""
    waiting: list[luigi.Task] = list(roots)
    seen = {task.task_id for task in waiting}
    while waiting:
        task = waiting.pop()
        yield task
        for needed in luigi.task.flatten(task.requires()):
            if needed.task_id not in seen:
                seen.add(needed.task_id)
                waiting.append(needed)


def _parser() -> argparse.ArgumentParser:
    parser = figures.parser("finished_build", __doc__)
    parser.add_argument("--videos", type=int, default=10_000, metavar="N", help="videos (%(default)s)")
    parser.add_argument("--parts", type=int, default=2, metavar="N", help="labelling tasks a video (%(default)s)")
    parser.add_argument("--root", metavar="FOLDER", help="an existing folder to lay it out in (the system's temporary)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
