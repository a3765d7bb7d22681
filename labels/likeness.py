"""How alike two grey levels are: by this, seeds count in the pixels around them (LABELS section 4.8).

Two levels g, h are alike by ``exp(-|g - h| / scale) + LEAST``. A kernel either looks that up by their difference, or
computes it without a look-up in its loop, which then takes many pixels at once: with ``e`` of ``of_levels``, the
exponential is the lesser of ``e[g] / e[h]`` and ``e[h] / e[g]``.
"""

import numpy as np
from numpy.typing import NDArray

LEAST = 1e-4
"""Likeness of black and white: seeds unlike all around still give a pixel something."""


def of_differences(scale: float) -> NDArray[np.float32]:
    """(256,): likeness by the difference of two levels; ``scale`` is that at which it falls by e."""
    return (np.exp(-np.arange(256) / scale) + LEAST).astype(np.float32)


def of_levels(scale: float) -> NDArray[np.float32]:
    """(256,): numbers for all levels whose quotients are likenesses; ``scale`` is 2 at least, for single precision."""
    return np.exp((np.arange(256) - 127.5) / scale).astype(np.float32)
