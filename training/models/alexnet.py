"""AlexNet in two layouts: torchvision's, and the grouped one of Caffe that old self-supervised checkpoints have."""

from torch import Tensor, nn
from torch.nn import functional

from training.models.backbone import Backbone, Padding, scaled
from training.models.classifier import ConvolutionalClassifier

_FIRST_PADDING = {"hundred": 100, "same": 2, "stock": 2}
_FC6_PADDING = {"hundred": 0, "same": 3, "stock": 0}


class AlexNet(Backbone):
    """Krizhevsky, "One weird trick", 2014, with the names and shapes of ``torchvision.models.alexnet``.

    Features: ``fc7`` at 1/32. With ``same`` padding its cell i is centred on pixel 32 i + 15, with ``hundred`` on
    32 i + 13. All convolutions have ``width`` times the channels of the original.
    """

    normalisation = "imagenet"
    stock_layers = (("classifier.1", "classifier.fc6"), ("classifier.4", "classifier.fc7"))

    def __init__(self, padding: Padding, fc_channels: int = 4096, dropout: float = 0.5, width: float = 1.0) -> None:
        super().__init__()
        ceil = padding == "hundred"
        conv1, conv2, conv3, conv4, conv5 = (scaled(channels, width) for channels in (64, 192, 384, 256, 256))
        self.features = nn.Sequential(
            nn.Conv2d(3, conv1, 11, stride=4, padding=_FIRST_PADDING[padding]),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, ceil_mode=ceil),
            nn.Conv2d(conv1, conv2, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, ceil_mode=ceil),
            nn.Conv2d(conv2, conv3, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(conv3, conv4, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(conv4, conv5, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, ceil_mode=ceil),
        )
        self.classifier = ConvolutionalClassifier(conv5, fc_channels, 6, _FC6_PADDING[padding], dropout)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """See ``Backbone.forward``."""
        pool5 = self.features(images)
        return {"pool5": pool5, "fc7": self.classifier(pool5, noise)}


class CaffeNet(Backbone):
    """The AlexNet of Caffe's model zoo: conv2, conv4 and conv5 in two groups, local response norm after two pools.

    Layers are called conv1 ... conv5, classifier.fc6, classifier.fc7. ``stock`` pads the first layer as Caffe: not at
    all.
    """

    normalisation = "caffe"
    stock_layers = (("fc6", "classifier.fc6"), ("fc7", "classifier.fc7"))

    def __init__(self, padding: Padding, fc_channels: int = 4096, dropout: float = 0.5) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 11, stride=4, padding=0 if padding == "stock" else _FIRST_PADDING[padding])
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.pool = nn.MaxPool2d(3, stride=2, ceil_mode=padding != "same")
        self.norm = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75)
        self.classifier = ConvolutionalClassifier(256, fc_channels, 6, _FC6_PADDING[padding], dropout)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """See ``Backbone.forward``."""
        features = self.norm(self.pool(functional.relu(self.conv1(images))))
        features = self.norm(self.pool(functional.relu(self.conv2(features))))
        features = functional.relu(self.conv4(functional.relu(self.conv3(features))))
        pool5 = self.pool(functional.relu(self.conv5(features)))
        return {"pool5": pool5, "fc7": self.classifier(pool5, noise)}
