"""Fine-tuning for semantic segmentation as a task."""

import hashlib
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.segmentation import Scores, Tally
from training.distributed import World
from training.frame_loader import FrameLoader
from training.segmentation import objective
from training.segmentation.configuration import SegmentationConfiguration
from training.segmentation.images import scaled_labels
from training.segmentation.inference import class_scores, full_size
from training.segmentation.layouts import LabelledImages, open_split
from training.segmentation.loader import CropBatch, Crops, whole_images
from training.segmentation.objective import CropExample
from training.subset import SubsetParameters, chosen
from training.task import Predict
from training.validation import NETWORK, Validation

HELD_OUT = 9
"""Seed of what is set aside: the same whatever the seed of a run or of its subset."""


class Segmentation:
    """See ``task.Task``."""

    def __init__(self, configuration: SegmentationConfiguration, data: str) -> None:
        """Find the images. Raises ``ValueError`` for what the user can mend."""
        configuration.check()
        self.configuration, self.data = configuration.with_classes(), data
        whole, held_out = self._open(configuration.dataset.train), configuration.dataset.held_out
        if held_out:
            whole, self.validation = _split(whole, SubsetParameters(1 - held_out, seed=HELD_OUT))
        else:
            self.validation = self._open(configuration.dataset.validation)
        self.train, _ = _split(whole, configuration.subset)
        parts = f"{self.train.fingerprint} {self.validation.fingerprint}"
        self.fingerprint = hashlib.sha256(parts.encode()).hexdigest()[:12]

    def loader(self, rank: int, size: int) -> FrameLoader[CropBatch]:
        """See ``Task.loader``."""
        own, count = self.configuration, len(self.train.images)
        return FrameLoader(
            Crops(self.train, own.crop, own.seed), count, own.loader, self.fingerprint, own.seed, (rank, size)
        )

    def prepare(self, batch: CropBatch, device: torch.device) -> CropExample:
        """See ``Task.prepare``."""
        return objective.prepare(batch, device, self.configuration.augmentation)

    def begin(self, run: Path, world: World) -> None:
        """See ``Task.begin``; nothing is needed."""

    def validate(self, predict: Predict, world: World, first: bool) -> Validation:
        """See ``Task.validate``: whole images, one at a time, the counts summed over ranks."""
        benchmark, record = self.configuration.layout.benchmark, self.configuration.record
        full, small = Tally(benchmark), Tally(benchmark)
        shown: list[NDArray[np.uint8]] = []
        loader = self.configuration.loader
        images = whole_images(self.validation, record.validation_samples, loader, world.rank, world.size)
        for frame, truth in chain.from_iterable(images):
            scores = class_scores(predict, frame, self.configuration.crop.scale, world.device)
            found = full_size(scores, truth.shape)
            full.add(benchmark.ids[truth], benchmark.ids[found])
            at_scale = scaled_labels(truth, self.configuration.crop.scale)
            small.add(benchmark.ids[at_scale], benchmark.ids[scores.argmax(1)[0].cpu().numpy()])
            if len(shown) < record.overlays:
                shown.append(np.hstack([frame, benchmark.palette[truth], benchmark.palette[found]]))
        for tally in (full, small):
            _sum(tally, world)
        images_scored = len(self.validation.images[: record.validation_samples])
        return _validation(full.scores(), small.scores(), images_scored, shown)

    def _open(self, split: str) -> LabelledImages:
        return open_split(Path(self.data), self.configuration.layout, split)


def _split(whole: LabelledImages, parameters: SubsetParameters) -> tuple[LabelledImages, LabelledImages]:
    """The chosen images, and the others."""
    kept = set(chosen(len(whole.images), parameters).tolist())
    parts = [
        tuple(image for number, image in enumerate(whole.images) if (number in kept) == wanted)
        for wanted in (True, False)
    ]
    return replace(whole, images=parts[0]), replace(whole, images=parts[1])


def _sum(tally: Tally, world: World) -> None:
    pixels = torch.from_numpy(tally.confusion.pixels).to(world.device)
    tally.confusion.pixels = world.sum(pixels).cpu().numpy()


def _validation(full: Scores, small: Scores, images: int, shown: list[Any]) -> Validation:
    scores = {
        "mean_iou": full.mean_iou,
        "category_mean_iou": full.category_mean_iou,
        "mean_iou_at_scale": small.mean_iou,
    }
    by_class = {name: None if np.isnan(iou) else iou for name, iou in full.iou.items()}
    return Validation({NETWORK: scores}, images, 1 - full.mean_iou, shown, {"iou": by_class})
