"""Dropout that is a function of the sample, not of the batch it came in.

Training must give the same weights on one device or many, in one batch or several accumulated ones, and after a resume.
The masks therefore come from a hash of (noise number of the sample, layer, element): no generator, no state.
"""

import torch
from torch import Tensor, nn

_WORD = 0xFFFFFFFF
_MULTIPLIER = 0x45D9F3B  # a 27-bit odd number: a product with 32 bits stays within int64


def scramble(numbers: Tensor) -> Tensor:
    """A bijective hash of 32-bit numbers held in ``int64``: two rounds of xor, shift and multiply, and a last xor."""
    numbers = numbers & _WORD
    for _ in range(2):
        numbers = ((numbers ^ (numbers >> 16)) * _MULTIPLIER) & _WORD
    return numbers ^ (numbers >> 16)


def words(noise: Tensor, count: int, stream: int) -> Tensor:
    """(N, ``count``) 32-bit numbers for noise numbers (N,), all ``int64``; ``stream`` keeps uses apart."""
    starts = scramble(noise + 0x9E3779B9 * (stream + 1))
    places = scramble(torch.arange(count, device=noise.device))
    return scramble(starts[:, None] + places[None, :])


class SampleDropout(nn.Module):
    """Zeroes elements with probability ``p`` and scales the rest by 1 / (1 - p), in training only.

    ``stream`` tells layers of one network apart. Raises ``ValueError`` for p outside [0, 1).
    """

    def __init__(self, p: float, stream: int) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"dropout must be in [0, 1), not {p}")
        self.p, self.stream = p, stream

    def forward(self, features: Tensor, noise: Tensor | None) -> Tensor:
        """``features`` (N, ...); ``noise`` (N,) ``int64``, needed in training where p > 0."""
        if not self.training or self.p == 0:
            return features
        if noise is None:
            raise ValueError("a network with dropout needs the samples' noise numbers in training")
        kept = words(noise, features[0].numel(), self.stream) >= int(self.p * 2**32)
        return features * kept.view(features.shape).to(features.dtype).div(1 - self.p)
