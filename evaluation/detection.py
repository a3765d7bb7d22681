"""Average precision of boxes as the KITTI object benchmark counts it (EVALUATION 3.4)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.detection_matching import ABSENT, COUNTS, IGNORED, Overlaps, match, overlaps
from evaluation.frame_list import chosen
from evaluation.kitti_labels import Objects, read_objects

RULES = ("2017", "pre-2017")
"""The benchmark since 25.04.2017, which overlooks low detections, and before, as MultiNet and the paper score."""
POINTS = 41
"""Recalls at which precision is sampled."""


@dataclass(frozen=True)
class Difficulty:
    """Which objects count; the others are neither to be found nor wrong to find."""

    minimum_height: float  # pixels
    maximum_occlusion: int
    maximum_truncation: float


DIFFICULTIES = {
    "easy": Difficulty(40, 0, 0.15),
    "moderate": Difficulty(25, 1, 0.30),
    "hard": Difficulty(25, 2, 0.50),
}


@dataclass(frozen=True)
class ObjectClass:
    """What is scored, what may be taken for it, and the overlap that a match must exceed."""

    name: str
    neighbour: str | None
    overlap: float


CLASSES = {
    "Car": ObjectClass("car", "van", 0.7),
    "Pedestrian": ObjectClass("pedestrian", "person_sitting", 0.5),
    "Cyclist": ObjectClass("cyclist", None, 0.5),
}


@dataclass(frozen=True)
class AveragePrecision:
    """Precision of one difficulty, sampled over recall; the means in percent."""

    precision: tuple[float, ...]  # 41 values, 0 ... 1: the best at that recall or any higher
    objects: int  # that count; with none all figures are 0

    @property
    def R11(self) -> float:  # noqa: N802
        """Mean at recalls 0, 0.1 ... 1: KITTI until 08.10.2019."""
        return 100 * float(np.mean(self.precision[::4]))

    @property
    def R40(self) -> float:  # noqa: N802
        """Mean at recalls 1/40, 2/40 ... 1: KITTI since 08.10.2019."""
        return 100 * float(np.mean(self.precision[1:]))

    @property
    def mean41(self) -> float:
        """Mean of all: KittiBox, MultiNet, and so the paper."""
        return 100 * float(np.mean(self.precision))


def score(
    ground_truth_dir: Path, prediction_dir: Path, rule: str = "2017", object_class: str = "Car"
) -> dict[str, AveragePrecision]:
    """Average precision for ``easy``, ``moderate`` and ``hard``.

    Every ``NAME.txt`` of ground truth needs a result file of that name, be it empty. Raises ``ValueError`` for one
    missing, for an unknown rule or class and for what ``read_objects`` raises it.
    """
    return score_objects(*read_folders(ground_truth_dir, prediction_dir), rule, object_class)


def read_folders(ground_truth_dir: Path, prediction_dir: Path, frames: Path | None = None) -> tuple[Objects, Objects]:
    """Ground truth and detections of all images with ground truth, or of those in a list with a column ``image``.

    Raises ``ValueError`` as ``score`` does, and for another list.
    """
    ground_truth_dir, prediction_dir = Path(ground_truth_dir), Path(prediction_dir)
    for folder in (ground_truth_dir, prediction_dir):
        if not folder.is_dir():
            raise ValueError(f"{folder} is not a folder of label files")
    truths = chosen(ground_truth_dir.glob("*.txt"), frames, "image")
    if not truths:
        raise ValueError(f"{ground_truth_dir} has no label files (*.txt)")
    results = [prediction_dir / path.name for path in truths]
    for path in results:
        if not path.is_file():
            raise ValueError(f"{path} is missing; every image with ground truth needs a result file, even an empty one")
    return read_objects(truths, scored=False), read_objects(results, scored=True)


def score_objects(
    truth: Objects, found: Objects, rule: str = "2017", object_class: str = "Car"
) -> dict[str, AveragePrecision]:
    """``score`` of what was read. Raises ``ValueError`` for an unknown rule or class."""
    if rule not in RULES or object_class not in CLASSES:
        raise ValueError(f"score: rules are {', '.join(RULES)}, classes {', '.join(CLASSES)}")
    wanted = CLASSES[object_class]
    pairs = overlaps(truth, found, wanted.overlap)
    scores = {}
    for name, difficulty in DIFFICULTIES.items():
        truth_state = _truth_state(truth, wanted, difficulty)
        state = _state(found, wanted, difficulty, rule)
        scores[name] = _average_precision(pairs, found.scores, truth_state, state)
    return scores


def _truth_state(truth: Objects, wanted: ObjectClass, difficulty: Difficulty) -> NDArray[np.int64]:
    """What each object is at a difficulty, (M,): step 1."""
    height = truth.boxes[:, 3] - truth.boxes[:, 1]
    too_hard = (
        (truth.occluded > difficulty.maximum_occlusion)
        | (truth.truncated > difficulty.maximum_truncation)
        | (height < difficulty.minimum_height)
    )
    own, neighbour = truth.types == wanted.name, truth.types == str(wanted.neighbour)
    return np.where(own & ~too_hard, COUNTS, np.where(own | neighbour, IGNORED, ABSENT))


def _state(found: Objects, wanted: ObjectClass, difficulty: Difficulty, rule: str) -> NDArray[np.int64]:
    """What each detection is at a difficulty, (M,): step 2."""
    state = np.where(found.types == wanted.name, COUNTS, ABSENT)
    if rule == "2017":
        # The benchmark asks for the height before it asks for the class. It cuts it to whole pixels, which makes no
        # difference to a minimum that is whole.
        state[np.abs(found.boxes[:, 1] - found.boxes[:, 3]) < difficulty.minimum_height] = IGNORED
    return state


def _average_precision(
    pairs: Overlaps, scores: NDArray[np.float64], truth_state: NDArray[np.int64], state: NDArray[np.int64]
) -> AveragePrecision:
    """Steps 3 to 6."""
    counts, seeks = truth_state == COUNTS, truth_state != ABSENT
    objects = int(counts.sum())
    by_score = match(pairs.starts, pairs.detections, scores[pairs.detections], seeks, state != ABSENT)[counts]
    by_score = by_score[by_score >= 0]
    matched = scores[by_score[state[by_score] == COUNTS]]
    precision = np.zeros(POINTS)
    for place, threshold in enumerate(_thresholds(matched, objects)):
        # Ignored detections, which the benchmark lets an object take that finds no other, are passed over: that an
        # object takes one counts neither for nor against.
        kept = (state == COUNTS) & (scores >= threshold)
        by_overlap = match(pairs.starts, pairs.detections, pairs.ratios, seeks, kept)
        right = int((by_overlap[counts] >= 0).sum())
        false_alarm = kept & ~pairs.in_dont_care
        false_alarm[by_overlap[by_overlap >= 0]] = False
        wrong = int(false_alarm.sum())
        # Nothing right or wrong is left where the match by overlap gives a neighbour what was an object's by score.
        precision[place] = right / max(right + wrong, 1)
    return AveragePrecision(tuple(np.maximum.accumulate(precision[::-1])[::-1].tolist()), objects)


def _thresholds(matched: NDArray[np.float64], objects: int) -> Iterator[float]:
    """Of the scores of true positives those that come nearest to recalls 0, 1/40 ... 1: step 4."""
    ordered = np.sort(matched)[::-1].tolist()
    recall = 0.0
    for place, threshold in enumerate(ordered, 1):
        last = place == len(ordered)
        here, beyond = place / objects, (place + 1) / objects
        if last or beyond - recall >= recall - here:
            yield threshold
            recall += 1 / (POINTS - 1)
