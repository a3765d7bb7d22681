"""What two workers gain, what Luigi and storage cost, whether memory grows: ``python -m benchmarks.scaling``.

Simulated drives are rendered, surveyed and selected once, which is not measured. Then, on the same pairs:

memory: one process labels chunk after chunk until --memory-pairs are done; its resident memory after each. The spread
    is (largest - smallest) / median, without the first fifth, in which caches fill.
loop: processor seconds of labelling all chunks in a warm process without Luigi, storage or shards.
workers N: the labelling tasks, then plan and shards, run by Luigi with N workers in a clean process. The speed-up is by
    the clock, so let nothing else run beside it; the overhead is processor time of labels and shards over that of the
    loop, with one worker: Luigi, storage, shards, and kernels that each task loads for itself.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import luigi
from rich.console import Console
from rich.progress import track

from benchmarks import figures
from benchmarks.central import resident_mb
from pipeline import select_pairs
from pipeline.build import Build, open_root
from pipeline.errors import UserError
from pipeline.fetch_video import FetchVideo
from pipeline.label_chunk import label_chunk
from pipeline.manifest import Video
from pipeline.parameters import BuildParameters, ChunkParameters, DecodingParameters
from pipeline.select_pairs import SelectPairs
from pipeline.survey_video import SurveyVideo

ROOT = Path(__file__).parent.parent
SIMULATED = "simulated:street?seed={}&frames={}&width={}&height={}"
_WARM_UP = 0.2  # share of the chunks after which memory is compared
Piece = tuple[Video, Any]  # a chunk's pairs


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        figures.require_folder(options.json, "--json")
        if min(options.videos, options.parts, options.chunk, *options.workers) < 1:
            raise ValueError("--videos, --parts, --chunk and --workers need 1 or more")
        with tempfile.TemporaryDirectory(prefix="scaling-") as root:
            result = measure(_prepare(root, options), options)
    except (ValueError, UserError, RuntimeError) as error:
        print(f"benchmarks.scaling: {error}", file=sys.stderr)
        return 2
    print(_table(result))
    figures.write(options.json, [result])
    return 0


def measure(build: Build, options: argparse.Namespace) -> dict[str, Any]:
    """All figures over a build whose pairs are selected. Raises ``UserError`` where there are none."""
    cv2.setNumThreads(1)
    pieces = list(_pieces(build))
    if not pieces:
        raise UserError("the drives gave no pair; give more --frames")
    pairs = sum(len(chunk) for _, chunk in pieces)
    result: dict[str, Any] = {"pairs": pairs, "size": [options.width, options.width * 9 // 16]}
    result["memory_mib"] = memory = _memory(build, pieces, options.memory_pairs)
    settled = memory[int(_WARM_UP * len(memory)) :]
    result["memory_spread"] = round((max(settled) - min(settled)) / statistics.median(settled), 4)
    if options.memory_only:
        return result
    loop = _loop(build, pieces)
    result |= {"loop_core_s": round(loop, 2), "runs": {}}
    for workers in options.workers:
        result["runs"][str(workers)] = _run(build, workers, options.parts)
    runs = result["runs"]
    if "1" in runs:
        spent = runs["1"]["labels_core_s"] + runs["1"]["shards_core_s"]
        result["overhead"] = round(spent / loop - 1, 4)
        result["speed_up"] = {
            workers: round(runs["1"]["labels_clock_s"] / run["labels_clock_s"], 3) for workers, run in runs.items()
        }
    return result


# -- the steps ---------------------------------------------------------------------------------------------------------


def _prepare(root: str, options: argparse.Namespace) -> Build:
    """A recorded build with its videos rendered, surveyed and selected."""
    height = options.width * 9 // 16
    rows = tuple(
        Video(f"drive-{seed}", SIMULATED.format(seed, options.frames, options.width, height), split="train")
        for seed in range(1, options.videos + 1)
    )
    parameters = BuildParameters(decoding=DecodingParameters(options.width), chunk=ChunkParameters(options.chunk))
    build = Build(root, "scaling", "-", rows, parameters)
    open_root(root)
    build.save()
    for video in _tracked(rows, "preparing"):
        task: type[luigi.Task]
        for task in (FetchVideo, SurveyVideo, SelectPairs):
            task(root=root, build_id=build.build_id, video_id=video.video_id).run()
    return build


def _pieces(build: Build) -> Iterator[Piece]:
    size = build.parameters.chunk.pairs
    for video in build.videos:
        selected = select_pairs.read_selected(build, video)
        yield from ((video, selected.slice(start, size)) for start in range(0, len(selected), size))


def _memory(build: Build, pieces: list[Piece], most: int) -> list[float]:
    """MiB after each chunk, the chunks taken again and again until so many pairs are labelled; all at least once."""
    found: list[float] = []
    rounds = max(1, -(-most // sum(len(chunk) for _, chunk in pieces)))
    for video, chunk in _tracked(pieces * rounds, "memory"):
        label_chunk(build, video, chunk)
        found.append(round(resident_mb(os.getpid()), 1))
    return found


def _loop(build: Build, pieces: list[Piece]) -> float:
    began = time.process_time()
    for video, chunk in _tracked(pieces, "loop"):
        label_chunk(build, video, chunk)
    return time.process_time() - began


def _run(build: Build, workers: int, parts: int) -> dict[str, float]:
    for stage in ("labels", "shards"):
        shutil.rmtree(Path(build.root) / stage, ignore_errors=True)
    words = [sys.executable, "-m", "benchmarks.labelling_run", build.root, build.build_id, str(workers), str(parts)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the run with {workers} workers failed: {done.stderr[-500:]}")
    seconds: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {name: round(value, 2) for name, value in seconds.items()}


def _tracked(things: Any, name: str) -> Any:
    console = Console(stderr=True)
    return track(things, name, console=console, transient=True, disable=not console.is_terminal)


# -- what is printed ---------------------------------------------------------------------------------------------------


def _table(result: dict[str, Any]) -> str:
    memory = result["memory_mib"]
    width, height = result["size"]
    lines = [
        f"{result['pairs']} pairs of {width}x{height}",
        f"memory MiB: first chunk {memory[0]:g}, last {memory[-1]:g}, largest {max(memory):g}, "
        f"spread {100 * result['memory_spread']:.1f} % over {len(memory)} chunks",
    ]
    if "loop_core_s" in result:
        lines.append(f"loop: {result['loop_core_s']:g} s of a core")
        for workers, run in result["runs"].items():
            lines.append(f"workers {workers}: " + ", ".join(f"{name} {value:g}" for name, value in run.items()))
    if "overhead" in result:
        gained = ", ".join(f"{workers} workers {gain:g}" for workers, gain in result["speed_up"].items())
        lines.append(f"overhead {100 * result['overhead']:.1f} %; speed-up: {gained}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = figures.parser("scaling", __doc__)
    parser.add_argument("--videos", type=int, default=8, help="simulated drives (%(default)s)")
    parser.add_argument("--frames", type=int, default=150, help="of each (%(default)s)")
    parser.add_argument("--width", type=int, default=640, help="in pixels, of 16:9 (%(default)s)")
    parser.add_argument("--chunk", type=int, default=128, metavar="PAIRS", help="pairs of a chunk (%(default)s)")
    parser.add_argument("--parts", type=int, default=1, metavar="N", help="labelling tasks of a drive (%(default)s)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], metavar="N", help="(%(default)s)")
    parser.add_argument("--memory-pairs", type=int, default=3000, metavar="N", help="labelled for it (%(default)s)")
    parser.add_argument("--memory-only", action="store_true", help="measure the memory alone, which bears company")
    return parser


if __name__ == "__main__":
    sys.exit(main())
