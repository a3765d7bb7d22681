"""Batches of decoded samples, in an order that workers and ranks do not change."""

import logging
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset as TorchDataset

from training import windows
from training.batch_memory import BatchMemory
from training.decode import CODES, CONFIDENCE, decode_frame, decode_labels
from training.epochs import Epochs
from training.sample import SampleError, members
from training.shard_cache import Position
from training.shard_order import AUGMENTATION, epoch_order, uniform
from training.shards import DatasetError, Split
from training.workers import by_workers

DRAWS = 5 + windows.DRAWS
"""Random numbers that a sample gets: for its flip and four changes of colour, and for its window."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoaderParameters:
    """How samples become batches."""

    batch_size: int = 32
    """samples in a step, over all ranks"""
    workers: int = 2
    """processes that decode, for each rank; 0 decodes in the trainer itself"""
    prefetch: int = 3
    """batches that each worker prepares ahead"""
    shards_mixed: int = 16
    """shards that neighbouring samples come from"""
    labels: str = "median"
    """how labels are resized: median or nearest"""
    confidence: bool = False
    """decode the confidence of labels too"""
    skipped_fraction: float = 0.01
    """share of an epoch's samples that may turn out unreadable"""


@dataclass(frozen=True)
class Skipped:
    """A sample that could not be used, and why."""

    key: str
    shard: str
    reason: str


@dataclass
class Batch:
    """A rank's part of a step: N rows, those without a sample have key "", no labels and another row's image."""

    images: torch.Tensor  # uint8 (N, 3, H, W) RGB, channels_last
    codes: torch.Tensor  # uint8 (N, H, W), 0 = no label
    confidence: torch.Tensor | None  # uint8 (N, H, W), 0 = none
    draws: torch.Tensor  # float32 (N, DRAWS) in [0, 1): each sample's own random numbers in this epoch
    keys: list[str]
    skipped: list[Skipped] = field(default_factory=list)

    def pin_memory(self) -> "Batch":
        """The batch in page-locked memory; torch calls this."""
        confidence = self.confidence.pin_memory() if self.confidence is not None else None
        images, codes = self.images.pin_memory(), self.codes.pin_memory()
        return Batch(images, codes, confidence, self.draws.pin_memory(), self.keys, self.skipped)


@dataclass
class _Filled:
    """A batch on its way: its pixels in a slot, or where none was free in a tensor of their own."""

    pixels: int | torch.Tensor
    memory: int
    rows: int
    size: tuple[int, int]
    draws: torch.Tensor
    keys: list[str]
    skipped: list[Skipped]

    def batch(self) -> Batch:
        """The batch, which holds the slot until it is gone."""
        pixels = self.pixels
        if isinstance(pixels, int):
            pixels = BatchMemory.find(self.memory).lend(pixels)
        images, codes, confidence = _parts(pixels, self.rows, self.size)
        return Batch(images.permute(0, 3, 1, 2), codes, confidence, self.draws, self.keys, self.skipped)

    def pin_memory(self) -> Batch:
        """The batch in page-locked memory; torch calls this."""
        return self.batch().pin_memory()


