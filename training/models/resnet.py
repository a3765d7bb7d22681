"""ResNet50 with the names and shapes of ``torchvision.models.resnet50``."""

import torchvision
from torch import Tensor
from torch.nn import functional

from training.models.backbone import Backbone


class ResNet50(Backbone):
    """He et al., CVPR 2016, with the stride of a stage in its first 3x3 convolution, as torchvision has it.

    Features: ``conv1`` (64 channels at 1/2), ``layer1`` ... ``layer4`` (256, 512, 1024, 2048 at 1/4 ... 1/32).
    """

    normalisation = "imagenet"
    stock_layers = ()

    def __init__(self) -> None:
        super().__init__()
        stock = torchvision.models.resnet50(weights=None)
        self.conv1, self.bn1, self.maxpool = stock.conv1, stock.bn1, stock.maxpool
        self.layer1, self.layer2, self.layer3, self.layer4 = stock.layer1, stock.layer2, stock.layer3, stock.layer4

    def forward(self, images: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """See ``Backbone.forward``; there is no dropout in it."""
        maps = {"conv1": functional.relu(self.bn1(self.conv1(images)))}
        features = self.maxpool(maps["conv1"])
        for name in ("layer1", "layer2", "layer3", "layer4"):
            features = maps[name] = getattr(self, name)(features)
        return maps
