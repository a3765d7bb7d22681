"""Bilinear upsampling, as FCNs do it by transposed convolutions with fixed kernels."""

import torch
from torch import Tensor, nn


def bilinear_kernel(size: int) -> Tensor:
    """(``size``, ``size``) ``float32``: w(i, j) = (1 - |i - c| / f)(1 - |j - c| / f), f = floor((size + 1) / 2).

    c = f - 1 for odd sizes, f - 1/2 for even ones (``surgery.py`` of Shelhamer et al.).
    """
    line = _triangle(torch.arange(size), size)
    return line[:, None] * line[None, :]


class BilinearUpsampling(nn.Module):
    """What a transposed convolution by ``bilinear_kernel`` makes of each channel, as two matrix products.

    The kernel is separable, so a matrix of weights an axis does it, in a fraction of the time. There is nothing to
    learn: the authors of FCN found no difference in accuracy. With ``fade`` it is theirs: beyond the centres of the
    outermost cells scores fade to 0. Else they stay what the nearest cells say.
    """

    def __init__(self, size: int, stride: int, fade: bool) -> None:
        super().__init__()
        self.size, self.stride, self.fade = size, stride, fade

    def forward(self, scores: Tensor, crop: int, height: int, width: int) -> Tensor:
        """(N, C, h, w) to (N, C, ``height``, ``width``) ``float32``, without the first ``crop`` rows and columns.

        Less, where there are not so many rows or columns.
        """
        with torch.autocast(scores.device.type, enabled=False):
            rows, columns = (
                self._weights(cells, scores.device)[crop : crop + pixels]
                for cells, pixels in zip(scores.shape[-2:], (height, width))
            )
            return rows @ (scores.float() @ columns.T)

    def _weights(self, cells: int, device: torch.device) -> Tensor:
        """((``cells`` - 1) ``stride`` + ``size``, ``cells``): how much of each cell is in each row."""
        rows = torch.arange((cells - 1) * self.stride + self.size, device=device)
        starts = self.stride * torch.arange(cells, device=device)
        weights = _triangle(rows[:, None] - starts, self.size)
        return weights if self.fade else weights / weights.sum(1, keepdim=True)


def _triangle(offsets: Tensor, size: int) -> Tensor:
    """Weights at offsets from the beginning of a kernel's line; 0 outside it."""
    half = (size + 1) // 2
    centre = half - 1 if size % 2 else half - 0.5
    return (1 - (offsets - centre).abs() / half).clamp_min(0)
