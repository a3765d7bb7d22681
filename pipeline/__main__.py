"""Look at builds and datasets: ``python -m pipeline status ROOT``, ``inspect DATASET``, ``lint DATASET``,
``diff OLD NEW``, ``browse DATASET``.
"""

import argparse
import sys
from pathlib import Path
from typing import TextIO

import cv2

from pipeline import browser, inspection, status_text, storage, version_diff
from pipeline.dataset import open_dataset
from pipeline.errors import UserError
from pipeline.lint import lint
from pipeline.outcome import printable
from pipeline.source import redacted
from pipeline.status import status


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (UserError, OSError) as error:
        for line in f"{type(error).__name__}: {error}".splitlines():
            say(line, sys.stderr)
        return 2


def say(line: str, to: TextIO | None = None) -> None:
    """Print a line that may hold what strangers wrote: no control characters, and no secrets of URLs."""
    print(printable(redacted(line), 10_000), file=to)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline", description=__doc__, epilog="Build one with: luigi --module pipeline BuildShards"
    )
    commands = parser.add_subparsers(required=True)
    place = {"metavar": "DATASET", "help": "root of a build, or a folder with dataset.json (path or URL)"}
    show = commands.add_parser("inspect", help="statistics, and a contact sheet of labels as a PNG")
    show.add_argument("dataset", **place)  # type: ignore[arg-type]
    show.add_argument("--sheet", type=Path, default=Path("contact_sheet.png"), help="where the picture goes")
    show.add_argument("--samples", type=int, default=24, help="samples on the sheet, drawn evenly over the videos")
    show.add_argument("--seed", type=int, default=0, help="seed of the draw")
    show.set_defaults(command=_inspect)
    check = commands.add_parser("lint", help="check every shard and sample; exit status 1 where something is wrong")
    check.add_argument("dataset", **place)  # type: ignore[arg-type]
    check.set_defaults(command=_lint)
    changes = commands.add_parser("diff", help="what changed from one version of a dataset to another")
    changes.add_argument("old", **(place | {"metavar": "OLD"}))  # type: ignore[arg-type]
    changes.add_argument("new", **(place | {"metavar": "NEW"}))  # type: ignore[arg-type]
    changes.add_argument("--samples", type=int, default=2000, help="samples to compare, by a seeded draw; 0 = all")
    changes.add_argument("--seed", type=int, default=0, help="seed of the draw")
    changes.add_argument("--sheet", type=Path, metavar="PNG", help="also a picture of the most different samples")
    changes.add_argument("--worst", type=int, default=12, help="samples on the picture")
    changes.set_defaults(command=_diff)
    browser.add_command(commands, place)
    progress = commands.add_parser("status", help="how far a build is: counts, pace, time left, failures; reads only")
    progress.add_argument("root", metavar="ROOT", help="the --root that BuildShards was given (path or URL)")
    progress.add_argument("--build", default="", help="id of a build under builds/; the last recorded by default")
    progress.add_argument(
        "--prometheus", type=Path, metavar="FILE", help="also write the figures for a textfile collector"
    )
    progress.set_defaults(command=_status)
    return parser


def _status(options: argparse.Namespace) -> int:
    found = status(options.root, options.build)
    for line in status_text.lines(found):
        say(line)
    if options.prometheus:
        status_text.write_prometheus(found, options.prometheus)
    return 0


def _diff(options: argparse.Namespace) -> int:
    found = version_diff.compare(open_dataset(options.old), open_dataset(options.new), options.samples, options.seed)
    for line in version_diff.lines(found):
        say(line)
    if options.sheet:
        _, picture = cv2.imencode(".png", version_diff.sheet(found, options.worst))
        storage.write_bytes(str(options.sheet.absolute()), picture.tobytes())
        print(f"most different samples: {options.sheet}")
    return 0


def _inspect(options: argparse.Namespace) -> int:
    dataset = open_dataset(options.dataset)
    for line in inspection.statistics(dataset):
        say(line)
    _, picture = cv2.imencode(".png", inspection.contact_sheet(dataset, max(1, options.samples), options.seed))
    storage.write_bytes(str(options.sheet.absolute()), picture.tobytes())
    print(f"contact sheet: {options.sheet}")
    return 0


def _lint(options: argparse.Namespace) -> int:
    problems = 0
    for problem in lint(open_dataset(options.dataset)):
        problems += 1
        say(problem)
    print("no problems" if not problems else f"{problems} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
