"""The networks of MultiNet: sizes, shapes, what the second look sees."""

import dataclasses

import numpy as np
import pytest
import torch

from training.models.fastbox import FastBox, FastBoxParameters, bilinear, centres, rezoom
from training.models.multinet import MultiNetParameters, build_multinet
from training.models.network import ModelParameters, build_network
from training.models.road_decoder import RoadDecoder

MODEL = ModelParameters("vgg16", "fcn8s", fc_channels=16)
SMALL = MultiNetParameters(fastbox=FastBoxParameters(hidden=20, early_channels=8, second_hidden=12))
CONVOLUTIONS = 14_714_688
FULLY_CONNECTED = 7 * 7 * 512 * 4096 + 4096 + 4096 * 4096 + 4096
ROAD = 2 * (4096 + 512 + 256) + 6 + 4 * (16 + 16 + 256)
FASTBOX = 512 * 500 + 500 * 6 + (500 + 9 * 256) * 128 + 128 * 6


def small(heads: str) -> MultiNetParameters:
    return dataclasses.replace(SMALL, heads=heads)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("heads", "count"),
    [
        ("joint", CONVOLUTIONS + FULLY_CONNECTED + ROAD + FASTBOX),
        ("road", CONVOLUTIONS + FULLY_CONNECTED + ROAD),
        ("cars", CONVOLUTIONS + FASTBOX),
    ],
)
def test_the_parameters_are_those_of_the_layers(heads: str, count: int) -> None:
    with torch.device("meta"):
        network = build_multinet(MultiNetParameters(heads=heads), ModelParameters("vgg16", "fcn8s"))  # type: ignore[arg-type]
    assert sum(parameter.numel() for parameter in network.parameters()) == count


def test_outputs_have_the_sizes_of_image_and_grid() -> None:
    network = build_multinet(SMALL, MODEL).eval()
    # three rows and four columns of cells; the sets differ in number and size
    road, cars = network(torch.rand(1, 3, 50, 40), torch.rand(2, 3, 70, 100))
    assert road is not None
    assert cars is not None
    assert road.shape == (1, 2, 50, 40)
    assert cars.box.shape == cars.box_change.shape == (2, 3, 4, 4)
    assert cars.scores.shape == cars.final_scores.shape == (2, 3, 4, 2)


NONE = torch.zeros(0, 3, 32, 32)


@pytest.mark.parametrize("heads", ["road", "cars"])
def test_a_single_decoder_gives_its_output_alone(heads: str) -> None:
    images = torch.rand(1, 3, 64, 64)
    road, cars = build_multinet(small(heads), MODEL).eval()(*((images, NONE) if heads == "road" else (NONE, images)))
    assert (road is None) == (heads == "cars")
    assert (cars is None) == (heads == "road")


def test_the_decoders_share_the_encoder() -> None:
    """Either set of images moves the weights of all convolutions; the road alone those of fc6 and fc7."""
    network = build_multinet(SMALL, MODEL)
    images, noise = torch.rand(1, 3, 64, 64), torch.arange(1)
    for heads in ("road", "cars"):
        network.zero_grad()
        road, cars = network(*((images, NONE) if heads == "road" else (NONE, images)), noise)
        (road if road is not None else cars.final_box + cars.final_scores.sum()).square().sum().backward()
        moved = {n for n, p in network.named_parameters() if p.grad is not None and bool((p.grad != 0).any())}
        own = {n for n, _ in network.named_parameters() if n.startswith(("backbone.features", heads))}
        own |= {n for n, _ in network.named_parameters() if n.startswith("backbone.classifier") and heads == "road"}
        # the first look's confidence enters neither the corrected boxes nor their scores
        assert own - moved <= {"cars.confs_out.weight"}
        assert moved <= own


def test_dropout_differs_from_image_to_image_and_follows_from_the_sample() -> None:
    network = build_multinet(small("cars"), MODEL)
    images = torch.rand(1, 3, 64, 64).expand(2, -1, -1, -1)
    _, cars = network(NONE, images, torch.tensor([7]))
    assert not torch.equal(cars.box[0], cars.box[1])
    _, again = network(NONE, images, torch.tensor([7]))
    assert torch.equal(cars.box, again.box)
    _, other = network(NONE, images, torch.tensor([8]))
    assert not torch.equal(cars.box, other.box)


def test_road_scores_begin_as_bilinear_interpolation() -> None:
    decoder = RoadDecoder(8)
    decoder.initialise()
    maps = {"fc7": torch.rand(1, 8, 3, 4), "pool4": torch.zeros(1, 512, 6, 8), "pool3": torch.zeros(1, 256, 12, 16)}
    constant = dict(maps, fc7=torch.ones(1, 8, 3, 4))
    scores = decoder(constant)
    assert scores.shape == (1, 2, 96, 128)
    inner = scores[0, :, 40:56, 40:88]  # borders fade, as TensorFlow's SAME has it
    expected = decoder.score_fr.weight.sum(dim=(1, 2, 3))
    torch.testing.assert_close(inner, expected[:, None, None].expand_as(inner))
    deviation = RoadDecoder(4096)
    deviation.initialise()
    # a normal cut at two deviations has .88 of its deviation
    assert float(deviation.score_fr.weight.detach().std()) == pytest.approx(0.8796 * (2 / 4096) ** 0.5, rel=0.03)
    assert float(deviation.score_pool4.weight.detach().abs().max()) <= 2e-3


