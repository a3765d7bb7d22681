"""Relative-depth pre-training as a task: percentiles of depth from shards."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from training import baselines
from training.baselines import Baselines
from training.configuration import Configuration
from training.distributed import World
from training.input import Example, prepare
from training.loader import Batch, Loader
from training.pretexts import partners
from training.shards import Dataset
from training.subset import SubsetParameters, chosen
from training.task import Predict
from training.validation import Validation, validate


class RelativeDepth:
    """See ``task.Task``."""

    def __init__(self, configuration: Configuration, data: str) -> None:
        """Open a dataset. Raises ``ValueError`` for what the user can mend."""
        configuration.check()
        self.configuration, self.data = configuration.with_outputs(), data
        self.dataset = _subset(Dataset.open(data, configuration.cache), configuration.subset)
        self.fingerprint = self.dataset.fingerprint
        self.baselines: Baselines | None = None

    def loader(self, rank: int, size: int) -> Loader:
        """See ``Task.loader``."""
        cut = self.configuration.windows
        return self._loader("train", rank, size, None if cut is None else cut.frame_size)

    def prepare(self, batch: Batch, device: torch.device) -> Example:
        """See ``Task.prepare``."""
        return prepare(batch, device, self.configuration.augmentation, self.configuration.windows)

    def begin(self, run: Path, world: World) -> None:
        """Baselines, fit by the leading rank on the first samples of the training split's order, or from before."""
        path = run / "baselines.npz"
        if world.leads and not path.exists():
            baselines.save(path, baselines.fit(self._labels()))
        world.wait()
        self.baselines = baselines.load(path)

    def validate(self, predict: Predict, world: World, first: bool) -> Validation:
        """See ``Task.validate``; the baselines do not change: once is enough."""
        record = self.configuration.record
        loader = self._loader("val", world.rank, world.size)
        known = self.baselines if first else None
        return validate(predict, loader, world, record.validation_samples, known, record.overlays)

    def _labels(self) -> Iterator[Any]:
        loader, seen = self._loader("train", 0, 1), 0
        for batch in loader:
            yield from (codes.numpy() for key, codes in zip(batch.keys, batch.codes) if key)
            seen += len(batch.keys)
            if seen >= self.configuration.record.baseline_samples:
                return

    def _loader(self, split: str, rank: int, size: int, frame_size: tuple[int, int] | None = None) -> Loader:
        samples, pretext = self.dataset.split(split), self.configuration.pretext
        # what is validated is depth itself
        shuffled = split == "train" and pretext.name == "shuffled_depth"
        return Loader(
            samples,
            self.configuration.loader,
            frame_size or self.configuration.input_size,
            seed=self.configuration.seed,
            rank=rank,
            world_size=size,
            shuffle=split == "train",
            labels_of=partners(len(samples), pretext.seed) if shuffled else None,
        )


def _subset(dataset: Dataset, parameters: SubsetParameters) -> Dataset:
    """The dataset with a part of its training split."""
    splits = dataset.samples["split"].to_numpy(zero_copy_only=False)
    training = np.flatnonzero(splits == "train")
    kept = splits != "train"
    kept[training[chosen(len(training), parameters)]] = True
    return replace(dataset, samples=dataset.samples.filter(pa.array(kept)))
