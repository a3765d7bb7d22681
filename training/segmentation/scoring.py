"""Scores a run on a split of its dataset, or of another of the same classes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from training import checkpoint, distributed, run_folder
from training.segmentation.class_predictor import ClassPredictor
from training.segmentation.configuration import SegmentationConfiguration
from training.segmentation.task import Segmentation
from training.validation import NETWORK, Validation, table


def score(place: Path, data: str | None, split: str, device: str, out: Path | None) -> str:
    """Score the newest checkpoint of a run, or a given one, on all images of a split; a table.

    ``data`` is by default what the run was trained on. ``out``: a JSON file of the scores, also by class. Raises
    ``ValueError`` for a run of another task and for what is wrong with the data.
    """
    saved = place if (place / checkpoint.RECORD).exists() else [place, *checkpoint.steps(place)][-1]
    network, configuration, folder = run_folder.load_network(saved)
    if not isinstance(configuration, SegmentationConfiguration):
        raise ValueError(
            f"{place} is a run of {configuration.task}; score takes those of segmentation: predict with others, "
            "and use python -m evaluation"
        )
    dataset = replace(configuration.dataset, validation=split, held_out=0.0)
    record = replace(configuration.record, validation_samples=10**9, overlays=0)
    trained_on = run_folder.read_configuration(folder.parent.parent)[1]
    task = Segmentation(replace(configuration, dataset=dataset, record=record), data or trained_on)
    world = distributed.join(device)
    found = task.validate(ClassPredictor(network, configuration, world.device).predict, world, first=False)
    if out is not None:
        _write(out, found, folder)
    by_class = ", ".join(f"{name} {'-' if iou is None else f'{iou:.4f}'}" for name, iou in found.details["iou"].items())
    return f"{folder}, split {split}\n{table(found.scores, found.images, configuration.card().scores)}\n{by_class}"


def _write(path: Path, found: Validation, folder: Path) -> None:
    content: dict[str, Any] = {"checkpoint": str(folder), "images": found.images, **found.scores[NETWORK]}
    temporary = path.with_name(f".tmp-{path.name}")
    temporary.write_text(json.dumps({**content, **found.details}, indent=2) + "\n")
    temporary.replace(path)
