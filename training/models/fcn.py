"""FCN heads: scores at 1/32, joined with finer ones, upsampled (Shelhamer et al., PAMI 2017; ``voc-fcn*/net.py``).

Offsets follow from where the cells of the maps lie. With 100 pixels of padding VGG16's fc7, pool4 and pool3 have their
cell i on pixel 32 i + 12.5, 16 i - 91.5 and 8 i - 95.5; with ``same`` padding on 32 i + 15.5, 16 i + 7.5, 8 i + 3.5.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from training.models.bilinear import BilinearUpsampling


@dataclass(frozen=True)
class Stage:
    """One upsampling: transposed convolution, then what is cut off before the skip's scores are added."""

    kernel: int
    stride: int
    crop: int  # rows and columns cut from the beginning of the upsampled scores
    skip: str = ""  # map whose scores are added
    skip_channels: int = 0
    skip_crop: int = 0  # rows and columns cut from the beginning of the skip's scores
    skip_scale: float = 1.0  # factor on the skip's features where all is trained at once (``voc-fcn8s-atonce``)


_POOL4 = ("pool4", 512)
_POOL3 = ("pool3", 256)
STAGES = {
    ("alexnet", "fcn32s", "hundred"): (Stage(63, 32, 18),),
    ("alexnet", "fcn32s", "same"): (Stage(63, 32, 16),),
    ("vgg16", "fcn32s", "hundred"): (Stage(64, 32, 19),),
    ("vgg16", "fcn32s", "same"): (Stage(64, 32, 16),),
    ("vgg16", "fcn16s", "hundred"): (Stage(4, 2, 0, *_POOL4, 5, 0.01), Stage(32, 16, 27)),
    ("vgg16", "fcn16s", "same"): (Stage(4, 2, 1, *_POOL4, 0, 0.01), Stage(32, 16, 8)),
    ("vgg16", "fcn8s", "hundred"): (
        Stage(4, 2, 0, *_POOL4, 5, 0.01),
        Stage(4, 2, 0, *_POOL3, 9, 0.0001),
        Stage(16, 8, 31),
    ),
    ("vgg16", "fcn8s", "same"): (
        Stage(4, 2, 1, *_POOL4, 0, 0.01),
        Stage(4, 2, 1, *_POOL3, 0, 0.0001),
        Stage(16, 8, 4),
    ),
}
"""Stages by backbone (both AlexNets have the same geometry), head and padding."""


class FCNHead(nn.Module):
    """``outputs`` scores a pixel from the feature maps of a backbone with ``fc_channels`` channels in fc7.

    ``at_once`` scales the skips down as FCN8s-at-once does; staged training (32s, then 16s, then 8s) leaves them as
    they are. ``fade``: see ``BilinearUpsampling``. Layers ``score_fr``, ``score_pool4``, ``score_pool3`` carry the same
    names in all heads.
    """

    def __init__(
        self, stages: tuple[Stage, ...], fc_channels: int, at_once: bool, fade: bool, outputs: int = 1
    ) -> None:
        super().__init__()
        self.stages = stages
        self.score_fr = nn.Conv2d(fc_channels, outputs, 1)
        self.upsamplings = nn.ModuleList(BilinearUpsampling(stage.kernel, stage.stride, fade) for stage in stages)
        self.scales = [stage.skip_scale if at_once else 1.0 for stage in stages]
        for stage in stages:
            if stage.skip:
                setattr(self, f"score_{stage.skip}", nn.Conv2d(stage.skip_channels, outputs, 1))

    def initialise(self) -> None:
        """Zero scores, as Caffe leaves layers without a filler: a finer head starts as the coarser one it grew from."""
        for layer in self.children():
            if isinstance(layer, nn.Conv2d):
                for parameter in layer.parameters():
                    nn.init.zeros_(parameter)

    def forward(self, maps: dict[str, Tensor], size: tuple[int, int]) -> Tensor:
        """(N, ``outputs``, *``size``) ``float32`` scores of an image of that size."""
        scores = {"fc7": self.score_fr(maps["fc7"])}
        for stage, scale in zip(self.stages, self.scales):
            if stage.skip:
                scores[stage.skip] = getattr(self, f"score_{stage.skip}")(maps[stage.skip] * scale)
        return self.join(scores, size)

    def join(self, scores: dict[str, Tensor], size: tuple[int, int]) -> Tensor:
        """Upsample the scores (N, C, h, w) of fc7, adding those of the skips on the way."""
        joined = scores["fc7"]
        for stage, upsampling in zip(self.stages, self.upsamplings):
            if not stage.skip:
                joined = upsampling(joined, stage.crop, *size)
                continue
            skip = scores[stage.skip][..., stage.skip_crop :, stage.skip_crop :]
            joined = upsampling(joined, stage.crop, *skip.shape[-2:])
            joined = joined + skip[..., : joined.shape[-2], : joined.shape[-1]]
        return joined
