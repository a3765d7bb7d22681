"""Upsampling by fixed bilinear transposed convolutions, as FCNs do it."""

import torch
from torch import Tensor, nn
from torch.nn import functional


def bilinear_kernel(size: int) -> Tensor:
    """(``size``, ``size``) ``float32``: w(i, j) = (1 - |i - c| / f)(1 - |j - c| / f), f = floor((size + 1) / 2).

    c = f - 1 for odd sizes, f - 1/2 for even ones (``surgery.py`` of Shelhamer et al.).
    """
    half = (size + 1) // 2
    centre = half - 1 if size % 2 else half - 0.5
    line = 1 - (torch.arange(size, dtype=torch.float32) - centre).abs() / half
    return line[:, None] * line[None, :]


class BilinearUpsampling(nn.Module):
    """A transposed convolution that interpolates each channel; it has nothing to learn and is in no state dict.

    The authors of FCN found no difference in accuracy when it is learned. With ``fade`` it is theirs: beyond the
    centres of the outermost cells scores fade to 0. Else they stay what the nearest cells say.
    """

    kernel: Tensor

    def __init__(self, size: int, stride: int, fade: bool) -> None:
        super().__init__()
        self.stride, self.fade = stride, fade
        self.register_buffer("kernel", bilinear_kernel(size)[None, None], persistent=False)

    def forward(self, scores: Tensor) -> Tensor:
        """(N, C, h, w) to (N, C, (h - 1) ``stride`` + ``size``, ...), always in ``float32``."""
        with torch.autocast(scores.device.type, enabled=False):
            planes = scores.float().reshape(-1, 1, *scores.shape[-2:])
            upsampled = functional.conv_transpose2d(planes, self.kernel, stride=self.stride)
            if not self.fade:
                ones = torch.ones_like(planes[:1])
                upsampled = upsampled / functional.conv_transpose2d(ones, self.kernel, stride=self.stride)
            return upsampled.reshape(*scores.shape[:2], *upsampled.shape[-2:])
