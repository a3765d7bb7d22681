"""From what cells say to a list of cars: boxes, suppression of doubles, KITTI's result files."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray

from training.models.fastbox import Cars, centres

LEAST = 0.001
"""Confidence of what is kept."""
OVERLAP = 0.35
"""Intersection over union beyond which two boxes are one car."""
SAME = 0.7
"""Intersection over union beyond which stitching takes the more confident of two boxes."""
BANDS = (
    (0.80, 1.0), (0.70, 0.9), (0.60, 0.8), (0.50, 0.7), (0.40, 0.6), (0.30, 0.5),
    (0.20, 0.4), (0.10, 0.3), (0.05, 0.2), (0.02, 0.1), (0.005, 0.4), (0.001, 0.01),
)  # fmt: skip
"""Confidences, above and at most, of the passes of stitching."""


Joining = Literal["nms", "stitch"]
"""How boxes of one car become one: torchvision's non-maximum suppression, or the reference's stitching."""


@dataclass(frozen=True)
class Detections:
    """K cars of an image, the most confident first."""

    boxes: NDArray[np.float32]  # (K, 4): left, top, right, bottom, pixels
    scores: NDArray[np.float32]  # (K,) in [0, 1]

    def __len__(self) -> int:
        return len(self.scores)

    def scaled(self, x: float, y: float) -> "Detections":
        """The same in an image resized by these factors."""
        return Detections(self.boxes * np.array([x, y, x, y], np.float32), self.scores)

    def within(self, height: int, width: int) -> "Detections":
        """The same, cut to an image of this size."""
        limits = np.array([width - 1, height - 1, width - 1, height - 1], np.float32)
        return Detections(np.clip(self.boxes, 0, limits), self.scores)

    def lines(self) -> list[str]:
        """The lines of KITTI's result file; what a 2D detector does not know is 0, 1 or -1 as the reference has it."""
        return [
            "Car 0 1 0 " + " ".join(f"{edge:.2f}" for edge in box) + f" 0 0 0 0 0 0 0 {score:.6f}"
            for box, score in zip(self.boxes.tolist(), self.scores.tolist())
        ]


def of_cells(cars: Cars) -> list[Detections]:
    """The boxes of all cells of N images whose confidence exceeds .001, in the order of the cells.

    The offset of a centre is cut to whole pixels, as the reference does.
    """
    box, scores = cars.final_box.detach().cpu(), torch.softmax(cars.final_scores.detach(), dim=-1)[..., 1].cpu()
    centre = box[..., :2].trunc() + centres(box.shape[1], box.shape[2])
    half = box[..., 2:].abs() / 2
    corners = torch.cat([centre - half, centre + half], dim=-1).flatten(1, 2)
    found = []
    for boxes, confidence in zip(corners, scores.flatten(1)):
        kept = confidence > LEAST
        found.append(Detections(boxes[kept].numpy(), confidence[kept].numpy()))
    return found


def joined(found: Detections, how: Joining) -> Detections:
    """One box a car."""
    return suppressed(found) if how == "nms" else stitched(found)


def suppressed(found: Detections, overlap: float = OVERLAP) -> Detections:
    """Without boxes that a more confident one overlaps (torchvision's non-maximum suppression)."""
    kept = torchvision.ops.nms(torch.from_numpy(found.boxes), torch.from_numpy(found.scores), overlap).numpy()
    return Detections(found.boxes[kept], found.scores[kept])


def stitched(found: Detections, overlap: float = OVERLAP) -> Detections:
    """As the reference puts boxes together, in twelve passes from sure to unsure.

    A box that overlaps no accepted one is accepted. Else it belongs to the nearest of those it overlaps, and goes,
    unless it is more confident than that one, but not beyond the pass's upper limit, and nearly the same box: then it
    takes its place. The reference solves an assignment by the Hungarian algorithm; since a cell has but one box, that
    is the least cost of a row.
    """
    accepted: list[int] = []
    for low, high in BANDS:
        for candidate in np.flatnonzero(found.scores > low).tolist():
            _stitch(found, candidate, accepted, high, overlap)
    order = sorted(accepted, key=lambda place: -float(found.scores[place]))
    return Detections(found.boxes[order], found.scores[order])


def _stitch(found: Detections, candidate: int, accepted: list[int], high: float, overlap: float) -> None:
    boxes, scores = found.boxes, found.scores
    shared = intersection_over_union(boxes[candidate], boxes[accepted])
    rivals = np.flatnonzero(shared > overlap)
    if not len(rivals):
        accepted.append(candidate)
        return
    cost = (_distance(boxes[candidate], boxes[np.array(accepted)[rivals]]) / 10).astype(int)
    rival = int(rivals[np.argmin(cost)])
    surer = scores[accepted[rival]] < scores[candidate] <= high
    if surer and shared[rival] > SAME:
        del accepted[rival]
        accepted.append(candidate)


def intersection_over_union(box: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """(K,) of a box (4,) with boxes (K, 4), edges in pixels without the devkit's absent + 1."""
    box, boxes = np.asarray(box, float), np.asarray(boxes, float).reshape(-1, 4)
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.clip(sides, 0, None).prod(1)
    union = (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(1) - shared
    return shared / np.maximum(union, 1e-12)


def _distance(box: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """(K,) sums of the distances of centres, and of the differences of sides, in x and y."""
    centre, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    centres, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    return np.abs(np.concatenate([centres - centre, sizes - size], axis=1)).sum(1).astype(float)
