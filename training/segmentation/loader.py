"""Batches of crops of labelled images, in an order that workers and ranks do not change."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from evaluation.classes import VOID
from training.epochs import Epochs
from training.segmentation.images import Pair, crop, read, scaled
from training.segmentation.layouts import LabelledDataError, LabelledImage, LabelledImages
from training.shard_order import AUGMENTATION, uniform

DRAWS = 7
"""Random numbers that a sample gets: flip, four of the jitter, the place of its crop."""


@dataclass(frozen=True)
class CropParameters:
    """What the network is trained on; it is validated on whole images of this scale."""

    height: int = 512  # pixels, after scaling
    width: int = 512  # pixels
    scale: float = 1.0  # of images before they are cropped


@dataclass(frozen=True)
class CropLoaderParameters:
    """How images become batches."""

    batch_size: int = 16  # crops in a step, over all ranks
    workers: int = 2  # processes that decode, for each rank; 0 decodes in the trainer itself
    prefetch: int = 3  # batches that each worker prepares ahead


@dataclass
class CropBatch:
    """A rank's part of a step: N rows; those without a sample have key "" and are void."""

    images: torch.Tensor  # uint8 (N, 3, H, W) RGB, channels_last
    labels: torch.Tensor  # uint8 (N, H, W) training ids
    draws: torch.Tensor  # float32 (N, DRAWS) in [0, 1): each sample's own random numbers in this epoch
    keys: list[str]

    def pin_memory(self) -> "CropBatch":
        """The batch in page-locked memory; torch calls this."""
        return CropBatch(self.images.pin_memory(), self.labels.pin_memory(), self.draws.pin_memory(), self.keys)


class CropLoader(Epochs):
    """Iterates over the rest of an epoch of random crops, then over the next; knows where it is."""

    def __init__(
        self,
        data: LabelledImages,
        fingerprint: str,
        parameters: CropLoaderParameters,
        crops: CropParameters,
        seed: int,
        rank: int,
        world_size: int,
    ) -> None:
        """``fingerprint`` is of the data that a run must have to be resumed."""
        super().__init__(len(data.images), parameters.batch_size, seed, rank, world_size, shuffle=True)
        self.data, self.fingerprint, self.parameters, self.crops = data, fingerprint, parameters, crops

    def state_dict(self) -> dict[str, Any]:
        """See ``task.BatchLoader``."""
        return {**super().state_dict(), "dataset": self.fingerprint}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See ``task.BatchLoader``."""
        if state["dataset"] != self.fingerprint:
            raise ValueError(
                f"the run was trained on data {state['dataset']}, this is {self.fingerprint}: it cannot be resumed "
                "here; start a new run"
            )
        super().load_state_dict(state)

    def __iter__(self) -> Iterator[CropBatch]:
        """Batches of this rank. Raises ``LabelledDataError`` that names a file that cannot be used."""
        for batch in _loaded(_Crops(self), self.parameters):
            self.advance()
            yield batch
        self.next_epoch()


class _Crops(TorchDataset[CropBatch | LabelledDataError]):
    """The steps of the rest of an epoch; what a worker has."""

    def __init__(self, loader: CropLoader) -> None:
        self.data, self.crops, self.steps = loader.data, loader.crops, loader.rest()
        self.seed, self.epoch, self.rows = loader.seed, loader.epoch, loader.rows

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, step: int) -> CropBatch | LabelledDataError:
        numbers = self.steps[step]
        height, width = self.crops.height, self.crops.width
        images = torch.zeros(self.rows, height, width, 3, dtype=torch.uint8)
        labels = torch.full((self.rows, height, width), VOID, dtype=torch.uint8)
        draws = torch.zeros(self.rows, DRAWS)
        keys = [""] * self.rows
        found = uniform(self.seed, self.epoch, AUGMENTATION, numbers[:, None], np.arange(DRAWS))
        draws[: len(numbers)] = torch.from_numpy(found.astype(np.float32))
        for row, number in enumerate(numbers):
            labelled = self.data.images[number]
            try:
                frame, label = self._crop(labelled, found[row])
            except LabelledDataError as error:
                return error
            images[row], labels[row] = torch.from_numpy(frame.copy()), torch.from_numpy(label.copy())
            keys[row] = labelled.key
        return CropBatch(images.permute(0, 3, 1, 2), labels, draws, keys)

    def _crop(self, labelled: LabelledImage, draws: NDArray[np.float64]) -> Pair:
        pair = scaled(read(labelled, self.data.layout), self.crops.scale)
        return crop(pair, (self.crops.height, self.crops.width), (draws[-2], draws[-1]), labelled.image)


class WholeImages(TorchDataset[Any]):
    """Images of a split one by one, whole, every ``size``-th from ``rank`` on.

    Iterating ``read_ahead`` of it gives key, RGB and training ids, (H, W, 3) and (H, W), at their full size.
    """

    def __init__(self, data: LabelledImages, limit: int, rank: int, size: int) -> None:
        self.data, self.images = data, data.images[:limit][rank::size]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> tuple[str, NDArray[np.uint8], NDArray[np.uint8]] | LabelledDataError:
        labelled = self.images[number]
        try:
            return labelled.key, *read(labelled, self.data.layout)
        except LabelledDataError as error:
            return error


def read_ahead(images: WholeImages, parameters: CropLoaderParameters) -> Iterator[Any]:
    """What ``WholeImages`` holds. Raises ``LabelledDataError`` that names a file that cannot be used."""
    return _loaded(images, parameters)


def _loaded(steps: TorchDataset[Any], parameters: CropLoaderParameters) -> Iterator[Any]:
    loader = DataLoader(
        steps,
        batch_size=None,
        num_workers=parameters.workers,
        prefetch_factor=parameters.prefetch if parameters.workers else None,
        collate_fn=_as_it_is,
        pin_memory=torch.cuda.is_available(),
        worker_init_fn=_one_thread,
        # a fork shares the list of images; its own generator: the trainer's stays untouched
        multiprocessing_context="fork" if parameters.workers else None,
        generator=torch.Generator(),
    )
    for found in loader:
        if isinstance(found, LabelledDataError):
            # handed over as a value: a worker's exception would arrive as its traceback
            raise found
        yield found


def _as_it_is(step: Any) -> Any:
    return step


def _one_thread(_: int) -> None:
    cv2.setNumThreads(0)
