"""What tells of each pixel whether it shows something fixed to the car (``labels.fixed_regions`` collects it)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Evidence:
    """What the sums say of each pixel, (H, W) ``float32`` each, lengths in pixels at a working width of 640.

    ``constancy`` of the gradient, 0 to 1; ``contrast``: length of the mean gradient; ``steepness``: share of the mean
    gradient that is vertical; ``crossing``: displacement of the scene across the edge between the frames of a pair;
    ``fixed``, ``scene``: votes of flow per pair; ``still``: 1 where grey levels stay, 0 where they change as all do.
    """

    constancy: NDArray[np.float32]
    contrast: NDArray[np.float32]
    steepness: NDArray[np.float32]
    crossing: NDArray[np.float32]
    fixed: NDArray[np.float32]
    scene: NDArray[np.float32]
    still: NDArray[np.float32]