def test_bilinear_values_are_those_between_the_cells() -> None:
    features = torch.arange(12.0).view(1, 1, 3, 4)  # value 4 y + x
    points = torch.tensor([[[0.0, 0.0], [1.5, 0.25], [3.0, 2.0], [-5.0, 1.0], [9.0, 1.5]]])
    assert bilinear(features, points).flatten().tolist() == [0, 2.5, 11, 4, 9]


def test_bilinear_is_that_of_torch() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(2, 5, 6, 7, generator=generator)
    points = torch.rand(2, 4, 3, 2, generator=generator) * torch.tensor([9.0, 8.0]) - 1
    grid = 2 * points / torch.tensor([6.0, 5.0]) - 1
    expected = torch.nn.functional.grid_sample(features, grid, align_corners=True, padding_mode="border")
    torch.testing.assert_close(bilinear(features, points), expected.permute(0, 2, 3, 1))


def test_the_second_look_is_taken_at_nine_points_of_the_box() -> None:
    """Early features that say where they are: x in the first channel, y in the second, in cells of eight pixels."""
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(16.0), indexing="ij")
    box = torch.zeros(1, 3, 4, 4)
    box[0, 1, 2] = torch.tensor([4.0, -8.0, 32.0, 16.0])
    seen = rezoom(torch.stack([x, y])[None], box)[0, 1, 2].view(9, 2)
    # cell (1, 2) is centred on 80, 48: the box on 84, 40; shifts are 8 and 4 pixels
    expected = [[(84 + dx) / 8, (40 + dy) / 8] for dy in (-4, 0, 4) for dx in (-8, 0, 8)]
    np.testing.assert_allclose(seen.numpy(), expected, rtol=1e-6)


def test_cells_are_centred_every_32_pixels() -> None:
    assert centres(2, 3).tolist() == [[[16, 16], [48, 16], [80, 16]], [[16, 48], [48, 48], [80, 48]]]


def test_fastbox_by_hand() -> None:
    """One channel through every layer, with weights of one: the factors of the reference."""
    network = FastBox(FastBoxParameters(hidden=1, early_channels=1, second_hidden=1)).eval()
    for parameter in network.parameters():
        torch.nn.init.constant_(parameter, 1.0)
    deep = torch.zeros(1, 512, 2, 2)
    deep[:, 7] = 3.0
    early = torch.full((1, 512, 8, 8), 5.0)
    cars = network({"pool5": deep, "conv4": early}, None)
    hidden = 0.1 * 3
    second = hidden + 9 * 5 / 1000
    torch.testing.assert_close(cars.box, torch.full((1, 2, 2, 4), hidden * 50))
    torch.testing.assert_close(cars.scores, torch.full((1, 2, 2, 2), hidden))
    torch.testing.assert_close(cars.box_change, torch.full((1, 2, 2, 4), second * 5))
    torch.testing.assert_close(cars.final_scores, torch.full((1, 2, 2, 2), second * 50))


def test_a_narrower_encoder_takes_the_decoders_along() -> None:
    model = dataclasses.replace(MODEL, width=0.25)
    network = build_multinet(MultiNetParameters(fastbox=FastBoxParameters(hidden=8, early_channels=128)), model)
    channels = [layer.out_channels for layer in network.backbone.features if isinstance(layer, torch.nn.Conv2d)]
    assert channels == [16] * 2 + [32] * 2 + [64] * 3 + [128] * 6
    road, cars = network.eval()(torch.rand(1, 3, 32, 64), torch.rand(1, 3, 64, 96))
    assert road.shape == (1, 2, 32, 64)
    assert cars.final_box.shape == (1, 2, 3, 4)
    pretrained = build_network(ModelParameters("vgg16", "encoder_decoder", width=0.25)).state_dict()
    own = network.state_dict()
    assert {
        name for name in pretrained if name.startswith("backbone.") and pretrained[name].shape == own[name].shape
    } == {name for name in own if name.startswith("backbone.features.")}


def test_decay_is_for_filters_and_scores() -> None:
    network = build_multinet(SMALL, MODEL)
    names = {name for name, p in network.named_parameters() if any(p is d for d in network.decayed())}
    assert len([name for name in names if name.startswith("backbone.features")]) == 13
    assert {name for name in names if not name.startswith("backbone")} == {
        "road.score_fr.weight",
        "road.score_pool4.weight",
        "road.score_pool3.weight",
    }
    assert len(names) == 16


def test_a_pre_training_run_fits_the_encoder_by_name_and_shape() -> None:
    depth = build_network(ModelParameters("vgg16", "fcn8s", fc_channels=16)).state_dict()
    own = build_multinet(SMALL, MODEL).state_dict()
    backbone = {name for name in own if name.startswith("backbone.")}
    assert len(backbone) == 2 * 15
    assert all(depth[name].shape == own[name].shape for name in backbone)


@pytest.mark.parametrize(
    ("parameters", "model", "message"),
    [
        (SMALL, dataclasses.replace(MODEL, fc_channels=0), "model.fc_channels must be positive, not 0"),
        (MultiNetParameters(fastbox=FastBoxParameters(early_channels=600)), MODEL, "conv4_3 has 512, not 600"),
        (MultiNetParameters(), dataclasses.replace(MODEL, width=0.25), "conv4_3 has 128, not 256"),
        (SMALL, ModelParameters("alexnet", "fcn32s"), "multinet is built on vgg16 with fcn8s"),
    ],
)
def test_networks_that_cannot_be_are_refused(
    parameters: MultiNetParameters, model: ModelParameters, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build_multinet(parameters, model)