class Loader(Epochs):
    """Iterates over the rest of an epoch, then over the next; knows where it is.

    Every sample comes exactly once an epoch over all ranks; all ranks take ``steps_per_epoch`` steps.
    """

    def __init__(
        self,
        split: Split,
        parameters: LoaderParameters,
        size: tuple[int, int],
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        shuffle: bool = True,
        labels_of: NDArray[np.int64] | None = None,
    ) -> None:
        """``size`` is height and width of the network's input; ``labels_of`` the sample whose label each gets, if not
        its own. Raises ``ValueError`` for what cannot work.
        """
        super().__init__(len(split), parameters.batch_size, seed, rank, world_size, shuffle)
        if (cache := split.cache()) is not None:
            cache.require(parameters.shards_mixed, max(shard["bytes"] for shard in split.dataset.shards.values()))
        self.split, self.parameters, self.size = split, parameters, size
        self.labels_of = labels_of
        self.skipped: list[Skipped] = []
        """What this rank could not read in this epoch, as far as it is."""

    def state_dict(self) -> dict[str, Any]:
        """Where the loader is: behind the last batch that it handed out."""
        return {**super().state_dict(), "dataset": self.split.dataset.fingerprint}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where another loader was. Raises ``ValueError`` where it read another dataset."""
        if state["dataset"] != self.split.dataset.fingerprint:
            raise ValueError(
                f"the run read dataset {state['dataset']}, {self.split.dataset.folder} is "
                f"{self.split.dataset.fingerprint}: it cannot be resumed here; start a new run"
            )
        super().load_state_dict(state)
        self.skipped = []

    def __iter__(self) -> Iterator[Batch]:
        order = self.order()
        position = Position(self.position)
        rest = _Batches(self, self.rest(order))
        batches = iter(by_workers(rest, self.parameters.workers, self.parameters.prefetch))
        self._fetch_ahead(order, position)
        try:
            for found in batches:
                batch = found if isinstance(found, Batch) else found.batch()
                self.advance()
                position.advance(self.position)
                self._note(batch.skipped)
                yield batch
                del batch  # its memory is free again when the caller lets go of it, too
        finally:
            position.close()
        if self.skipped:
            log.warning("epoch %d: %s", self.epoch, self.report())
        self.next_epoch()
        self.skipped = []

    def shuffled(self) -> NDArray[np.int64]:
        """See ``Epochs.shuffled``: neighbours come from several shards."""
        return epoch_order(self.split.shard, self.seed, self.epoch, self.parameters.shards_mixed)

    def _fetch_ahead(self, order: NDArray[np.int64], position: Position) -> None:
        cache = self.split.cache()
        if cache is None:
            return
        rest = self.split.shard[order[self.position :]]
        numbers, first = np.unique(rest, return_index=True)
        folder, shards = self.split.dataset.folder, self.split.dataset.shards
        names = [(int(place) + self.position, self.split.shards[number]) for number, place in zip(numbers, first)]
        cache.fetch_ahead([(at, f"{folder}/{name}", shards[name]["sha256"]) for at, name in sorted(names)], position)

    def _note(self, skipped: list[Skipped]) -> None:
        """Count what was skipped. Raises ``DatasetError`` where it is too much."""
        known = {old.shard for old in self.skipped}
        for new in skipped:
            if new.shard not in known:
                log.warning("%s in %s is skipped: %s", new.key, new.shard, new.reason)
            known.add(new.shard)
        self.skipped += skipped
        if len(self.skipped) > self.parameters.skipped_fraction * len(self.split) / self.world_size:
            raise DatasetError(
                f"{self.report()}. That is more than skipped_fraction {self.parameters.skipped_fraction:g} allows: "
                "check the dataset with `python -m pipeline lint`, mend it or allow more"
            )

    def report(self) -> str:
        """What this rank skipped in this epoch so far: how many, and an example of each of the worst shards."""
        shards = Counter(skipped.shard for skipped in self.skipped)
        reasons = {skipped.shard: f"{skipped.key}: {skipped.reason}" for skipped in reversed(self.skipped)}
        named = "; ".join(f"{shard}: {count}, as {reasons[shard]}" for shard, count in shards.most_common(5))
        return f"{len(self.skipped)} of {len(self.split)} samples of {self.split.name} cannot be read: {named}"


class _Batches(TorchDataset[_Filled]):
    """The steps of the rest of an epoch; what a worker has."""

    def __init__(self, loader: Loader, steps: list[NDArray[np.int64]]) -> None:
        self.split, self.parameters, self.size = loader.split, loader.parameters, loader.size
        self.seed, self.epoch, self.rows, self.steps = loader.seed, loader.epoch, loader.rows, steps
        self.labels_of = loader.labels_of
        self.reader = loader.split.reader()
        height, width = self.size
        self.bytes = self.rows * height * width * (5 if self.parameters.confidence else 4)
        # being filled, waiting, and with the trainer, which looks at a batch one step later
        slots = self.parameters.workers * (self.parameters.prefetch + 1) + 3
        self.memory = BatchMemory(slots, self.bytes)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, step: int) -> _Filled:
        return self._decoded(self.steps[step])

    def _decoded(self, numbers: NDArray[np.int64]) -> _Filled:
        slot = self.memory.take()
        pixels = torch.empty(self.bytes, dtype=torch.uint8) if slot is None else self.memory.to_fill(slot)
        images, codes, confidence = _parts(pixels, self.rows, self.size)
        keys, skipped = [""] * self.rows, []
        into = [part.numpy() for part in (images, codes, confidence) if part is not None]
        found = self._read(numbers)
        others, labels = numbers, found
        if self.labels_of is not None:
            others = self.labels_of[numbers]
            labels = self._read(others)
        for row, number in enumerate(numbers):
            key = self.split.key(number)
            try:
                own = _members(key, found[row])
                content = own if labels is found else _members(self.split.key(others[row]), labels[row])
                self._decode(own["jpg"], content, *(part[row] for part in into))
            except SampleError as error:
                skipped.append(Skipped(key, self.split.place(number)[0], str(error)))
            else:
                keys[row] = key
        _fill(keys, images, codes, confidence)
        sent = pixels if slot is None else slot
        return _Filled(sent, self.memory.number, self.rows, self.size, self._draws(numbers), keys, skipped)

    def _draws(self, numbers: NDArray[np.int64]) -> torch.Tensor:
        draws = torch.zeros(self.rows, DRAWS)
        found = uniform(self.seed, self.epoch, AUGMENTATION, numbers[:, None], np.arange(DRAWS))
        draws[: len(numbers)] = torch.from_numpy(found.astype(np.float32))
        return draws

    def _read(self, numbers: NDArray[np.int64]) -> list[bytes | SampleError]:
        return self.reader.read([self.split.place(number) for number in numbers])

    def _decode(
        self,
        frame: bytes,
        content: dict[str, bytes],
        image: NDArray[np.uint8],
        codes: NDArray[np.uint8],
        confidence: NDArray[np.uint8] | None = None,
    ) -> None:
        decode_frame(frame, image)
        decode_labels(content[CODES], codes, self.parameters.labels)
        if confidence is not None:
            if CONFIDENCE not in content:
                raise SampleError("no confidence.png")
            decode_labels(content[CONFIDENCE], confidence, self.parameters.labels)


def _members(key: str, found: bytes | SampleError) -> dict[str, bytes]:
    if isinstance(found, SampleError):
        raise found
    return members(key, found)


def _parts(
    pixels: torch.Tensor, rows: int, size: tuple[int, int]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Images (N, H, W, 3), codes (N, H, W) and, where there is room for it, confidence (N, H, W), in one block."""
    shape, area = (rows, *size), rows * math.prod(size)
    images, codes, confidence = pixels[: 3 * area], pixels[3 * area : 4 * area], pixels[4 * area :]
    return images.reshape(*shape, 3), codes.reshape(shape), confidence.reshape(shape) if len(confidence) else None


def _fill(keys: list[str], images: torch.Tensor, codes: torch.Tensor, confidence: torch.Tensor | None) -> None:
    """Rows without a sample: no labels, and another row's frame, which leaves the statistics of a network alone."""
    good = [row for row, key in enumerate(keys) if key]
    for row, key in enumerate(keys):
        if not key:
            images[row] = images[good[row % len(good)]] if good else 0
            codes[row] = 0
            if confidence is not None:
                confidence[row] = 0
