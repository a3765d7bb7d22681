"""Overlap with every instance of a class weighing alike, whatever its size: iIoU of Cityscapes (EVALUATION 3.1)."""

import numpy as np
from numpy.typing import NDArray

from evaluation.classes import VOID, Benchmark
from evaluation.confusion import Confusion, ratio

INSTANCE = 1000
"""Instance ids above this are ``1000 * id of the class + number``; the others tell no instances apart."""


class InstanceTally:
    """Hits and misses over a stream of images, weighted by the mean size of the class over that of the instance."""

    def __init__(self, benchmark: Benchmark) -> None:
        self.benchmark = benchmark
        with_instances = [label for label in benchmark.labels if label.mean_size]
        scored = [label for label in with_instances if label.train_id != VOID]
        # like the official tool: unscored members, a caravan say, are right predictions within their category
        self.members = {
            name: [label.id for label in with_instances if label.category == name]
            for name in dict.fromkeys(label.category for label in scored)
        }
        self.by_class = {label: np.zeros(2) for label in scored}
        self.by_category = {name: np.zeros(2) for name in self.members}

    def add(self, instances: NDArray[np.integer], predicted: NDArray[np.integer], name: str) -> None:
        """Count an image: instance ids of the truth and predicted ids, (H, W) both.

        Raises ``ValueError`` that names it for an instance of a class that has none.
        """
        for instance, pixels in self._pixels(instances, predicted):
            number = instance // INSTANCE
            label = self.benchmark.labels[number] if number < len(self.benchmark.labels) else None
            if label is not None and label.train_id == VOID:
                continue
            if label is None or label.mean_size is None:
                raise ValueError(
                    f"{name} has instance id {instance}, of no class of {self.benchmark.name} with instances"
                )
            size = int(pixels.sum())
            hits = np.array([pixels[label.id], pixels[self.members[label.category]].sum()])
            of_class, of_category = label.mean_size / size * np.stack([hits, size - hits], 1)
            self.by_class[label] += of_class
            self.by_category[label.category] += of_category

    def iou(self, confusion: Confusion) -> tuple[dict[str, float], dict[str, float]]:
        """By class and by category; false alarms come from the ``confusion`` of the same images, unweighted."""
        classes = {
            label.name: ratio(hits, misses, confusion.false_alarms([label], [label.id]))
            for label, (hits, misses) in self.by_class.items()
        }
        categories = {
            name: ratio(hits, misses, confusion.false_alarms(self.benchmark.categories[name], self.members[name]))
            for name, (hits, misses) in self.by_category.items()
        }
        return classes, categories

    def _pixels(
        self, instances: NDArray[np.integer], predicted: NDArray[np.integer]
    ) -> list[tuple[int, NDArray[np.int64]]]:
        """Every instance with its pixels by predicted id."""
        apart, many = instances > INSTANCE, len(self.benchmark.labels)
        numbers, places = np.unique(instances[apart], return_inverse=True)
        pairs = many * places.ravel() + predicted[apart]
        table = np.bincount(pairs, minlength=many * len(numbers)).reshape(len(numbers), many)
        return [(int(number), row) for number, row in zip(numbers, table)]
