"""VGG16 with the names and shapes of ``torchvision.models.vgg16``."""

from torch import Tensor, nn

from training.models.backbone import Backbone, Padding, scaled
from training.models.classifier import ConvolutionalClassifier

BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
"""Convolutions and channels of each block; a pool ends it."""


_FC6_PADDING = {"hundred": 0, "same": 3, "stock": 0}


class VGG16(Backbone):
    """Simonyan and Zisserman, ICLR 2015, configuration D.

    Features: ``conv1`` ... ``conv5``, the last map of each block before its pool, at 1 ... 1/16; ``pool3``, ``pool4``,
    ``pool5`` at 1/8 ... 1/32; and ``fc7`` at 1/32 where ``fc_channels`` is not 0. All convolutions have ``width`` times
    the channels of the original.
    """

    normalisation = "imagenet"
    stock_layers = (("classifier.0", "classifier.fc6"), ("classifier.3", "classifier.fc7"))

    def __init__(self, padding: Padding, fc_channels: int = 4096, dropout: float = 0.5, width: float = 1.0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for convolutions, out in BLOCKS:
            for _ in range(convolutions):
                first = not layers and padding == "hundred"
                wide = scaled(out, width)
                layers += [nn.Conv2d(channels, wide, 3, padding=100 if first else 1), nn.ReLU(inplace=True)]
                channels = wide
            layers.append(nn.MaxPool2d(2, ceil_mode=padding == "hundred"))
        self.features = nn.Sequential(*layers)
        self.classifier: ConvolutionalClassifier | None = None
        if fc_channels:
            self.classifier = ConvolutionalClassifier(channels, fc_channels, 7, _FC6_PADDING[padding], dropout)

    def convolutions(self, images: Tensor) -> dict[str, Tensor]:
        """All feature maps but ``fc7``."""
        maps, features, block = {}, images, 1
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                maps[f"conv{block}"] = features
                features = maps[f"pool{block}"] = layer(features)
                block += 1
            else:
                features = layer(features)
        return maps

    def forward(self, images: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """See ``Backbone.forward``."""
        maps = self.convolutions(images)
        if self.classifier is not None:
            maps["fc7"] = self.classifier(maps["pool5"], noise)
        return maps
