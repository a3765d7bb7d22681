"""Which detection is taken for which object (EVALUATION 3.4, steps 3 and 5)."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evaluation.kitti_labels import Objects

COUNTS, IGNORED, ABSENT = 0, 1, -1
"""What an object or a detection is at a difficulty: it counts; it may be matched but does not count; not there."""


@dataclass(frozen=True)
class Overlaps:
    """Pairs of an object and a detection of one image that overlap enough, by object, and of each the detections."""

    starts: NDArray[np.int64]  # (objects + 1,): pairs of object i are starts[i] ... starts[i + 1] - 1
    detections: NDArray[np.int64]  # (pairs,)
    ratios: NDArray[np.float64]  # (pairs,) intersection over union
    in_dont_care: NDArray[np.bool_]  # (detections,) of whose area enough lies in one box of DontCare


def overlaps(truth: Objects, found: Objects, minimum: float) -> Overlaps:
    """Pairs whose intersection over union is above ``minimum``, and detections that share of which is in DontCare."""
    counts = np.zeros(len(truth.boxes) + 1, np.int64)
    detections, ratios = [np.zeros(0, np.int64)], [np.zeros(0)]
    in_dont_care = np.zeros(len(found.boxes), bool)
    for objects, results in zip(_slices(truth), _slices(found)):
        shared, area, areas = _intersections(truth.boxes[objects], found.boxes[results])
        # Boxes with no area give 0 / 0, which is above nothing.
        with np.errstate(divide="ignore", invalid="ignore"):
            union, share = shared / (areas + area[:, None] - shared), shared / areas
        close = union > minimum
        row, column = np.nonzero(close)
        counts[1:][objects] = close.sum(1)
        detections.append(column + results.start)
        ratios.append(union[row, column])
        in_dont_care[results] = (share > minimum)[truth.types[objects] == "dontcare"].any(0)
    return Overlaps(np.cumsum(counts), np.concatenate(detections), np.concatenate(ratios), in_dont_care)


def _slices(objects: Objects) -> list[slice]:
    return [slice(start, stop) for start, stop in zip(objects.starts[:-1].tolist(), objects.starts[1:].tolist())]


def _intersections(
    truth: NDArray[np.float64], found: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Areas of the intersections (G, D), and of the boxes (G,) and (D,), in pixels without a + 1."""
    sides = np.minimum(truth[:, None, 2:], found[None, :, 2:]) - np.maximum(truth[:, None, :2], found[None, :, :2])
    shared = np.where((sides > 0).all(2), sides[..., 0] * sides[..., 1], 0)
    area, areas = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (truth, found))
    return shared, area, areas


@njit(cache=True)
def match(
    starts: NDArray[np.int64],
    detections: NDArray[np.int64],
    ranks: NDArray[np.float64],
    seeks: NDArray[np.bool_],
    free: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """The detection that each object takes, (objects,), -1 for none.

    Objects that seek one (objects,) take, one after the other, the ``free`` one (detections,) of their pairs with the
    highest rank (pairs,), of equal ones the first.
    """
    free = free.copy()
    taken = np.full(len(seeks), -1, np.int64)
    for i in range(len(seeks)):
        if seeks[i]:
            best = -1
            for k in range(starts[i], starts[i + 1]):
                if free[detections[k]] and (best < 0 or ranks[k] > ranks[best]):
                    best = k
            if best >= 0:
                taken[i] = detections[best]
                free[taken[i]] = False
    return taken
