"""Metric depth as a task."""

from dataclasses import asdict, astuple
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.depth import Rule, Scores, score_image
from evaluation.depth_resize import resize_disparity
from training.absolute_depth import batches
from training.absolute_depth.batches import DepthBatch, DepthBatches, DepthExample
from training.absolute_depth.configuration import AbsoluteDepthConfiguration
from training.absolute_depth.inference import predict_metres
from training.absolute_depth.overlay import panel
from training.distributed import World
from training.frame_files import fingerprint
from training.frame_loader import FrameLoader
from training.task import Predict
from training.validation import NETWORK, Validation

RULE = Rule("garg")
"""The paper does not name its crop; Garg's is that of the rows it compares with."""


class AbsoluteDepthTask:
    """See ``task.Task``."""

    def __init__(self, configuration: AbsoluteDepthConfiguration, data: str) -> None:
        """Find the frames. Raises ``ValueError`` for what the user can mend."""
        configuration.check()
        self.configuration, self.data = configuration, data
        self.train = configuration.frames(Path(data), validation=False)
        self.validation = configuration.frames(Path(data), validation=True)
        self.fingerprint = fingerprint((f.key, f.image, f.depth) for f in [*self.train, *self.validation])

    def loader(self, rank: int, size: int) -> FrameLoader[DepthBatch]:
        """See ``Task.loader``."""
        own = self.configuration
        made = DepthBatches(self.train, own.input_size, own.augmentation.flip, own.seed)
        return FrameLoader(made.batch, len(self.train), own.loader, self.fingerprint, own.seed, (rank, size))

    def prepare(self, batch: DepthBatch, device: torch.device) -> DepthExample:
        """See ``Task.prepare``."""
        return batches.prepare(batch, device, self.configuration.augmentation)

    def begin(self, run: Path, world: World) -> None:
        """See ``Task.begin``; nothing is needed."""

    def validate(self, predict: Predict, world: World, first: bool) -> Validation:
        """See ``Task.validate``: the frames are dealt to the ranks, one at a time; those without a pixel to score do
        not count.
        """
        record, size = self.configuration.record, self.configuration.input_size
        averaged = self.configuration.prediction.flip_average
        sums, images = np.zeros(len(Scores.__dataclass_fields__)), 0
        shown: list[NDArray[np.uint8]] = []
        for frame in self.validation[: record.validation_samples][world.rank :: world.size]:
            image, truth = frame.pixels(), frame.metres()
            (metres,) = predict_metres(predict, [image], size, world.device, averaged)
            if (found := _score(truth, metres)) is not None:
                sums, images = sums + np.array(astuple(found)), images + 1
            if len(shown) < record.overlays:
                shown.append(panel(image, truth, resize_disparity(metres, truth.shape)))
        both = world.sum(torch.tensor([*sums, images], dtype=torch.float64, device=world.device)).cpu().numpy()
        scores = asdict(Scores(*map(float, both[:-1] / (both[-1] or np.nan))))
        return Validation({NETWORK: scores}, int(both[-1]), scores["abs_rel"], shown)


def _score(truth: NDArray[np.float32], metres: NDArray[np.float32]) -> Scores | None:
    """Scores of a frame at the size of its truth, resized as monodepth does; None where nothing can be scored."""
    try:
        return score_image(truth, resize_disparity(metres, truth.shape), RULE)
    except ValueError:
        if np.isfinite(metres).all():
            return None  # no truth within the crop
        raise
