"""MultiNet as a task."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation import detection, road
from evaluation.kitti_labels import Objects, read_objects
from training.distributed import World
from training.frame_files import fingerprint
from training.frame_loader import FrameLoader
from training.multinet import step
from training.multinet.configuration import MultiNetConfiguration
from training.multinet.data import open_split
from training.multinet.detections import Detections
from training.multinet.frames import NEITHER, ROAD, CarFrame, RoadFrame
from training.multinet.inference import Eyes
from training.multinet.overlay import labelled, overlay
from training.multinet.rows import RowBatch, Rows
from training.task import Predict
from training.validation import NETWORK, Validation


class MultiNetTask:
    """See ``task.Task``."""

    def __init__(self, configuration: MultiNetConfiguration, data: str) -> None:
        """Find the frames. Raises ``ValueError`` for what the user can mend."""
        configuration.check()
        self.configuration, self.data = configuration.row_by_row(), data
        heads, wanted = configuration.multinet.heads, configuration.dataset
        self.train = open_split(Path(data), wanted, heads, configuration.subset, validation=False)
        self.validation = open_split(Path(data), wanted, heads, configuration.subset, validation=True)
        splits = self.train, self.validation
        self.fingerprint = fingerprint(
            [(frame.key, frame.image, frame.ground_truth) for split in splits for frame in split.road]
            + [(frame.key, frame.image, frame.labels) for split in splits for frame in split.cars]
        )

    def loader(self, rank: int, size: int) -> FrameLoader[RowBatch]:
        """See ``Task.loader``."""
        own = self.configuration
        rows = Rows(own.dataset, self.train.road, self.train.cars, own.seed)
        return FrameLoader(rows.batch, len(rows), own.loader, self.fingerprint, own.seed, (rank, size), shuffle=False)

    def prepare(self, batch: RowBatch, device: torch.device) -> step.JointExample:
        """See ``Task.prepare``."""
        return step.prepare(batch, device)

    def begin(self, run: Path, world: World) -> None:
        """See ``Task.begin``; nothing is needed."""

    def validate(self, predict: Predict, world: World, first: bool) -> Validation:
        """See ``Task.validate``: the leading rank alone looks at all frames, and tells the others."""
        count = self.configuration.record.validation_samples
        eyes = Eyes(predict, self.configuration.dataset, world.device, self.configuration.prediction.joining)
        scores, shown = dict[str, float](), list[NDArray[np.uint8]]()
        if world.leads:
            if self.validation.road:
                scores |= self._road(eyes, self.validation.road[:count], shown)
            if self.validation.cars:
                scores |= self._cars(eyes, self.validation.cars[:count], shown)
        names = list(self.configuration.card().scores)
        found = world.sum(torch.tensor([scores.get(name, 0.0) for name in names], dtype=torch.float64))
        scores = dict(zip(names, found.tolist()))
        good = [scores[name] for name in ("max_f", "moderate") if name in scores]
        images = min(count, max(len(self.validation.road), len(self.validation.cars)))
        # the best is best at both, each counting alike
        return Validation({NETWORK: scores}, images, 1 - float(np.mean(np.nan_to_num(good))) / 100, shown)

    def _road(self, eyes: Eyes, frames: Iterable[RoadFrame], shown: list[NDArray[np.uint8]]) -> dict[str, float]:
        tally = road.Tally()
        for frame in frames:
            image, labels = frame.pixels(), frame.labels()
            probability = eyes.road(image)
            tally.add(labels == ROAD, labels != NEITHER, probability)
            if len(shown) < self.configuration.record.overlays:
                shown.append(np.hstack([labelled(image, labels == ROAD, ()), overlay(image, probability, None)]))
        found = tally.scores()
        return {"max_f": 100 * found.max_f, "road_ap": 100 * found.average_precision}

    def _cars(self, eyes: Eyes, frames: list[CarFrame], shown: list[NDArray[np.uint8]]) -> dict[str, float]:
        found = []
        for number, frame in enumerate(frames):
            image = frame.pixels()
            found.append(eyes.cars(image))
            if number < self.configuration.record.overlays:
                shown.append(np.hstack([labelled(image, None, frame.annotations), overlay(image, None, found[-1])]))
        truth = read_objects([frame.labels for frame in frames], scored=False)
        scores = detection.score_objects(truth, objects_of(found))
        return {name: scores[name].R40 for name in ("easy", "moderate", "hard")}


def objects_of(found: list[Detections]) -> Objects:
    """Detections of images as result files would have them."""
    count = sum(map(len, found))
    return Objects(
        starts=np.cumsum([0, *map(len, found)]),
        types=np.full(count, "car"),
        truncated=np.full(count, -1.0),
        occluded=np.full(count, -1.0),
        boxes=np.concatenate([each.boxes for each in found]).astype(np.float64).reshape(-1, 4),
        scores=np.concatenate([each.scores for each in found]).astype(np.float64),
    )
