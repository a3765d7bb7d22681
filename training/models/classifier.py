"""The fully connected layers fc6 and fc7 of AlexNet and VGG16, as convolutions (Shelhamer et al., PAMI 2017, 3.1)."""

from torch import Tensor, nn
from torch.nn import functional

from training.models.dropout import SampleDropout


class ConvolutionalClassifier(nn.Module):
    """fc6 of ``kernel`` x ``kernel`` and fc7 of 1 x 1, each with ReLU and dropout.

    ``padding`` pixels of zeros go around the features before fc6: 0 as Caffe's FCN after ``pad 100``, or as many as
    keep the grid of 32-pixel cells of the whole image.
    """

    def __init__(self, in_channels: int, channels: int, kernel: int, padding: int, dropout: float) -> None:
        super().__init__()
        self.fc6 = nn.Conv2d(in_channels, channels, kernel, padding=padding)
        self.fc7 = nn.Conv2d(channels, channels, 1)
        self.dropout6, self.dropout7 = SampleDropout(dropout, 6), SampleDropout(dropout, 7)

    def forward(self, features: Tensor, noise: Tensor | None) -> Tensor:
        """(N, ``in_channels``, h, w) to (N, ``channels``, h', w')."""
        features = self.dropout6(functional.relu(self.fc6(features)), noise)
        return self.dropout7(functional.relu(self.fc7(features)), noise)
