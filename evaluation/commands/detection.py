"""Boxes against the labels of the KITTI object benchmark."""

import argparse
from dataclasses import asdict
from pathlib import Path

from evaluation.detection import CLASSES, RULES, AveragePrecision, read_folders, score_objects
from evaluation.report import Report

SUMMARY = "average precision of boxes, as the KITTI object benchmark counts it"
DESCRIPTION = """Average precision of boxes in the image: easy, moderate and hard, in percent.

The ground truth is label files NAME.txt of 15 fields; there is a result file of 16 fields, with the score last, for
each of them, even where nothing was found. With --frames F, a csv with a column image such as
data_manifests/kitti_object_val.csv, only those images count.

R11 is the mean at 11 recalls (KITTI until October 2019), R40 that at 40 (KITTI since), mean41 that of all 41 printed
precisions (KittiBox, MultiNet). Rule 2017 overlooks detections that are too low for a difficulty; pre-2017, MultiNet's
own, counts them wrong. Say which of the six you quote: they differ by points.

  python -m evaluation detection --ground-truth label_2 --predictions results --json F
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The two folders and the class."""
    parser.add_argument("--ground-truth", type=Path, required=True, metavar="DIR", help="folder of label files")
    parser.add_argument("--predictions", type=Path, required=True, metavar="DIR", help="folder of result files")
    parser.add_argument("--frames", type=Path, metavar="F", help="csv of the images that count: image")
    parser.add_argument("--class", dest="object_class", choices=CLASSES, default="Car", help="what to score")


def run(options: argparse.Namespace) -> Report:
    """Both rules and all three means."""
    truth, found = read_folders(options.ground_truth, options.predictions, options.frames)
    scores = {rule: score_objects(truth, found, rule, options.object_class) for rule in RULES}
    by_protocol = {
        f"{options.object_class} {name}, {rule} rule": precision
        for rule, figures in scores.items()
        for name, precision in figures.items()
    }
    protocols = {
        name: {"R11": precision.R11, "R40": precision.R40, "mean41": precision.mean41}
        for name, precision in by_protocol.items()
    }
    detections = int((found.types == CLASSES[options.object_class].name).sum())
    notes = _notes(scores[RULES[0]], len(truth.starts) - 1, detections, options.object_class)
    details = {name: asdict(precision) for name, precision in by_protocol.items()}
    return Report("detection", protocols, notes, details)


def _notes(scores: dict[str, AveragePrecision], images: int, detections: int, object_class: str) -> tuple[str, ...]:
    counts = ", ".join(f"{precision.objects} {name}" for name, precision in scores.items())
    notes = [f"{images} images; {object_class} objects that count: {counts}; {detections} detections"]
    empty = [name for name, precision in scores.items() if not precision.objects]
    if empty:
        notes.append(f"no {object_class} counts as {', '.join(empty)}: the zeros there say nothing of the detections")
    elif not detections:
        notes.append(f"all zeros: no result is of class {object_class}")
    return tuple(notes)
