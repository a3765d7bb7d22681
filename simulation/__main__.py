"""Render a drive through a simulated street: ``python -m simulation render OUT --frames 300 --seed 1``."""

import argparse
import ast
import inspect
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from simulation.ground_truth import write_ground_truth
from simulation.parameters import BONNETS, RANGES, DriveParameters, kind_of, parse_value
from simulation.video import write_video

EVERY_S = 10.0
"""Seconds between two lines of progress where there is no terminal."""
EXAMPLES = """\
examples:
  python -m simulation render drive.mp4 --frames 300 --seed 1
      ten seconds of street as an H.264 video, the same bytes each time
  python -m simulation render drive.mp4 --seed 7 --stops 1 --cuts 2 --bonnet glossy --crf 28
      what real recordings are like: a stop, two cuts, the car's own bonnet in view, strong compression
  python -m simulation render drive --frames 60 --ground-truth
      a folder with images, depth, flow, camera motion, masks, classes and boxes; its README.md explains each file

In a manifest the same drives are sources: simulated:street?seed=7&stops=1&cuts=2&bonnet=glossy&crf=28
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = parser().parse_args(arguments)
    out: Path = options.out
    try:
        parameters = parameters_of(options)
        check_out(out, options.ground_truth)
        write = write_ground_truth if options.ground_truth else write_video
        with shown_progress(parameters.frames) as progress:
            write(out, parameters, progress)
    except ValueError as error:
        print(f"python -m simulation: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("python -m simulation: interrupted, nothing written", file=sys.stderr)
        return 130
    kind = "ground truth, see README.md there" if options.ground_truth else "H.264"
    size = f"{parameters.width}x{parameters.height}"
    print(f"{out}: {parameters.frames} frames of {size}, {parameters.fps:g} a second, {kind}")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line: every field of ``DriveParameters`` is an option."""
    top = argparse.ArgumentParser(prog="python -m simulation", description=__doc__.replace("``", ""))
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    render = commands.add_parser(
        "render",
        help="render a drive into a video, or with --ground-truth into a folder",
        description="Render a drive through a simulated street. Equal options give equal bytes.",
        usage="python -m simulation render OUT [--ground-truth] [--frames N] [--seed N] [--OPTION VALUE ...]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXAMPLES,
    )
    render.add_argument("out", type=Path, metavar="OUT", help="the video (.mp4), or with --ground-truth the folder")
    render.add_argument(
        "--ground-truth",
        action="store_true",
        help="write a folder in the layout of KITTI's odometry sequences instead, with depth, flow, camera motion, "
        "mask of moving things, classes and boxes",
    )
    drive = render.add_argument_group("the drive")
    texts = documentation()
    for field in fields(DriveParameters):
        name, text = "--" + field.name.replace("_", "-"), texts[field.name].rstrip(".").replace("%", "%%")
        if kind_of(field) is bool:
            drive.add_argument(name, dest=field.name, action="store_const", const="true", help=text)
            continue
        default = "" if field.default is None else f"; default {field.default}"
        low, high = RANGES.get(field.name, (None, None))
        values = "|".join(BONNETS) if low is None else ("N" if kind_of(field) is int else "X")
        limits = "" if low is None else f"; {low:g} to {high:.10g}"
        drive.add_argument(name, dest=field.name, metavar=values, help=f"{text} ({(limits + default)[2:]})")
    return top


def documentation() -> dict[str, str]:
    """What the docstring under each field of ``DriveParameters`` says."""
    (definition,) = ast.parse(inspect.getsource(DriveParameters)).body
    assert isinstance(definition, ast.ClassDef)
    texts = {}
    for statement, following in pairwise(definition.body):
        if isinstance(statement, ast.AnnAssign) and isinstance(following, ast.Expr):
            assert isinstance(statement.target, ast.Name)
            texts[statement.target.id] = inspect.cleandoc(str(ast.literal_eval(following.value)))
    return texts


def parameters_of(options: argparse.Namespace) -> DriveParameters:
    """The drive that the options describe. Raises ``ValueError`` naming the option that is wrong."""
    given = {field.name: getattr(options, field.name) for field in fields(DriveParameters)}
    values = {name: parse_value(name, text) for name, text in given.items() if text is not None}
    return DriveParameters(**values)  # type: ignore[arg-type]


def check_out(out: Path, ground_truth: bool) -> None:
    """Raise ``ValueError`` where the output would replace something or has the name of something else."""
    if out.exists():
        raise ValueError(f"{out} exists; name another output, or remove it first")
    if ground_truth and out.suffix == ".mp4":
        raise ValueError(f"{out} is the name of a video, but --ground-truth writes a folder; leave out the .mp4")
    if not ground_truth and out.suffix != ".mp4":
        raise ValueError(f"{out} does not end in .mp4, which a video must; for a folder add --ground-truth")


@contextmanager
def shown_progress(frames: int) -> Iterator[Callable[[int], None]]:
    """Gives what is called with the number of frames done: a bar on a terminal, a line now and then elsewhere."""
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (TextColumn("rendering"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("rendering", total=frames)
            yield lambda done: bar.update(task, completed=done)
        return
    began = spoken = 0.0

    def speak(done: int) -> None:
        nonlocal began, spoken
        now = time.monotonic()
        if done == 1:
            # the frame before may have waited for numba to compile
            began = spoken = now
        elif now - spoken >= EVERY_S:
            spoken = now
            speed = (done - 1) / (now - began)
            print(f"{done} of {frames} frames, {speed:.1f} a second", file=sys.stderr, flush=True)

    yield speak


if __name__ == "__main__":
    sys.exit(main())
