"""Scores of predictions as the benchmarks count them: ``python -m evaluation NAME --help`` for each.

Every command prints its protocols side by side, because figures under different protocols cannot be compared, and
writes them, with --json, for ``python -m evaluation tables``.
"""

import argparse
import sys
from pathlib import Path

from evaluation.commands import Command, depth, detection, projection, relative_depth, road, segmentation, tables
from evaluation.report import require_place, write_json

COMMANDS: dict[str, Command] = {
    "depth": depth,
    "detection": detection,
    "projection": projection,
    "relative-depth": relative_depth,
    "road": road,
    "segmentation": segmentation,
    "tables": tables,
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 2 for a mistake in what was given."""
    options = _parser().parse_args(arguments)
    try:
        require_place(options.json)
        report = COMMANDS[options.command].run(options)
        print(report.table())
        if options.json is not None:
            write_json(options.json, report)
    except (ValueError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    description = (__doc__ or "").replace("``", "")
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=description)
    commands = parser.add_subparsers(dest="command", metavar="NAME", required=True)
    for name, command in COMMANDS.items():
        own = commands.add_parser(
            name,
            help=command.SUMMARY,
            description=command.DESCRIPTION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(own)
        own.add_argument("--json", type=Path, metavar="F", help="write the figures, unrounded, to this file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
