"""The commands of ``python -m training``: ``pretrain``, ``finetune``, ``score``, ``predict``, ``report``,
``export``.

Each has ``--help``.
"""

import logging
import sys
from argparse import SUPPRESS
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

try:
    from jsonargparse import ActionConfigFile, ArgumentParser, Namespace, set_parsing_settings
except ModuleNotFoundError:
    sys.exit("python -m training needs torch and more, which the base install lacks: pip install -e '.[training]'")

from training import finetuning
from training.configuration import Configuration, RunConfiguration
from training.export import FORMATS, PARTS
from training.initialisation import first_weights
from training.kinds import KINDS

if TYPE_CHECKING:
    from training.task import Task

PRETRAIN = """Pre-train a network on the shards of a dataset. On many GPUs or CPUs:

  torchrun --nproc-per-node 8 -m -- training pretrain --data DATASET --run RUN

(the -- keeps torchrun from taking --run for an option of its own; it exits with 1 where a rank does with more than 0.)

Exit status: 0 done; 2 a mistake in what was given; 3 the loss was not finite; 75 stopped by SIGTERM or SIGUSR1 and
saved: run the same command with --resume."""


SCORE = """Score a run of finetune on all images of a split, whole and at their full size. Of the run's checkpoints the
newest is taken, not the best: a checkpoint that was picked by its score is no result."""
PREDICT = """Predict images, folders of images and videos: depth percentiles and overlays, or, by a run of finetune,
what `python -m evaluation` scores: classes as PNG with the ids of the dataset; metres x 256 as 16-bit PNG; cars as
KITTI's result files and the probability of road as NAME.npy."""
REPORT = """Compare runs in one HTML file that needs no network: curves, scores, cost, predictions for the same frames,
how configurations and environments differ, where first weights came from."""
INIT = """first weights: scratch; a run or checkpoint of ours; imagenet:FILE, a state dict with torchvision's names;
external:FILE:MAP, one with other names and a YAML file that maps them (regular expression: replacement)"""
FINETUNE = """Fine-tune a network: --task segmentation (Cityscapes, CamVid or KITTI), multinet (road and cars) or
absolute_depth (metres). A configuration may name its task; the options below are those of {task}. Ranks, exit status
and --resume are those of pretrain."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    words = sys.argv[1:] if arguments is None else arguments
    parser = _parser(finetuning.task_of(words))
    options = parser.parse_args(words)
    try:
        return COMMANDS[options.command](parser.instantiate(options)[options.command])
    except (ValueError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; what was saved before is whole", file=sys.stderr)
        return 130


def _parser(task: str) -> ArgumentParser:
    """``task``: of finetune."""
    parser = ArgumentParser(prog="python -m training", description=__doc__.replace("``", ""))
    commands = parser.add_subcommands(dest="command", required=True)
    commands.add_subcommand("pretrain", _pretrain_parser(), help="train a network on a dataset")
    commands.add_subcommand("finetune", _finetune_parser(task), help="train it for another task")
    commands.add_subcommand("score", _score_parser(), help="score a network for segmentation on a split")
    commands.add_subcommand("predict", _predict_parser(), help="what a network sees in images, folders and videos")
    commands.add_subcommand("report", _report_parser(), help="compare runs on one page")
    commands.add_subcommand("export", _export_parser(), help="weights for other libraries")
    return parser


def _pretrain_parser() -> ArgumentParser:
    return _training_parser(PRETRAIN, Configuration, "dataset: a folder or URL with dataset.json")


def _finetune_parser(task: str) -> ArgumentParser:
    return _training_parser(FINETUNE.format(task=task), KINDS[task], "folder of the labelled images")


def _score_parser() -> ArgumentParser:
    parser = ArgumentParser(description=SCORE)
    parser.add_argument("run", type=Path, help="folder of a run: its newest checkpoint is taken; or a checkpoint")
    parser.add_argument("--split", type=str, default="val", help="such as val or test")
    parser.add_argument("--data", type=str, help="folder of the labelled images; default: the run's")
    parser.add_argument("--json", type=Path, help="write the scores, also by class, to this file")
    parser.add_argument("--device", type=str, default="auto", help="auto, cpu or cuda")
    return parser


def _training_parser(description: str, kind: type[RunConfiguration], data: str) -> ArgumentParser:
    set_parsing_settings(docstring_parse_attribute_docstrings=True)  # what --help says of an option
    parser = ArgumentParser(description=description)
    parser.add_argument("--config", action=ActionConfigFile, help="a YAML file with any of the options below")
    parser.add_argument("--data", type=str, required=True, help=data)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on with the run if it has begun")
    parser.add_argument("--init", type=str, help=INIT)
    parser.add_argument("--fraction", type=float, help="short for --subset.fraction")
    parser.add_argument("--max-images", type=int, help="short for --subset.max_samples")
    # a run's configuration.yaml names its task: another command must not take it
    parser.add_argument("--task", choices=[kind.task], default=kind.task, help=SUPPRESS)
    parser.add_class_arguments(kind, fail_untyped=True)
    return parser


def _predict_parser() -> ArgumentParser:
    parser = ArgumentParser(description=PREDICT)
    parser.add_argument("run", type=Path, help="folder of a run, or one of its checkpoints")
    parser.add_argument("inputs", type=Path, nargs="+", help="image, folder of images, or video")
    parser.add_argument("--out", type=Path, default=Path("predictions"), help="folder of the results")
    parser.add_argument("--device", type=str, default="auto", help="auto, cpu or cuda")
    parser.add_argument("--joining", choices=["nms", "stitch"], help="multinet: how boxes of one car become one")
    parser.add_argument(
        "--flip-average", type=bool, help="absolute_depth: true blends in what the mirrored image gives (pp)"
    )
    return parser


def _report_parser() -> ArgumentParser:
    parser = ArgumentParser(description=REPORT)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs, finished or not, of any tasks")
    parser.add_argument("--out", type=Path, required=True, help="the HTML file")
    parser.add_argument(
        "--frames", type=Path, nargs="+", default=[], help="images, or folders of them, that every run predicts"
    )
    parser.add_argument("--samples", type=int, default=4, help="validation frames that are predicted instead; 0: none")
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
    from training.pretraining import pretraining_task

    return _train(Configuration, pretraining_task, options)


def _finetune(options: Namespace) -> int:
    return _train(KINDS[options.task], finetuning.task_class(options.task), options)


def _train(kind: type[RunConfiguration], task: "Callable[[Any, str], Task]", options: Namespace) -> int:
    from training.engine import NonFiniteLossError
    from training.staging import train_stages

    configuration = kind(**{field.name: options[field.name] for field in fields(kind)})
    try:
        return train_stages(_shortened(configuration, options), task, options.data, options.run, options.resume)
    except NonFiniteLossError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 3


def _shortened(configuration: Any, options: Namespace) -> Any:
    """The configuration with what the short options say."""
    subset, first = configuration.subset, configuration.initialisation
    if options.fraction is not None:
        subset = replace(subset, fraction=options.fraction)
    if options.max_images is not None:
        subset = replace(subset, max_samples=options.max_images)
    if options.init is not None:
        first = first_weights(options.init)
    return replace(configuration, subset=subset, initialisation=first)


def _score(options: Namespace) -> int:
    from training.segmentation.scoring import score

    print(score(options.run, options.data, options.split, options.device, options.json))
    return 0


def _predict(options: Namespace) -> int:
    from training.predict import predict

    ways = {name: options[name] for name in ("joining", "flip_average") if options[name] is not None}
    for written in predict(options.run, options.inputs, options.out, options.device, ways):
        print(written, flush=True)
    return 0


def _report(options: Namespace) -> int:
    from training.report_page import write_report

    write_report(options.runs, options.out, options.frames, options.samples, options.device)
    print(options.out)
    return 0


def _export(options: Namespace) -> int:
    from training.export import export

    print(export(options.run, options.format, options.part, options.out))
    return 0


COMMANDS = {
    "pretrain": _pretrain,
    "finetune": _finetune,
    "score": _score,
    "predict": _predict,
    "report": _report,
    "export": _export,
}

if __name__ == "__main__":
    sys.exit(main())
