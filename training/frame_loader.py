"""Batches made of image files, in an order that workers and ranks do not change."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from training.epochs import Epochs
from training.frame_files import FrameError
from training.workers import by_workers

Batch = TypeVar("Batch")
Make = Callable[[int, NDArray[np.int64], int], Batch]
"""From an epoch, the numbers of samples in it, and how many rows a batch has, to that batch; in a worker."""


@dataclass(frozen=True)
class FrameLoaderParameters:
    """How samples become batches."""

    batch_size: int = 8
    """samples in a step, over all ranks"""
    workers: int = 2
    """processes that read, for each rank; 0: the trainer itself"""
    prefetch: int = 4
    """batches that each worker prepares ahead"""


class FrameLoader(Epochs, Generic[Batch]):
    """Iterates over the rest of an epoch, then over the next; knows where it is. See ``task.BatchLoader``."""

    def __init__(
        self,
        make: Make[Batch],
        count: int,
        parameters: FrameLoaderParameters,
        fingerprint: str,
        seed: int,
        ranks: tuple[int, int] = (0, 1),
        shuffle: bool = True,
    ) -> None:
        """``count`` samples an epoch; ``fingerprint`` is of the data that a run goes on with; ``ranks``: which of how
        many. Raises ``ValueError`` for a batch that cannot be dealt to them.
        """
        super().__init__(count, parameters.batch_size, seed, *ranks, shuffle)
        self.make, self.fingerprint, self.parameters = make, fingerprint, parameters

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

    def __iter__(self) -> Iterator[Batch]:
        """Batches of this rank. Raises ``FrameError`` that names a file that cannot be used."""
        for batch in by_workers(_Steps(self), self.parameters.workers, self.parameters.prefetch):
            if isinstance(batch, FrameError):
                # handed over as a value: a worker's exception would arrive as its traceback
                raise batch
            self.advance()
            yield batch
        self.next_epoch()


class _Steps(Dataset[Batch | FrameError], Generic[Batch]):
    """The steps of the rest of an epoch; what a worker has."""

    def __init__(self, loader: FrameLoader[Batch]) -> None:
        self.make, self.epoch, self.rows = loader.make, loader.epoch, loader.rows
        self.steps = loader.rest(loader.order())

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, step: int) -> Batch | FrameError:
        try:
            return self.make(self.epoch, self.steps[step], self.rows)
        except FrameError as error:
            return error
