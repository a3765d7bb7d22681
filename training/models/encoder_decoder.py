"""A decoder of five levels with skips over VGG16 or ResNet50.

Godard et al., CVPR 2017, build such a network on their own encoders. For the standard VGG16 and ResNet50 the paper does
not give its levels; those of monodepth2's decoder (Godard et al., ICCV 2019) are the choice here: at each level a 3x3
convolution, nearest upsampling to twice the size, the skip appended, another 3x3 convolution, ELU after each.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.models.backbone import scaled

CHANNELS = (256, 128, 64, 32, 16)
"""Of the levels, at 1/16 ... 1."""
SKIPS = {
    "vgg16": (("conv5", 512), ("conv4", 512), ("conv3", 256), ("conv2", 128), ("conv1", 64)),
    "resnet50": (("layer3", 1024), ("layer2", 512), ("layer1", 256), ("conv1", 64), ("", 0)),
}
"""Feature map and channels appended at each level; ResNet50 has none at full size."""
DEEPEST = {"vgg16": ("pool5", 512), "resnet50": ("layer4", 2048)}


class Level(nn.Module):
    """From one size to the next finer one."""

    def __init__(self, in_channels: int, skip_channels: int, channels: int) -> None:
        super().__init__()
        self.before = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.after = nn.Conv2d(channels + skip_channels, channels, 3, padding=1)

    def forward(self, features: Tensor, skip: Tensor | None, size: tuple[int, int]) -> Tensor:
        """(N, ``in_channels``, h, w) to (N, ``channels``, *``size``)."""
        features = functional.elu(self.before(features))
        features = functional.interpolate(features, size=size, mode="nearest")
        if skip is not None:
            features = torch.cat([features, skip], dim=1)
        return functional.elu(self.after(features))


class DecoderHead(nn.Module):
    """``outputs`` scores a pixel from the feature maps of ``backbone``, ``"vgg16"`` or ``"resnet50"``.

    ``width`` is that of the backbone; the decoder's own channels stay as they are.
    """

    def __init__(self, backbone: str, outputs: int = 1, width: float = 1.0) -> None:
        super().__init__()
        self.skips = SKIPS[backbone]
        self.deepest, channels = DEEPEST[backbone][0], scaled(DEEPEST[backbone][1], width)
        self.levels = nn.ModuleList()
        for (_, skip_channels), out in zip(self.skips, CHANNELS):
            self.levels.append(Level(channels, scaled(skip_channels, width) if skip_channels else 0, out))
            channels = out
        self.score = nn.Conv2d(channels, outputs, 3, padding=1)

    def initialise(self) -> None:
        """Zero the scores, so that training starts from the same constant as that of an FCN."""
        for parameter in self.score.parameters():
            nn.init.zeros_(parameter)

    def forward(self, maps: dict[str, Tensor], size: tuple[int, int]) -> Tensor:
        """(N, ``outputs``, *``size``) ``float32`` scores of an image of that size."""
        features = maps[self.deepest]
        for level, (name, _) in zip(self.levels, self.skips):
            skip = maps[name] if name else None
            features = level(features, skip, size if skip is None else (skip.shape[-2], skip.shape[-1]))
        return self.score(features).float()
