"""Intersection over union of classes, as Cityscapes, CamVid and KITTI (Ros et al.) count it (EVALUATION 3.1-3.3).

Pixels whose *truth* is void are left out; a void *prediction* of a scored pixel is a miss. Leaving those out as well is
a common mistake, which rewards a network that does not commit itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from evaluation.classes import Benchmark, benchmark_of
from evaluation.confusion import Confusion, mean
from evaluation.instance_iou import InstanceTally

IDS = NDArray[np.integer]


@dataclass(frozen=True)
class Scores:
    """Scores over all images, 0 ... 1; NaN for what neither truth nor prediction has, which no mean counts.

    All of instances is empty, and NaN in the mean, where no instance ids are given.
    """

    mean_iou: float
    iou: dict[str, float]  # by class
    category_mean_iou: float
    category_iou: dict[str, float]
    instance_mean_iou: float
    instance_iou: dict[str, float]  # by class that has instances
    instance_category_mean_iou: float
    instance_category_iou: dict[str, float]


class Tally:
    """Counts over a stream of images; ``scores`` of what was added so far."""

    def __init__(self, benchmark: Benchmark) -> None:
        self.benchmark = benchmark
        self.confusion = Confusion(benchmark)
        self.instances: InstanceTally | None = None

    def add(
        self,
        truth: IDS,
        predicted: IDS,
        instances: IDS | None = None,
        names: tuple[str, str] = ("the ground truth", "the prediction"),
    ) -> None:
        """Count an image: ids (H, W) of truth and prediction, and the truth's instance ids (H, W) where known.

        Raises ``ValueError`` that says by ``names`` which of the two has another size or an id that does not exist.
        """
        for ids, name in zip((truth, predicted), names):
            if ids.ndim != 2 or not ids.size:
                raise ValueError(f"{name} has shape {ids.shape}; ids are an image of one channel, (H, W)")
            self.benchmark.require_known(ids, name)
        _require_size(predicted, names[1], truth, names[0])
        if instances is not None:
            _require_size(instances, f"instance ids of {names[0]}", truth, names[0])
            self.instances = self.instances or InstanceTally(self.benchmark)
            self.instances.add(instances, predicted, names[0])
        self.confusion.add(truth, predicted)

    def scores(self) -> Scores:
        """Scores of all images that were added."""
        iou = {label.name: self.confusion.iou([label]) for label in self.benchmark.classes}
        category_iou = {name: self.confusion.iou(labels) for name, labels in self.benchmark.categories.items()}
        of_classes, of_categories = self.instances.iou(self.confusion) if self.instances else ({}, {})
        means = [mean(scores.values()) for scores in (iou, category_iou, of_classes, of_categories)]
        return Scores(means[0], iou, means[1], category_iou, means[2], of_classes, means[3], of_categories)


def score(
    ground_truth_ids: Iterable[IDS],
    predicted_ids: Iterable[IDS],
    protocol: str = "cityscapes",
    instance_ids: Iterable[IDS] | None = None,
) -> Scores:
    """Scores of a stream of images, taken one at a time.

    ``ground_truth_ids`` and ``predicted_ids`` give images (H, W) of ids, which are not training ids; ``instance_ids``
    what Cityscapes has as ``instanceIds``. ``protocol`` is ``cityscapes``, ``camvid`` or ``kitti``. Raises
    ``ValueError`` where the streams differ in length, an image in size, or an id does not exist.
    """
    tally = Tally(benchmark_of(protocol))
    streams = [ground_truth_ids, predicted_ids, *([] if instance_ids is None else [instance_ids])]
    for number, images in enumerate(zip_longest(*streams)):
        if any(image is None for image in images):
            raise ValueError(f"truth, predictions and instances differ in number; one ends after {number} images")
        truth, predicted, *instances = images
        names = (f"ground truth {number}", f"prediction {number}")
        tally.add(truth, predicted, instances[0] if instances else None, names)
    return tally.scores()


def _require_size(image: IDS, name: str, other: IDS, other_name: str) -> None:
    if image.shape != other.shape:
        raise ValueError(
            f"{name} has {image.shape[1]}x{image.shape[0]} pixels, {other_name} {other.shape[1]}x{other.shape[0]}; "
            "resize scores of classes to the size of the ground truth, then take the best class"
        )
