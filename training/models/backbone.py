"""What every backbone has, whatever its layers."""

from typing import ClassVar, Literal

from torch import Tensor, nn

Padding = Literal["hundred", "same", "stock"]
"""``hundred``: 100 pixels of zeros around the image, fc6 unpadded, as Caffe's FCN. ``same``: cells of 32 pixels cover
the image, whose sides are filled up to multiples of 32. ``stock``: as the library the layout comes from, for
comparisons; such features do not cover the image."""


class Backbone(nn.Module):
    """Features of an image at several strides.

    ``normalisation`` names the colours it expects (see ``Normalisation``). ``stock_layers`` pairs the names of the
    layers that the stock library calls otherwise, its own name first; all others have the names they have there.
    """

    normalisation: ClassVar[str]
    stock_layers: ClassVar[tuple[tuple[str, str], ...]]

    def forward(self, images: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Feature maps by name, coarse ones last, of normalised images (N, 3, H, W).

        ``noise``: (N,) ``int64``, a number for each sample that its dropout follows from.
        """
        raise NotImplementedError

    def stock_name(self, name: str) -> str:
        """What the stock library calls a parameter of this backbone."""
        for stock, own in self.stock_layers:
            if name.startswith(own + "."):
                return stock + name.removeprefix(own)
        return name


def scaled(channels: int, width: float) -> int:
    """What a layer of so many channels has in a network of a fraction of its width."""
    return max(1, round(channels * width))
