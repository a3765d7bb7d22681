"""The small network: three convolutions over an image's channels tell its edges (LABELS section 5).

It sees the same channels as the forest and learns from the same motion edges. Its training is another room's; here it
is an arithmetic on arrays. Of each channel pixel, 2x2 of the image, it tells four logits.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from labels.edge_channels import NUMBER, Channels

WIDTH = 32
"""Channels between the convolutions."""
DILATIONS = 1, 2, 4
"""Distance of the taps of each convolution, 3x3: together they see 15x15 channel pixels."""
SHAPES = {
    "first": (3, 3, NUMBER, WIDTH), "first_bias": (WIDTH,),
    "second": (3, 3, WIDTH, WIDTH), "second_bias": (WIDTH,),
    "third": (3, 3, WIDTH, WIDTH), "third_bias": (WIDTH,),
    "last": (WIDTH, 4), "last_bias": (4,),
}  # fmt: skip
"""Of the weights: row and column of the tap, channel in, channel out; the last one tells (2 row + column)."""


@dataclass(frozen=True)
class Network:
    """The weights, ``float32``. Raises ``ValueError`` where their shapes are no network's."""

    first: NDArray[np.float32]
    first_bias: NDArray[np.float32]
    second: NDArray[np.float32]
    second_bias: NDArray[np.float32]
    third: NDArray[np.float32]
    third_bias: NDArray[np.float32]
    last: NDArray[np.float32]
    last_bias: NDArray[np.float32]

    def __post_init__(self) -> None:
        for item in fields(self):
            weights = getattr(self, item.name)
            if weights.shape != SHAPES[item.name] or weights.dtype != np.float32 or not np.isfinite(weights).all():
                raise ValueError(f"{item.name} is no weight of an edge network; train it anew")

    def edges(self, found: Channels) -> NDArray[np.float32]:
        """How sure each pixel is to be an edge, (2 h, 2 w) in [0, 1], from channels (13, h, w)."""
        values = np.moveaxis(found.fine, 0, -1).astype(np.float32) / np.float32(255)
        layers = (self.first, self.first_bias), (self.second, self.second_bias), (self.third, self.third_bias)
        for (weights, bias), dilation in zip(layers, DILATIONS):
            values = np.maximum(_convolved(values, weights, dilation) + bias, np.float32(0))
        logits = values @ self.last + self.last_bias
        height, width = logits.shape[:2]
        blocks = logits.reshape(height, width, 2, 2).swapaxes(1, 2).reshape(2 * height, 2 * width)
        return np.float32(1) / (np.float32(1) + np.exp(-blocks))


def _convolved(values: NDArray[np.float32], weights: NDArray[np.float32], dilation: int) -> NDArray[np.float32]:
    """``values`` (h, w, n) under a 3x3 kernel (3, 3, n, m) with taps ``dilation`` apart, zero beyond the image."""
    height, width = values.shape[:2]
    around = np.pad(values, ((dilation, dilation), (dilation, dilation), (0, 0)))
    total = np.zeros((height, width, weights.shape[3]), np.float32)
    for row in range(3):
        for column in range(3):
            y, x = row * dilation, column * dilation
            total += around[y : y + height, x : x + width] @ weights[row, column]
    return total
