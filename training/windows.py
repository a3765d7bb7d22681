"""Random windows of frames in training: things at other sizes and places, their percentiles taken anew within.

A network of whole frames learns where in the frame is far, and things at one size only. Labelled images that it is
fine-tuned on are cut from larger ones, in which the same things are larger.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

DRAWS = 3
"""Random numbers that place a window."""


@dataclass(frozen=True)
class Windows:
    """Windows whose sides are a random share, ``least`` to 1, of the frame's, shown at ``size`` (height, width)."""

    least: float
    size: tuple[int, int]

    @property
    def frame_size(self) -> tuple[int, int]:
        """Height and width that frames are read at: the smallest window has a pixel for each that is shown."""
        height, width = (math.ceil(side / self.least) for side in self.size)
        return height, width

    def places(self, draws: Tensor) -> Tensor:
        """Sampling grid (N, *``size``, 2) of a window for each row of ``draws`` in [0, 1), of which the last 3 count.

        The logarithm of the share and the corner are uniform.
        """
        draws = draws[:, -DRAWS:]
        share = self.least ** draws[:, 0]
        theta = draws.new_zeros(len(draws), 2, 3)
        theta[:, 0, 0] = theta[:, 1, 1] = share
        theta[:, :, 2] = (2 * draws[:, 1:] - 1) * (1 - share)[:, None]
        return functional.affine_grid(theta, [len(draws), 1, *self.size], align_corners=False)


def shown(images: Tensor, places: Tensor) -> Tensor:
    """What images (N, C, H, W) ``float32`` have at the places, between pixels linear."""
    return functional.grid_sample(images, places, mode="bilinear", padding_mode="border", align_corners=False)


def nearest(codes: Tensor, places: Tensor) -> Tensor:
    """What (N, H, W) ``uint8`` have at the pixels nearest to the places."""
    found = functional.grid_sample(codes[:, None].float(), places, "nearest", "border", align_corners=False)
    return found[:, 0].to(codes.dtype)


def ranked(codes: Tensor) -> tuple[Tensor, Tensor]:
    """Percentiles (N, H, W) ``float32`` of codes among those of the same row, 0 where there is no label; and where is.

    Equal codes share the middle of their ranks, as in LABELS 10; code 0 is no label.
    """
    flat = codes.flatten(1).long()
    rows = 256 * torch.arange(len(flat), device=codes.device)[:, None]
    counts = torch.bincount((flat + rows).flatten(), minlength=256 * len(flat)).view(-1, 256)
    counts[:, 0] = 0
    ranks = (counts.cumsum(1) - 0.5 * counts) / counts.sum(1, keepdim=True).clamp_min(1)
    ranks[:, 0] = 0
    return ranks.float().gather(1, flat).view(codes.shape), codes != 0
