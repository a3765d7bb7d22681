"""From a batch of bytes to what a network is trained on: augmentation and decoding of labels, on the device.

The random numbers are the batch's own (``Batch.draws``), so that a sample is augmented alike on any rank and after any
resume. What a factor does is what ``torchvision.transforms.v2.functional`` does with it, for all rows at once.
"""

from dataclasses import dataclass

import torch
from torchvision.transforms.v2 import functional

from training import windows
from training.loader import Batch
from training.windows import Windows


@dataclass(frozen=True)
class AugmentationParameters:
    """Flip and colour jitter."""

    flip: float = 0.5
    """probability of a horizontal flip of image and label"""
    brightness: float = 0.2
    """factor from 1 - this to 1 + this"""
    contrast: float = 0.2
    """factor from 1 - this to 1 + this"""
    saturation: float = 0.2
    """factor from 1 - this to 1 + this"""
    hue: float = 0.1
    """shift from minus this to this, in turns of the colour circle"""


@dataclass
class Example:
    """What a step trains on."""

    images: torch.Tensor  # float32 (N, 3, H, W) RGB in [0, 1]
    z: torch.Tensor  # float32 (N, H, W), percentile of depth, 0 near to 1 far; 0 where not valid
    valid: torch.Tensor  # bool (N, H, W)
    confidence: torch.Tensor | None  # float32 (N, H, W) in [0, 1], 0 where not valid
    keys: list[str]  # as in the batch

    def part(self, rows: slice) -> "Example":
        """Some of the rows."""
        confidence = None if self.confidence is None else self.confidence[rows]
        return Example(self.images[rows], self.z[rows], self.valid[rows], confidence, self.keys[rows])


def prepare(
    batch: Batch, device: torch.device, augmentation: AugmentationParameters | None, cut: Windows | None = None
) -> Example:
    """The batch on a device, augmented with its own random numbers unless ``augmentation`` is None.

    With ``cut``, windows of it, whose percentiles are those within the window.
    """
    images = batch.images.to(device, non_blocking=True).float().div_(255)
    codes = batch.codes.to(device, non_blocking=True)
    confidence = batch.confidence.to(device, non_blocking=True) if batch.confidence is not None else None
    draws = batch.draws.to(device, non_blocking=True)
    if cut is not None:
        places = cut.places(draws)
        images, codes = windows.shown(images, places), windows.nearest(codes, places)
        confidence = windows.nearest(confidence, places) if confidence is not None else None
    if augmentation is not None:
        flipped = draws[:, 0] < augmentation.flip
        images, codes = flip(images, flipped), flip(codes, flipped)
        confidence = flip(confidence, flipped) if confidence is not None else None
        images = jitter(images, 2 * draws[:, 1:5] - 1, augmentation)
    z, valid = decode(codes) if cut is None else windows.ranked(codes)
    if confidence is not None:
        confidence = torch.where(valid, confidence.float() / 255, 0)
    return Example(images, z, valid, confidence, batch.keys)


def decode(codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Percentiles ``(q - 0.5) / 255``, float32, 0 where there is no label; and where there is one (LABELS 10.5)."""
    valid = codes != 0
    return torch.where(valid, (codes.float() - 0.5) / 255, 0), valid


def flip(rows: torch.Tensor, flipped: torch.Tensor) -> torch.Tensor:
    """Rows (N, ..., W) with those mirrored, left to right, where ``flipped`` (N,) is true."""
    return torch.where(flipped.reshape(-1, *[1] * (rows.ndim - 1)), rows.flip(-1), rows)


def jitter(images: torch.Tensor, amounts: torch.Tensor, parameters: AugmentationParameters) -> torch.Tensor:
    """Images in [0, 1] with brightness, contrast, saturation and hue changed, in this order.

    ``amounts`` (N, 4) in [-1, 1] scales each image's changes: the factors are ``1 + amount * parameter``, the shift of
    hue is ``amount * parameter``.
    """
    limits = (parameters.brightness, parameters.contrast, parameters.saturation, parameters.hue)
    brightness, contrast, saturation, hue = (
        (amounts[:, index] * limit).reshape(-1, 1, 1, 1) for index, limit in enumerate(limits)
    )
    # passes over one channel are then over neighbours, on processors a third faster
    images = (images.contiguous() * (1 + brightness)).clamp_(0, 1)
    mean = functional.rgb_to_grayscale(images).mean(dim=(1, 2, 3), keepdim=True)
    images = torch.lerp(mean, images, 1 + contrast).clamp_(0, 1)
    images = torch.lerp(functional.rgb_to_grayscale(images), images, 1 + saturation).clamp_(0, 1)
    return shift_hue(images, hue) if parameters.hue else images


def shift_hue(images: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    """RGB images (N, 3, H, W) in [0, 1] with the hue of HSV shifted by ``turns`` (N, 1, 1, 1)."""
    value, lowest = images.amax(dim=1, keepdim=True), images.amin(dim=1, keepdim=True)
    chroma = value - lowest
    red, green, blue = images.split(1, dim=1)
    divisor = torch.where(chroma > 0, chroma, 1)
    sixths = torch.where(
        value == red,
        (green - blue) / divisor,
        torch.where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor),
    )
    # of a hue h in [0, 6) red has |h - 3| - 1 of the chroma, green 2 - |h - 2|, blue 2 - |h - 4|, from 0 to 1
    hue = (sixths + 6 * turns) % 6
    middle, sign, most = images.new_tensor([[3, 2, 4], [1, -1, -1], [-1, 2, 2]]).reshape(3, 1, 3, 1, 1)
    share = torch.addcmul(most, (hue - middle).abs_(), sign).clamp_(0, 1)
    return torch.addcmul(lowest, chroma, share)
