"""Metres instead of percentiles: the encoder-decoder of the pre-training, its scores on a range of depths."""

import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from training.models.encoder_decoder import DecoderHead
from training.models.network import ModelParameters, Network
from training.models.resnet import ResNet50
from training.models.vgg import VGG16


@dataclass(frozen=True)
class AbsoluteDepthParameters:
    """Which network, and what depths it can give."""

    backbone: Literal["vgg16", "resnet50"] = "resnet50"
    minimum: float = 1.0  # metres
    maximum: float = 100.0  # metres; depths are scored up to 80
    normalisation: Literal["auto", "imagenet", "caffe"] = "auto"  # colours; auto: as our pre-training runs have them


class AbsoluteDepth(Network):
    """Images (N, 3, H, W), RGB in [0, 1], to metres (N, H, W) ``float32``.

    Depth is ``minimum (maximum / minimum)^sigmoid(score)``: a step of the score is a ratio of depths, which is what the
    scores count, at any distance. It rises with the score as percentiles do, so that the decoder of a pre-training run
    is of use, too; a new one starts at the geometric mean of the range.
    """

    def __init__(self, parameters: AbsoluteDepthParameters) -> None:
        name = parameters.backbone
        encoder = ResNet50() if name == "resnet50" else VGG16("same", fc_channels=0)
        of_network = ModelParameters(name, "encoder_decoder", normalisation=parameters.normalisation)
        super().__init__(encoder, DecoderHead(name), of_network)
        self.minimum, self.span = parameters.minimum, math.log(parameters.maximum / parameters.minimum)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """See the class; there is no dropout in it."""
        metres: Tensor = self.minimum * (self.span * super().forward(images, noise).float()).exp()
        return metres


def build_absolute_depth(parameters: AbsoluteDepthParameters) -> AbsoluteDepth:
    """The network, initialised by He's rule from torch's default generator.

    Raises ``ValueError`` for a range that is none.
    """
    if not 0 < parameters.minimum < parameters.maximum:
        raise ValueError(
            f"absolute_depth: minimum and maximum are {parameters.minimum} and {parameters.maximum} metres; "
            "give 0 < minimum < maximum"
        )
    network = AbsoluteDepth(parameters)
    network.initialise()
    return network
