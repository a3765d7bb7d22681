"""Predicted classes against drawn ones."""

import argparse
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from evaluation.classes import BENCHMARKS, benchmark_of
from evaluation.image_files import read_image, require_folders
from evaluation.report import Report
from evaluation.segmentation import Scores, Tally

SUMMARY = "overlap of classes (mean IoU) on Cityscapes, CamVid or KITTI"
DESCRIPTION = """Intersection over union of classes, of their categories and, for Cityscapes, weighted by instance.

Files are PNG of one channel with ids. Both folders are searched whole. For cityscapes the ground truth is
CITY_NUMBER_FRAME_gtFine_labelIds.png, the prediction of each CITY_NUMBER_FRAME*.png; instances are scored where
..._gtFine_instanceIds.png lies beside. For camvid and kitti a prediction lies where its ground truth does and has its
name. With --training-ids both hold training ids, void 255, and names are alike for cityscapes too.

  python -m evaluation segmentation --ground-truth gtFine/val --predictions results --protocol cityscapes --json F
"""
LABELS, INSTANCES = "_gtFine_labelIds.png", "_gtFine_instanceIds.png"


@dataclass(frozen=True)
class Files:
    """What belongs together."""

    truth: Path
    prediction: Path
    instances: Path | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The two folders, and how to read them."""
    parser.add_argument("--ground-truth", type=Path, required=True, metavar="DIR", help="folder of ids as drawn")
    parser.add_argument("--predictions", type=Path, required=True, metavar="DIR", help="folder of predicted ids")
    parser.add_argument("--protocol", choices=BENCHMARKS, default="cityscapes", help="classes and ids (%(default)s)")
    parser.add_argument("--training-ids", action="store_true", help="files hold training ids, not ids")


def run(options: argparse.Namespace) -> Report:
    """Scores over all images."""
    benchmark = benchmark_of(options.protocol)
    official = benchmark.name == "cityscapes" and not options.training_ids
    find = official_files if official else files_of_one_name
    found = find(options.ground_truth, options.predictions)
    tally = Tally(benchmark)
    for files in found:
        _add(tally, files, options.training_ids)
    scores = tally.scores()
    notes = [f"{len(found)} images; a prediction of void counts as wrong, pixels whose truth is void do not count"]
    if official and not scores.instance_iou:
        notes.append(f"no instances scored: the ground truth has no *{INSTANCES}")
    notes.append("by class: " + ", ".join(f"{name} {value:.4f}" for name, value in scores.iou.items()))
    return Report("segmentation", {benchmark.name: _figures(scores)}, tuple(notes), asdict(scores))


def official_files(ground_truth: Path, predictions: Path) -> list[Files]:
    """Files by the names of Cityscapes.

    Raises ``ValueError`` for a folder without ground truth, for a prediction that is missing or there twice, and where
    some have instance ids, others not.
    """
    predicted = defaultdict(list)
    for path in _every_png(predictions):
        predicted["_".join(path.stem.split("_")[:3])].append(path)
    files = []
    for truth in [path for path in _every_png(ground_truth) if path.name.endswith(LABELS)]:
        stem = truth.name.removesuffix(LABELS)
        if not predicted[stem]:
            raise ValueError(f"{predictions} has no {stem}*.png; every image with ground truth needs a prediction")
        if len(predicted[stem]) > 1:
            raise ValueError(f"{predicted[stem][0]} and {predicted[stem][1]} are predictions of one image; keep one")
        instances = truth.with_name(stem + INSTANCES)
        files.append(Files(truth, predicted[stem][0], instances if instances.exists() else None))
    if not files:
        raise ValueError(f"{ground_truth} has no *{LABELS}; give a folder of gtFine, or --training-ids for other names")
    without = [each.truth for each in files if each.instances is None]
    if without and len(without) < len(files):
        raise ValueError(f"{without[0]} has no {INSTANCES} beside it, though others have; add it, or remove all")
    return files


def files_of_one_name(ground_truth: Path, predictions: Path) -> list[Files]:
    """Files at the same place under both folders. Raises ``ValueError`` that names the first one missing."""
    truths = _every_png(ground_truth)
    require_folders(predictions)
    files = [Files(truth, predictions / truth.relative_to(ground_truth)) for truth in truths]
    for each in files:
        if not each.prediction.is_file():
            raise ValueError(f"{each.prediction} is missing; every image with ground truth needs a prediction")
    return files


def _every_png(folder: Path) -> list[Path]:
    require_folders(folder)
    found = sorted(folder.rglob("*.png"))
    if not found:
        raise ValueError(f"{folder} has no PNG files, nor have the folders within")
    return found


def _add(tally: Tally, files: Files, training_ids: bool) -> None:
    names = str(files.truth), str(files.prediction)
    truth, predicted = (_read(path) for path in (files.truth, files.prediction))
    if training_ids:
        truth, predicted = (tally.benchmark.ids_of(ids, name) for ids, name in zip((truth, predicted), names))
    tally.add(truth, predicted, None if files.instances is None else _read(files.instances), names)


def _read(path: Path) -> NDArray[Any]:
    image = read_image(path)
    if image.ndim != 2:
        raise ValueError(f"{path} is a colour image; ids are a grey one, without palette")
    return image


def _figures(scores: Scores) -> dict[str, float]:
    figures = {"mean_iou": scores.mean_iou, "category_mean_iou": scores.category_mean_iou}
    if scores.instance_iou:
        figures["instance_mean_iou"] = scores.instance_mean_iou
        figures["instance_category_mean_iou"] = scores.instance_category_mean_iou
    return figures
