"""Seeded subsets of a training split, nested: a smaller one is within every larger one of the same seed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.shard_order import SUBSET, random_bits


@dataclass(frozen=True)
class SubsetParameters:
    """How much of the training split is used; the validation split always is whole."""

    fraction: float = 1.0
    """share of the samples, in (0, 1]"""
    max_samples: int | None = None
    """at most so many"""
    seed: int = 0
    """another subset of the same size"""

    def check(self) -> None:
        """Raise ``ValueError`` for what is no part."""
        if not 0 < self.fraction <= 1:
            raise ValueError(f"subset.fraction must be in (0, 1], not {self.fraction}")
        if self.max_samples is not None and self.max_samples < 1:
            raise ValueError(f"subset.max_samples must be positive, not {self.max_samples}")


def chosen(count: int, parameters: SubsetParameters) -> NDArray[np.int64]:
    """The numbers of the samples that are used, of ``count``, ascending; at least one.

    All samples are ordered by a random number of their own; the first of this order are taken.
    """
    wanted = max(1, round(parameters.fraction * count))
    if parameters.max_samples is not None:
        wanted = min(wanted, parameters.max_samples)
    order = np.argsort(random_bits(parameters.seed, SUBSET, np.arange(count)), kind="stable")
    return np.sort(order[:wanted])
