"""MultiNet: one VGG16, a road decoder and a car decoder on it (Teichmann et al., IV 2018; MODELS 4.1)."""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.models.fastbox import Cars, FastBox, FastBoxParameters
from training.models.network import CELL, Normalisation
from training.models.road_decoder import RoadDecoder
from training.models.vgg import VGG16


@dataclass(frozen=True)
class MultiNetParameters:
    """Which decoders, and how wide."""

    heads: Literal["joint", "road", "cars"] = "joint"
    fc_channels: int = 4096  # of fc6 and fc7, which the road decoder alone uses
    dropout: float = 0.5  # after fc6 and fc7
    fastbox: FastBoxParameters = field(default_factory=FastBoxParameters)
    normalisation: Literal["auto", "imagenet", "caffe"] = "auto"  # colours; auto: as our pre-training runs have them


class MultiNet(nn.Module):
    """Road and cars of images (N, 3, H, W), RGB in [0, 1]; sides are filled up to multiples of 32."""

    def __init__(self, parameters: MultiNetParameters) -> None:
        super().__init__()
        kind = parameters.normalisation
        self.normalisation = Normalisation(VGG16.normalisation if kind == "auto" else kind)
        self.parameters_of_model = parameters
        fc_channels = 0 if parameters.heads == "cars" else parameters.fc_channels
        self.backbone = VGG16("same", fc_channels, parameters.dropout)
        self.road = None if parameters.heads == "cars" else RoadDecoder(parameters.fc_channels)
        self.cars = None if parameters.heads == "road" else FastBox(parameters.fastbox)

    def forward(
        self, images: Tensor, noise: Tensor | None = None, heads: Literal["joint", "road", "cars"] | None = None
    ) -> tuple[Tensor | None, Cars | None]:
        """Road scores (N, 2, H, W) ``float32``, background first, and cars; of the decoders that ``heads`` names.

        ``noise`` (N,) ``int64``: a number for each sample that its dropout follows from; training needs it.
        """
        heads = heads or self.parameters_of_model.heads
        height, width = images.shape[-2:]
        images = functional.pad(self.normalisation(images), (0, -width % CELL, 0, -height % CELL))
        road, cars = (self.road if heads != "cars" else None), (self.cars if heads != "road" else None)
        maps = self.backbone.convolutions(images)
        scores = None
        if road is not None:
            assert self.backbone.classifier is not None, "a road decoder needs fc7"
            maps["fc7"] = self.backbone.classifier(maps["pool5"], noise)
            scores = road(maps)[..., :height, :width]
        return scores, None if cars is None else cars(maps, noise)

    def probability(self, images: Tensor) -> Tensor:
        """(N, H, W) ``float32`` probability of road."""
        scores, _ = self(images, heads="road")
        assert scores is not None, "this network has no road decoder"
        return torch.softmax(scores, dim=1)[:, 1]

    def initialise(self) -> None:
        """He's rule for the encoder, the reference's for the decoders."""
        for layer in self.backbone.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        for decoder in (self.road, self.cars):
            if decoder is not None:
                decoder.initialise()

    def decayed(self) -> list[nn.Parameter]:
        """What weight decay is for: filters of the encoder's convolutions, and scores of the road.

        As in the reference, whose loss leaves out fc6, fc7, upsampling, biases and all of FastBox.
        """
        layers: list[nn.Module] = [layer for layer in self.backbone.features if isinstance(layer, nn.Conv2d)]
        if self.road is not None:
            layers += [self.road.score_fr, self.road.score_pool4, self.road.score_pool3]
        return [layer.weight for layer in layers]  # type: ignore[misc]


def build_multinet(parameters: MultiNetParameters) -> MultiNet:
    """The network, initialised from torch's default generator. Raises ``ValueError`` for widths that cannot be."""
    widths = {
        "fc_channels": parameters.fc_channels,
        "fastbox.hidden": parameters.fastbox.hidden,
        "fastbox.second_hidden": parameters.fastbox.second_hidden,
        "fastbox.early_channels": parameters.fastbox.early_channels,
    }
    for name, width in widths.items():
        if width < 1:
            raise ValueError(f"multinet.{name} must be positive, not {width}")
    if parameters.fastbox.early_channels > 512:
        raise ValueError(f"multinet.fastbox.early_channels: conv4_3 has 512, not {parameters.fastbox.early_channels}")
    network = MultiNet(parameters)
    network.initialise()
    return network
