"""In which order an epoch takes the samples: a pure function of seed, epoch and the sizes of the shards.

Neither ranks nor workers nor library versions enter: the random numbers are hashes of what they are for (splitmix64,
Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, 2014).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
SHARDS, SAMPLES, AUGMENTATION, SUBSET, PARTNERS = 1, 2, 3, 4, 5
"""What random numbers are for; each has its own stream."""


def random_bits(*counters: Any) -> NDArray[np.uint64]:
    """64 random bits for each combination of non-negative integer counters; arrays broadcast.

    ``random_bits(s)`` is the first output of splitmix64 in state s.
    """
    bits = np.zeros(1, np.uint64)
    for counter in counters:
        bits = _mix((bits ^ np.asarray(counter).astype(np.uint64)) + GOLDEN)
    return bits


def uniform(*counters: Any) -> NDArray[np.float64]:
    """Uniform random numbers in [0, 1) with 53 bits, one for each combination of counters."""
    return (random_bits(*counters) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def epoch_order(shard: NDArray[np.int32], seed: int, epoch: int, shards_mixed: int) -> NDArray[np.int64]:
    """The samples of a split in the order of an epoch, each exactly once.

    ``shard`` (N,) is the number of the shard each sample is in. The shards are shuffled; each then spreads its samples
    over the places of about ``shards_mixed`` shards around its own, so that neighbours come from many shards while
    only that many need to be at hand: a window that slides instead of jumping. Up to half as many shards are shuffled
    as one.
    """
    numbers, inverse = np.unique(shard, return_inverse=True)
    place = np.empty(len(numbers))
    place[np.argsort(random_bits(seed, epoch, SHARDS, numbers), kind="stable")] = np.arange(len(numbers))
    half = shards_mixed / 2
    first, last = np.maximum(place - half, 0), np.minimum(place + 1 + half, len(numbers))
    within = uniform(seed, epoch, SAMPLES, np.arange(len(shard)))
    return np.argsort(first[inverse] + (last - first)[inverse] * within, kind="stable")
