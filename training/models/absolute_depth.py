"""Metres instead of percentiles: the encoder-decoder of the pre-training, its scores on a range of depths."""

import math
from dataclasses import dataclass

from torch import Tensor

from training.models.encoder_decoder import SKIPS, DecoderHead
from training.models.network import ModelParameters, Network, check_width, encoder


@dataclass(frozen=True)
class DepthRange:
    """What depths the network can give."""

    minimum: float = 1.0
    """metres, the nearest"""
    maximum: float = 100.0
    """metres, the farthest; depths are scored up to 80"""


class AbsoluteDepth(Network):
    """Images (N, 3, H, W), RGB in [0, 1], to metres (N, H, W) ``float32``.

    Depth is ``minimum (maximum / minimum)^sigmoid(score)``: a step of the score is a ratio of depths, which is what the
    scores count, at any distance. It rises with the score as percentiles do, so that the decoder of a pre-training run
    is of use, too; a new one starts at the geometric mean of the range.
    """

    def __init__(self, model: ModelParameters, depths: DepthRange) -> None:
        super().__init__(encoder(model), DecoderHead(model.backbone, width=model.width), model)
        self.minimum, self.span = depths.minimum, math.log(depths.maximum / depths.minimum)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """See the class; there is no dropout in it."""
        metres: Tensor = self.minimum * (self.span * super().forward(images, noise).float()).exp()
        return metres


def build_absolute_depth(model: ModelParameters, depths: DepthRange) -> AbsoluteDepth:
    """The network, initialised by He's rule from torch's default generator.

    Raises ``ValueError`` for a range that is none, and for another network than an encoder-decoder.
    """
    if not 0 < depths.minimum < depths.maximum:
        raise ValueError(
            f"range: minimum and maximum are {depths.minimum} and {depths.maximum} metres; give 0 < minimum < maximum"
        )
    if model.backbone not in SKIPS or model.head != "encoder_decoder" or model.padding != "same":
        raise ValueError(
            f"metric depth takes {' or '.join(SKIPS)} with head encoder_decoder and padding 'same', not "
            f"{model.backbone}, {model.head}, {model.padding!r}"
        )
    if model.activation != "sigmoid" or model.outputs != 1:
        raise ValueError("metric depth takes model.activation sigmoid and model.outputs 1: range maps what they give")
    check_width(model)
    network = AbsoluteDepth(model, depths)
    network.initialise()
    return network
