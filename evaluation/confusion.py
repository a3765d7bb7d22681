"""Which classes are taken for which: counts of pixels, and the overlaps that follow from them (EVALUATION 3.1)."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.classes import Benchmark, Label


class Confusion:
    """Pixels by id of the truth and of the prediction, void ones too."""

    def __init__(self, benchmark: Benchmark) -> None:
        self.benchmark = benchmark
        self.pixels = np.zeros((len(benchmark.labels),) * 2, np.int64)

    def add(self, truth: NDArray[np.integer], predicted: NDArray[np.integer]) -> None:
        """Count images (H, W) of ids that the benchmark has."""
        many = len(self.pixels)
        pairs = many * truth.astype(np.int64) + predicted
        self.pixels += np.bincount(pairs.ravel(), minlength=many**2).reshape(many, many)

    def iou(self, labels: Sequence[Label]) -> float:
        """Intersection over union of classes taken as one; NaN where neither truth nor prediction has them.

        Scored pixels that are predicted as void count as misses; pixels whose truth is void do not count at all.
        """
        ids = [label.id for label in labels]
        hits = int(self.pixels[np.ix_(ids, ids)].sum())
        misses = int(self.pixels[ids].sum()) - hits
        return ratio(hits, misses, self.false_alarms(labels, ids))

    def false_alarms(self, labels: Sequence[Label], predicted: Sequence[int]) -> int:
        """Pixels of scored classes other than ``labels`` that are predicted as one of the ids ``predicted``."""
        others = [label.id for label in self.benchmark.classes if label not in labels]
        return int(self.pixels[np.ix_(others, predicted)].sum())


def ratio(hits: float, misses: float, false_alarms: float) -> float:
    """Intersection over union, NaN of nothing."""
    union = hits + misses + false_alarms
    return float(hits / union) if union else float("nan")


def mean(values: Iterable[float]) -> float:
    """Mean of what is not NaN; NaN of nothing."""
    known = [value for value in values if not np.isnan(value)]
    return float(sum(known) / len(known)) if known else float("nan")
