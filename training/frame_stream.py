"""Batches from image files in an endless order that is a pure function of seed and step.

A run therefore goes on anywhere without a state of the data, and workers do not change what a step sees.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from training.shard_order import random_bits

Batch = TypeVar("Batch")


class FrameStream(Dataset[Batch], Generic[Batch]):
    """The steps of a run; step s is item s."""

    def __init__(self, workers: int, prefetch: int) -> None:
        """``workers`` processes make the batches, each ``prefetch`` ahead; with 0 the trainer itself does."""
        self.workers, self.prefetch = workers, prefetch

    def __getitem__(self, step: int) -> Batch:
        """The batch of a step."""
        raise NotImplementedError

    def batches(self, first: int, last: int) -> Iterator[Batch]:
        """Those of steps from ``first`` up to ``last``, in order."""
        loader: DataLoader[Batch] = DataLoader(
            self,
            sampler=range(first, last),
            batch_size=None,
            num_workers=self.workers,
            prefetch_factor=self.prefetch if self.workers else None,
            collate_fn=_as_it_is,
            worker_init_fn=_one_thread,
            # A fork starts at once and shares the frames. Its own generator: the trainer's stays untouched.
            multiprocessing_context="fork" if self.workers else None,
            generator=torch.Generator(),
        )
        return iter(loader)


def nth(count: int, seed: int, purpose: int, place: int) -> int:
    """The frame, of ``count``, at a place of the endless order: each epoch is a shuffle of its own.

    ``purpose`` keeps the orders of several sets of frames apart.
    """
    epoch, within = divmod(place, count)
    return int(np.argsort(random_bits(seed, epoch, purpose, np.arange(count)), kind="stable")[within])


def _as_it_is(batch: Batch) -> Batch:
    return batch


def _one_thread(_: int) -> None:
    cv2.setNumThreads(0)
