"""Colorisation and autoencoding as tasks: the frames of the shards, their labels left alone."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training import pretexts
from training.distributed import World
from training.loader import Batch
from training.pretexts import PictureExample
from training.relative_depth import RelativeDepth
from training.task import Predict
from training.validation import NETWORK, Validation


class PicturePretext(RelativeDepth):
    """See ``task.Task``; data, order and steps are those of relative depth."""

    def prepare(self, batch: Batch, device: torch.device) -> PictureExample:  # type: ignore[override]
        """See ``Task.prepare``."""
        own = self.configuration
        return pretexts.prepare(batch, device, own.augmentation, own.pretext.name, own.windows)

    def begin(self, run: Path, world: World) -> None:
        """See ``Task.begin``; nothing is needed."""

    def validate(self, predict: Predict, world: World, first: bool) -> Validation:
        """See ``Task.validate``."""
        record, name = self.configuration.record, self.configuration.pretext.name
        loader = self._loader("val", world.rank, world.size)
        sums, shown = torch.zeros(2, dtype=torch.float64, device=world.device), list[NDArray[np.uint8]]()
        for step, batch in enumerate(loader):
            example = pretexts.prepare(batch, world.device, None, name)
            predicted = predict(example.images)
            sums[0] += pretexts.distance(predicted, example).sum()
            sums[1] += example.present.sum()
            shown += _panels(example, predicted)[: record.overlays - len(shown)]
            if (step + 1) * self.configuration.batch_size >= record.validation_samples:
                break
        total, count = world.sum(sums).tolist()
        return Validation({NETWORK: {"l1": total / count}}, int(count), total / count, shown)


def _panels(example: PictureExample, predicted: torch.Tensor) -> list[NDArray[np.uint8]]:
    """What the network saw, then each channel of the truth and of the prediction in grey, side by side."""
    panels = []
    for seen, truth, found in zip(example.images, example.truth, predicted.float().clamp(0, 1)):
        grey = torch.cat([*truth, *found], dim=1)[None].expand(3, -1, -1)
        panels.append((255 * torch.cat([seen, grey], dim=2)).round().byte().permute(1, 2, 0).cpu().numpy())
    return panels
