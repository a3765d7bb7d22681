"""Made-up hashes that change like those of a drive: some bits a fifth of a second."""

import numpy as np
from numpy.typing import NDArray

from labels.repeats import Footage


def drive(seed: int, seconds: float, bits_a_step: int = 3) -> NDArray[np.uint64]:
    """A hash for each fifth of a second."""
    generator = np.random.default_rng(seed)
    hashes, now = [], generator.integers(1, 2**63, dtype=np.uint64)
    for _ in range(round(5 * seconds)):
        for bit in generator.choice(64, bits_a_step, replace=False):
            now ^= np.uint64(1) << np.uint64(bit)
        hashes.append(now)
    return np.array(hashes, np.uint64)


def footage(hashes: NDArray[np.uint64], views: int = 2) -> Footage:
    """Zoomed, the frames look like nothing else."""
    others = np.random.default_rng(int(hashes[0] % np.uint64(2**32))).integers(1, 2**63, (len(hashes), views - 1))
    return Footage(np.arange(len(hashes)) / 5, np.column_stack([hashes, others.astype(np.uint64)]))


def copied(hashes: NDArray[np.uint64], seed: int, bits: int = 3) -> NDArray[np.uint64]:
    """With other bits flipped in each hash."""
    generator, copy = np.random.default_rng(seed), hashes.copy()
    for place in range(len(copy)):
        for bit in generator.choice(64, bits, replace=False):
            copy[place] ^= np.uint64(1) << np.uint64(bit)
    return copy
