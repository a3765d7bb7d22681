"""The road decoder of MultiNet: an FCN8s of two classes whose upsampling is learned (MODELS 4.1)."""

import math

import torch
from torch import Tensor, nn

from training.models.backbone import scaled
from training.models.bilinear import bilinear_kernel

CLASSES = 2
"""Background and road, in this order."""
SKIP_DEVIATION = {"score_pool4": 1e-3, "score_pool3": 1e-4}


class RoadDecoder(nn.Module):
    """Scores at 1/32, with those of ``pool4`` and ``pool3``, upsampled to full size. ``width``: the encoder's."""

    def __init__(self, fc_channels: int, width: float = 1.0) -> None:
        super().__init__()
        self.score_fr = nn.Conv2d(fc_channels, CLASSES, 1)
        self.score_pool4 = nn.Conv2d(scaled(512, width), CLASSES, 1)
        self.score_pool3 = nn.Conv2d(scaled(256, width), CLASSES, 1)
        self.upscore2 = _upsampling(4, 2)
        self.upscore4 = _upsampling(4, 2)
        self.upscore = _upsampling(16, 8)

    def initialise(self) -> None:
        """Scores from truncated normals of the reference's deviations, upsampling bilinear."""
        deviations = {"score_fr": math.sqrt(2 / self.score_fr.in_channels), **SKIP_DEVIATION}
        for name, deviation in deviations.items():
            layer: nn.Conv2d = getattr(self, name)
            nn.init.trunc_normal_(layer.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
            assert layer.bias is not None, "scores have a bias"
            nn.init.zeros_(layer.bias)
        for upsampling in (self.upscore2, self.upscore4, self.upscore):
            with torch.no_grad():
                upsampling.weight.zero_()
                for channel in range(CLASSES):
                    upsampling.weight[channel, channel] = bilinear_kernel(upsampling.kernel_size[0])

    def forward(self, maps: dict[str, Tensor]) -> Tensor:
        """(N, 2, H, W) ``float32`` scores; the maps are those of an image of H x W, multiples of 32."""
        scores = self.upscore2(self.score_fr(maps["fc7"])) + self.score_pool4(maps["pool4"])
        scores = self.upscore4(scores) + self.score_pool3(maps["pool3"])
        upsampled: Tensor = self.upscore(scores)
        return upsampled.float()


def _upsampling(kernel: int, stride: int) -> nn.ConvTranspose2d:
    # cut on both sides alike, the result is `stride` times as large: TensorFlow's SAME
    return nn.ConvTranspose2d(CLASSES, CLASSES, kernel, stride, padding=(kernel - stride) // 2, bias=False)
