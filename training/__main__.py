"""The commands: ``python -m training pretrain``, ``predict``, ``export``; each with ``--help``."""

import logging
import sys
from dataclasses import fields
from pathlib import Path

from jsonargparse import ActionConfigFile, ArgumentParser, Namespace

from training.configuration import Configuration
from training.export import FORMATS, PARTS

PRETRAIN = """Pre-train a network on the shards of a dataset. On many GPUs or CPUs:

  torchrun --nproc-per-node 8 -m -- training pretrain --data DATASET --run RUN

(the -- keeps torchrun from taking --run for an option of its own; it exits with 1 where a rank does with more than 0.)

Exit status: 0 done; 2 a mistake in what was given; 3 the loss was not finite; 75 stopped by SIGTERM or SIGUSR1 and
saved: run the same command with --resume."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    parser = _parser()
    options = parser.parse_args(arguments)
    run = {"pretrain": _pretrain, "predict": _predict, "export": _export}[options.command]
    try:
        return run(parser.instantiate(options)[options.command])
    except (ValueError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; what was saved before is whole", file=sys.stderr)
        return 130


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m training", description=__doc__.replace("``", ""))
    commands = parser.add_subcommands(dest="command", required=True)
    commands.add_subcommand("pretrain", _pretrain_parser(), help="train a network on a dataset")
    commands.add_subcommand("predict", _predict_parser(), help="depth percentiles of images, folders and videos")
    commands.add_subcommand("export", _export_parser(), help="weights for other libraries")
    return parser


def _pretrain_parser() -> ArgumentParser:
    parser = ArgumentParser(description=PRETRAIN)
    parser.add_argument("--config", action=ActionConfigFile, help="a YAML file with any of the options below")
    parser.add_argument("--data", type=str, required=True, help="dataset: a folder or URL with dataset.json")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on with the run if it has begun")
    parser.add_class_arguments(Configuration, fail_untyped=True)
    return parser


def _predict_parser() -> ArgumentParser:
    parser = ArgumentParser(description="Write depth percentiles and overlays of images, folders of images and videos.")
    parser.add_argument("run", type=Path, help="folder of a run, or one of its checkpoints")
    parser.add_argument("inputs", type=Path, nargs="+", help="image, folder of images, or video")
    parser.add_argument("--out", type=Path, default=Path("predictions"), help="folder of the results")
    parser.add_argument("--device", type=str, default="auto", help="auto, cpu or cuda")
    return parser


def _export_parser() -> ArgumentParser:
    parser = ArgumentParser(description="Write weights for another library, load them there, and compare outputs.")
    parser.add_argument("run", type=Path, help="folder of a run, or one of its checkpoints")
    parser.add_argument("--format", choices=FORMATS, required=True, help="what to write")
    parser.add_argument("--part", choices=PARTS, help="the network, or its backbone alone (torchvision, timm)")
    parser.add_argument("--out", type=Path, required=True, help="the file")
    return parser


def _pretrain(options: Namespace) -> int:
    from training.engine import NonFiniteLossError, pretrain

    configuration = Configuration(**{field.name: options[field.name] for field in fields(Configuration)})
    try:
        return pretrain(configuration, options.data, options.run, options.resume)
    except NonFiniteLossError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 3


def _predict(options: Namespace) -> int:
    from training.predict import predict

    for written in predict(options.run, options.inputs, options.out, options.device):
        print(written, flush=True)
    return 0


def _export(options: Namespace) -> int:
    from training.export import export

    print(export(options.run, options.format, options.part, options.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
