"""Which samples a rank takes in which step of which epoch, and where a run is: what all loaders share.

The order is that of ``shard_order``: a pure function of seed and epoch. Each step takes ``batch_size`` samples of it
over all ranks, the last of an epoch what is left; every rank takes every step, with rows that may hold no sample.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.shard_order import epoch_order


class Epochs:
    """A place in the epochs of ``count`` samples."""

    def __init__(self, count: int, batch_size: int, seed: int, rank: int, world_size: int, shuffle: bool) -> None:
        """Raises ``ValueError`` where a batch cannot be dealt to the ranks."""
        if batch_size < 1 or batch_size % world_size:
            raise ValueError(f"a batch of {batch_size} cannot be dealt to {world_size} ranks; give a multiple")
        self.count, self.batch_size, self.seed, self.shuffle = count, batch_size, seed, shuffle
        self.rank, self.world_size, self.rows = rank, world_size, batch_size // world_size
        self.epoch, self.position = 0, 0

    @property
    def steps_per_epoch(self) -> int:
        """Steps of a whole epoch."""
        return -(-self.count // self.batch_size)

    @property
    def steps_left(self) -> int:
        """Steps that remain of this epoch."""
        return -(-(self.count - self.position) // self.batch_size)

    def order(self) -> NDArray[np.int64]:
        """All samples in the order of this epoch."""
        return self.shuffled() if self.shuffle else np.arange(self.count)

    def shuffled(self) -> NDArray[np.int64]:
        """The order where it is shuffled."""
        return epoch_order(np.zeros(self.count, np.int32), self.seed, self.epoch, 1)

    def rest(self, order: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """This rank's samples of each step that remains of an epoch in that order, at most ``rows`` each."""
        starts = range(
            self.position + self.rank * self.rows, self.position + self.steps_left * self.batch_size, self.batch_size
        )
        ends = np.minimum(np.array(starts) + self.rows, self.count)
        return [order[start:end] for start, end in zip(starts, ends)]

    def advance(self) -> None:
        """A step is behind."""
        self.position = min(self.position + self.batch_size, self.count)

    def next_epoch(self) -> None:
        """An epoch is behind."""
        self.epoch, self.position = self.epoch + 1, 0

    def state_dict(self) -> dict[str, Any]:
        """The place, plain values."""
        return {"seed": self.seed, "epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go there."""
        self.seed, self.epoch, self.position = state["seed"], state["epoch"], state["position"]
