"""The rules of the KITTI object benchmark step by step (EVALUATION 3.4), for comparison: loops over plain lists."""

from typing import NamedTuple


class Box(NamedTuple):
    """A line of a label or result file, as far as it matters."""

    type: str
    truncated: float
    occluded: int
    left: float
    top: float
    right: float
    bottom: float
    score: float = 0

    def line(self, scored: bool) -> str:
        sides = " ".join(repr(side) for side in self[3:7])
        line = f"{self.type} {self.truncated} {self.occluded} -10 {sides} 1 1 1 0 0 0 0"
        return f"{line} {self.score!r}" if scored else line

    def area(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)


LIMITS = {"easy": (40, 0, 0.15), "moderate": (25, 1, 0.30), "hard": (25, 2, 0.50)}
NEIGHBOURS = {"Car": "Van", "Pedestrian": "Person_sitting", "Cyclist": "none"}


def precisions(truth: list[list[Box]], found: list[list[Box]], rule: str, wanted: str, difficulty: str) -> list[float]:
    overlap = 0.7 if wanted == "Car" else 0.5
    images = [
        (objects, [state_of_truth(box, wanted, difficulty) for box in objects], dets, [
            state_of_detection(box, rule, wanted, difficulty) for box in dets
        ])
        for objects, dets in zip(truth, found)
    ]  # fmt: skip
    total = sum(states.count(0) for _, states, _, _ in images)
    matched = sorted((score for image in images for score in statistics(*image, overlap, None)[2]), reverse=True)
    result, current = [], 0.0
    for i, score in enumerate(matched):
        left = (i + 1) / total
        right = (i + 2) / total if i < len(matched) - 1 else left
        if right - current < current - left and i < len(matched) - 1:
            continue
        current += 1 / 40
        counts = [statistics(*image, overlap, score) for image in images]
        positives, wrong = sum(c[0] for c in counts), sum(c[1] for c in counts)
        result.append(positives / (positives + wrong) if positives + wrong else 0.0)
    result += [0.0] * (41 - len(result))
    return [max(result[i:]) for i in range(41)]


def state_of_truth(box: Box, wanted: str, difficulty: str) -> int:
    height, occlusion, truncation = LIMITS[difficulty]
    hard = box.occluded > occlusion or box.truncated > truncation or box.bottom - box.top < height
    if box.type == wanted:
        return 1 if hard else 0
    return 1 if box.type == NEIGHBOURS[wanted] else -1


def state_of_detection(box: Box, rule: str, wanted: str, difficulty: str) -> int:
    if rule == "2017" and int(abs(box.top - box.bottom)) < LIMITS[difficulty][0]:
        return 1
    return 0 if box.type == wanted else -1


def statistics(
    truth: list[Box], truth_states: list[int], found: list[Box], states: list[int], overlap: float, limit: float | None
) -> tuple[int, int, list[float]]:
    """True positives, false positives, scores of the true positives of an image; without a limit the first pass."""
    taken, right, scores = set[int](), 0, list[float]()
    usable = [j for j, box in enumerate(found) if states[j] != -1 and (limit is None or box.score >= limit)]
    for box, state in zip(truth, truth_states):
        free = [j for j in usable if j not in taken and union_ratio(found[j], box) > overlap]
        if state == -1 or not free:
            continue
        if limit is None:
            best = max(free, key=lambda j: found[j].score)
        else:
            good = [j for j in free if states[j] == 0]
            best = max(good, key=lambda j: union_ratio(found[j], box)) if good else free[0]
        taken.add(best)
        if state == 0 and states[best] == 0:
            right += 1
            scores.append(found[best].score)
    wrong = {j for j in usable if states[j] == 0} - taken
    stuff = [box for box in truth if box.type == "DontCare"]
    spared = {j for j in wrong if any(shared(found[j], box) / found[j].area() > overlap for box in stuff)}
    return right, len(wrong - spared), scores


def shared(a: Box, b: Box) -> float:
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    return width * height if width > 0 and height > 0 else 0.0


def union_ratio(found: Box, truth: Box) -> float:
    return shared(found, truth) / (found.area() + truth.area() - shared(found, truth))
