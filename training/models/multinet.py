"""MultiNet: one VGG16, a road decoder and a car decoder on it (Teichmann et al., IV 2018; MODELS 4.1)."""

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

from training.models.backbone import scaled
from training.models.dropout import words
from training.models.fastbox import Cars, FastBox, FastBoxParameters
from training.models.network import (
    ModelParameters,
    Network,
    Normalisation,
    check_width,
    filled,
    initialise_convolutions,
)
from training.models.road_decoder import RoadDecoder
from training.models.vgg import VGG16

IMAGE_NOISE = 30
"""Stream of the random numbers by which the images of a sample differ in their dropout."""


@dataclass(frozen=True)
class MultiNetParameters:
    """Which decoders; the encoder is that of ``ModelParameters``."""

    heads: Literal["joint", "road", "cars"] = "joint"
    """both decoders, or one"""
    fastbox: FastBoxParameters = field(default_factory=FastBoxParameters)


class MultiNet(Network):
    """Road and cars of images, RGB in [0, 1], whose sides are filled up to multiples of 32.

    A ``Network`` for its colours, its encoder and the names of its weights; it has two decoders in place of a head.
    """

    def __init__(self, parameters: MultiNetParameters, model: ModelParameters) -> None:
        nn.Module.__init__(self)
        kind = VGG16.normalisation if model.normalisation == "auto" else model.normalisation
        self.normalisation, self.parameters_of_model = Normalisation(kind), model
        with_road, with_cars = parameters.heads != "cars", parameters.heads != "road"
        self.backbone: VGG16 = VGG16("same", model.fc_channels if with_road else 0, model.dropout, model.width)
        self.road = RoadDecoder(model.fc_channels, model.width) if with_road else None
        self.cars = FastBox(parameters.fastbox, scaled(512, model.width)) if with_cars else None

    def forward(  # type: ignore[override] # two sets of images
        self, road_images: Tensor, car_images: Tensor, noise: Tensor | None = None
    ) -> tuple[Tensor | None, Cars | None]:
        """Road scores (N, 2, H, W) ``float32`` of the ones, background first, and the cars of the others.

        Images are (N, 3, H, W), none of those that have no decoder. ``noise`` (1,) ``int64``: the number of the sample
        that holds all these images, which their dropout follows from; training needs it.
        """
        numbers: list[Tensor | None] = [None, None]
        if noise is not None:
            road_count, car_count = len(road_images), len(car_images)
            numbers = list(words(noise, road_count + car_count, IMAGE_NOISE)[0].split([road_count, car_count]))
        road = self._road(road_images, numbers[0]) if len(road_images) else None
        return road, self._cars(car_images, numbers[1]) if len(car_images) else None

    def _road(self, images: Tensor, noise: Tensor | None) -> Tensor:
        assert self.road is not None, "this network has no road decoder"
        assert self.backbone.classifier is not None, "a road decoder needs fc7"
        height, width = images.shape[-2:]
        maps = self._maps(images)
        maps["fc7"] = self.backbone.classifier(maps["pool5"], noise)
        scores: Tensor = self.road(maps)
        return scores[..., :height, :width]

    def _cars(self, images: Tensor, noise: Tensor | None) -> Cars:
        assert self.cars is not None, "this network has no car decoder"
        cars: Cars = self.cars(self._maps(images), noise)
        return cars

    def _maps(self, images: Tensor) -> dict[str, Tensor]:
        return self.backbone.convolutions(filled(self.normalisation(images)))

    def initialise(self) -> None:
        """He's rule for the encoder, the reference's for the decoders."""
        initialise_convolutions(self.backbone)
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


def build_multinet(parameters: MultiNetParameters, model: ModelParameters) -> MultiNet:
    """The network, initialised from torch's default generator.

    Raises ``ValueError`` for a model that is not VGG16 as FCN8s, and for widths that cannot be.
    """
    if (model.backbone, model.head, model.padding) != ("vgg16", "fcn8s", "same"):
        raise ValueError(
            f"multinet is built on vgg16 with fcn8s and padding 'same' only, not {model.backbone}, {model.head}, "
            f"{model.padding!r}"
        )
    fastbox = parameters.fastbox
    widths = {
        "model.fc_channels": model.fc_channels,
        "multinet.fastbox.hidden": fastbox.hidden,
        "multinet.fastbox.second_hidden": fastbox.second_hidden,
        "multinet.fastbox.early_channels": fastbox.early_channels,
    }
    for name, width in widths.items():
        if width < 1:
            raise ValueError(f"{name} must be positive, not {width}")
    check_width(model)
    if fastbox.early_channels > (most := scaled(512, model.width)):
        raise ValueError(f"multinet.fastbox.early_channels: conv4_3 has {most}, not {fastbox.early_channels}")
    network = MultiNet(parameters, model)
    network.initialise()
    return network
