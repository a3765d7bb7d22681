"""A whole network: colours normalised, backbone, head, percentiles or other scores."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.models.alexnet import AlexNet, CaffeNet
from training.models.backbone import Backbone, scaled
from training.models.encoder_decoder import SKIPS, DecoderHead
from training.models.fcn import STAGES, FCNHead
from training.models.resnet import ResNet50
from training.models.vgg import VGG16

CELL = 32
"""Pixels of the coarsest cells."""


@dataclass(frozen=True)
class ModelParameters:
    """Which network."""

    backbone: Literal["alexnet", "caffenet", "vgg16", "resnet50"] = "alexnet"
    """what finds features; resnet50 goes with encoder_decoder, the others with an FCN"""
    head: Literal["fcn32s", "fcn16s", "fcn8s", "encoder_decoder"] = "fcn32s"
    """what makes a map of them; fcn16s and fcn8s add finer layers of the backbone"""
    padding: Literal["hundred", "same"] = "same"
    """of the first convolution; hundred: 100 pixels as Caffe's FCN, 2 to 3 times the work on a small image"""
    activation: Literal["sigmoid", "none"] = "sigmoid"
    """what follows the scores; sigmoid starts at the median percentile, .5"""
    fc_channels: int = 4096
    """channels of fc6 and fc7; the stock weights have 4096"""
    dropout: float = 0.5
    """share of features dropped after fc6 and fc7"""
    at_once: bool = False
    """scale the skips of fcn16s and fcn8s down, for training them without the coarser head first"""
    width: float = 1.0
    """factor on the channels of AlexNet's and VGG16's convolutions, below 1 where there is no GPU"""
    outputs: int = 1
    """channels of a pixel: 1, its percentile; or as many as there are classes or channels"""
    normalisation: Literal["auto", "imagenet", "caffe"] = "auto"
    """how colours are scaled; auto: what the backbone's stock weights expect"""


class Normalisation(nn.Module):
    """RGB in [0, 1] as the weights expect them.

    ``imagenet``: (x - (.485, .456, .406)) / (.229, .224, .225), RGB, as torchvision. ``caffe``: 255 x in BGR order
    minus (104.00699, 116.66877, 122.67892).
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.bgr = kind == "caffe"
        mean, deviation = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        if self.bgr:
            mean, deviation = (104.00699 / 255, 116.66877 / 255, 122.67892 / 255), (1 / 255,) * 3
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("scale", 1 / torch.tensor(deviation).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) to the same shape."""
        return ((images.flip(1) if self.bgr else images) - self.mean) * self.scale


class Network(nn.Module):
    """Images to percentiles, or to several outputs a pixel, as ``training.models`` says."""

    def __init__(self, backbone: Backbone, head: FCNHead | DecoderHead, parameters: ModelParameters) -> None:
        super().__init__()
        kind = parameters.normalisation
        self.normalisation = Normalisation(backbone.normalisation if kind == "auto" else kind)
        self.backbone, self.head, self.parameters_of_model = backbone, head, parameters

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Images (N, 3, H, W) in [0, 1] to percentiles (N, H, W), or several outputs (N, C, H, W), ``float32``.

        ``noise`` (N,) ``int64``: a number for each sample that its dropout follows from; training needs it.
        """
        height, width = images.shape[-2:]
        images = self.normalisation(images)
        if self.parameters_of_model.padding == "same":
            images = filled(images)
        maps = self.backbone(images, noise)
        scores = self.head(maps, (images.shape[-2], images.shape[-1]))[..., :height, :width]
        if self.parameters_of_model.outputs == 1:
            scores = scores[:, 0]
        return torch.sigmoid(scores) if self.parameters_of_model.activation == "sigmoid" else scores

    def initialise(self) -> None:
        """He's rule; the scores start at 0."""
        initialise_convolutions(self)
        self.head.initialise()

    def decayed(self) -> list[nn.Parameter]:
        """The parameters that weight decay is for: all."""
        return list(self.parameters())


def filled(images: Tensor) -> Tensor:
    """Normalised images (N, 3, H, W) with zeros to the right and below, up to whole cells."""
    height, width = images.shape[-2:]
    return functional.pad(images, (0, -width % CELL, 0, -height % CELL))


def initialise_convolutions(module: nn.Module) -> None:
    """He et al., ICCV 2015, eq. 10: all convolutions of the module N(0, sqrt(2 / fan-in)), zero biases."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def build_network(parameters: ModelParameters) -> Network:
    """The network, initialised by He's rule from torch's default generator.

    Raises ``ValueError`` for a head that the backbone does not have.
    """
    name, head = parameters.backbone, parameters.head
    geometry = ("alexnet" if name == "caffenet" else name, head, parameters.padding)
    known = [other for (backbone, other, _) in STAGES if backbone == geometry[0]] + ["encoder_decoder"] * (
        name in SKIPS
    )
    if head not in known:
        raise ValueError(f"model: {name} has no head {head!r}; it has: {', '.join(dict.fromkeys(known))}")
    if min(parameters.fc_channels, parameters.outputs) < 1:
        raise ValueError(
            f"model: fc_channels and outputs must be positive, not {parameters.fc_channels}, {parameters.outputs}"
        )
    check_width(parameters)
    if head == "encoder_decoder":
        if parameters.padding != "same":
            raise ValueError("model: encoder_decoder is built with padding 'same' only")
        return _initialised(
            Network(encoder(parameters), DecoderHead(name, parameters.outputs, parameters.width), parameters)
        )
    common = parameters.padding, parameters.fc_channels, parameters.dropout
    backbone: Backbone
    if name == "caffenet":
        backbone = CaffeNet(*common)
    else:
        backbone = (AlexNet if name == "alexnet" else VGG16)(*common, parameters.width)
    fade = parameters.padding == "hundred"  # as Caffe's
    stages = tuple(
        replace(stage, skip_channels=scaled(stage.skip_channels, parameters.width)) for stage in STAGES[geometry]
    )
    fcn = FCNHead(stages, parameters.fc_channels, parameters.at_once, fade, parameters.outputs)
    return _initialised(Network(backbone, fcn, parameters))


def check_width(parameters: ModelParameters) -> None:
    """Raise ``ValueError`` for a width that the backbone cannot have."""
    if not 0 < parameters.width <= 1:
        raise ValueError(f"model.width must be above 0 and at most 1, not {parameters.width}")
    if parameters.width != 1 and parameters.backbone not in ("alexnet", "vgg16"):
        raise ValueError(f"model.width is for alexnet and vgg16; {parameters.backbone} has its own width only, 1")


def encoder(parameters: ModelParameters) -> Backbone:
    """What an encoder-decoder is built on: ResNet50, or VGG16 without fc6 and fc7."""
    return ResNet50() if parameters.backbone == "resnet50" else VGG16("same", 0, width=parameters.width)


def _initialised(network: Network) -> Network:
    network.initialise()
    return network
