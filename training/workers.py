"""Batches made by worker processes, the same for all loaders."""

from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, Dataset


def by_workers(steps: Dataset[Any], workers: int, prefetch: int) -> DataLoader[Any]:
    """The batches of ``steps``, one an index; each of ``workers`` prepares ``prefetch`` ahead, 0 the trainer itself."""
    return DataLoader(
        steps,
        batch_size=None,
        num_workers=workers,
        prefetch_factor=prefetch if workers else None,
        collate_fn=_as_it_is,
        pin_memory=torch.cuda.is_available(),  # of batches that have such a method
        worker_init_fn=_one_thread,
        # A fork starts at once and shares what is read. Its own generator: the trainer's stays untouched.
        multiprocessing_context="fork" if workers else None,
        generator=torch.Generator(),
    )


def _as_it_is(batch: Any) -> Any:
    return batch


def _one_thread(_: int) -> None:
    cv2.setNumThreads(0)
