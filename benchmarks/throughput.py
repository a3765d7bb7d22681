"""From a video file to tars: ``python -m benchmarks.throughput VIDEO --json F``.

Pairs a second of one core, by processor time, and the share of each stage. All tasks of a build run one after the other
in this process, with the parameters of ``luigi --module pipeline BuildShards``, in a folder that goes afterwards;
before that the first seconds of the video are built once, so that what they need is loaded and compiled. Without VIDEO
a drive is simulated, and its rendering not counted. A stage named after another and itself, such as ``labels: sky``, is
a part of it; the other's own row is the rest.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2

from benchmarks import figures
from benchmarks.stopwatch import Stopwatch
from labels import census_flow, fixed_regions, movers, pair, second_look, seeds, still_scene
from labels.survey import Survey
from pipeline import describe, png, report_page, sample, storage, survey_video
from pipeline.build import Build, open_root
from pipeline.errors import UserError
from pipeline.fetch_video import FetchVideo
from pipeline.funnel import Funnel
from pipeline.label_pairs import LabelPairs
from pipeline.manifest import Video
from pipeline.parameters import BuildParameters, DecodingParameters
from pipeline.plan_shards import PlanShards
from pipeline.select_pairs import SelectPairs
from pipeline.survey_video import SurveyVideo
from pipeline.video_file import VideoFile
from pipeline.write_shard import WriteShard

WARMING_S = 4.0
SIMULATED = "simulated:street?seed=1&frames={}&width=640&height=360"

INSIDE: dict[str, list[tuple[Any, str]]] = {
    "decoding": [(VideoFile, "frames")],
    "scaling to the working size": [(VideoFile, "_image")],
    "statistics of frames": [(Survey, "add"), (Survey, "table")],
    "quick flow (DIS)": [(second_look, "flow")],
    "fixed regions": [(fixed_regions, "bonnet"), (fixed_regions, "marks"), (fixed_regions.Accumulator, "add")],
    "focal length": [(second_look, "estimate"), (second_look, "observe")],
    "flow: pyramids and census": [(census_flow.Pair, "of")],
    "flow: matching": [(seeds.matching, "match")],
    "flow: subpixels": [(seeds.subpixel, "refine_matches")],
    "flow: edges": [(seeds.edge_filter, "decays")],
    "flow: motion of the camera": [(still_scene, "camera"), (still_scene, "measured_anew")],
    "flow: second search": [(still_scene.rematching, "rematch")],
    "flow: planes": [(still_scene, "still_flow")],
    "flow: movers": [(movers, "find"), (movers, "draw")],
    "flow: refinement": [(census_flow, "refine")],
    "flow: texture and support": [(pair, "flow")],
    "motion of the camera": [(pair, "fit"), (second_look, "fit"), (pair, "_turns")],
    "moving things": [(pair, "segment")],
    "depth": [(pair, "inverse_depth")],
    "depth of the pair before": [(pair, "_fused")],
    "sky": [(pair, "sky")],
    "dense depth": [(pair, "complete")],
    "percentiles": [(pair, "percentile"), (pair, "upside_down")],
    "JPEG": [(sample, "_jpeg")],
    "PNG": [(png, "encode")],
    "files": [(storage, "write_bytes"), (storage, "read_bytes"), (storage, "_walk")],
}
"""What the stages are told by: functions of ours by the name of what they do."""


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        figures.require_folder(options.json, "--json")
        if options.video is not None and not options.video.is_file():
            raise ValueError(f"{options.video} is no video file; name one, or none for a simulated drive")
        result = measure(options)
    except (ValueError, UserError) as error:
        print(f"benchmarks.throughput: {error}", file=sys.stderr)
        return 2
    print(_table(result))
    figures.write(options.json, [result])
    return 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Pairs, labels, size and seconds by stage of a whole build. Raises ``UserError`` where it makes no label."""
    cv2.setNumThreads(1)
    source = str(options.video.absolute()) if options.video else SIMULATED.format(options.frames)
    video = Video("video", source, split="train", end_s=options.seconds)
    parameters = BuildParameters(decoding=DecodingParameters(options.width))
    watch = Stopwatch()
    with tempfile.TemporaryDirectory(prefix="throughput-") as root:
        warm = Build(root, "warm", "-", (replace(video, end_s=WARMING_S),), parameters)
        build = Build(root, "video", "-", (video,), parameters)
        for step in _steps(warm).values():
            step()
        steps = _steps(build)
        if not options.video:
            del steps["fetching"]  # rendered by now
        with watch.on(INSIDE):
            for name, step in steps.items():
                with watch.stage(name):
                    step()
        funnel, camera = Funnel().update(build), survey_video.read_camera(build, video)
    if not funnel.labelled:
        raise UserError(f"{source} gives no label: {funnel.top_reasons()}; name a video of a drive")
    seconds = sum(watch.seconds.values())
    return {
        "size": [camera["width"], camera["height"]],
        "frames": funnel.candidates,
        "pairs": funnel.attempted,
        "labelled": funnel.labelled,
        "seconds": round(seconds, 2),
        "pairs_per_second_and_core": round(funnel.attempted / seconds, 2),
        "stages_s": {name: round(spent, 3) for name, spent in sorted(watch.seconds.items(), key=lambda item: -item[1])},
    }


def _steps(build: Build) -> dict[str, Callable[[], object]]:
    """The tasks of a build of one video, in order; the build is recorded."""
    open_root(build.root)
    build.save()
    named: dict[str, Any] = {"root": build.root, "build_id": build.build_id}
    of_video = named | {"video_id": build.videos[0].video_id}
    return {
        "fetching": FetchVideo(**of_video).run,
        "survey": SurveyVideo(**of_video).run,
        "selection": SelectPairs(**of_video).run,
        "labels": LabelPairs(**of_video, part=0, parts=1).run,
        "shards": lambda: _shards(named),
        "report and tables": lambda: _describe(build),
    }


def _shards(named: dict[str, Any]) -> None:
    PlanShards(**named, parts=1).run()
    WriteShard(**named, part=0, parts=1).run()


def _describe(build: Build) -> None:
    funnel = Funnel().update(build)
    report_page.write_report(build, funnel)
    describe.write_dataset(build, funnel)


# -- what is printed ---------------------------------------------------------------------------------------------------


def _table(result: dict[str, Any]) -> str:
    total, pairs = sum(result["stages_s"].values()), result["pairs"]
    width, height = result["size"]
    lines = [
        f"{result['frames']} frames of {width}x{height}, {pairs} pairs, {result['labelled']} labelled, "
        f"{result['seconds']} s of a core: {result['pairs_per_second_and_core']} pairs a second and core",
        f"{'stage':48s}  ms a pair  share %",
    ]
    for name, spent in result["stages_s"].items():
        lines.append(f"{name:48s} {1000 * spent / pairs:10.2f} {100 * spent / total:8.1f}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = figures.parser("throughput", __doc__)
    parser.add_argument("video", nargs="?", type=Path, metavar="VIDEO", help="a video file (a simulated drive)")
    parser.add_argument("--seconds", type=float, metavar="S", help="use only so much of the video")
    parser.add_argument("--frames", type=int, default=150, help="of the simulated drive (%(default)s)")
    parser.add_argument("--width", type=int, default=640, help="working width in pixels (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
