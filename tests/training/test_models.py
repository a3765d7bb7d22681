"""Networks: shapes, where their cells lie, the stock libraries' features, and what training may rely on."""

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.feature_extraction import create_feature_extractor

from training.models.alexnet import AlexNet, CaffeNet
from training.models.bilinear import BilinearUpsampling, bilinear_kernel
from training.models.dropout import SampleDropout, words
from training.models.encoder_decoder import DecoderHead
from training.models.fcn import STAGES, FCNHead
from training.models.network import ModelParameters, Normalisation, build_network
from training.models.vgg import VGG16

NETWORKS = [
    *((backbone, "fcn32s", padding) for backbone in ("alexnet", "caffenet") for padding in ("hundred", "same")),
    *(("vgg16", head, padding) for head in ("fcn32s", "fcn16s", "fcn8s") for padding in ("hundred", "same")),
    ("vgg16", "encoder_decoder", "same"),
    ("resnet50", "encoder_decoder", "same"),
]


def small(backbone: str, head: str, padding: str, **more: object) -> ModelParameters:
    return ModelParameters(backbone=backbone, head=head, padding=padding, fc_channels=8, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("backbone", "head", "padding"), NETWORKS)
def test_every_pixel_gets_a_percentile_and_every_parameter_a_gradient(backbone: str, head: str, padding: str) -> None:
    torch.manual_seed(0)
    size = (70, 100) if padding == "same" else (20, 40)  # and 200 more each way
    network = build_network(small(backbone, head, padding, dropout=0.0))
    for parameter in network.head.parameters():
        nn.init.normal_(parameter, std=0.01)  # from zero scores nothing would flow back
    percentiles = network(torch.rand(1, 3, *size), torch.arange(1))
    assert percentiles.shape == (1, *size)
    assert percentiles.dtype == torch.float32
    assert bool(((percentiles >= 0) & (percentiles <= 1)).all())
    (percentiles * torch.rand(size)).sum().backward()
    dead = [name for name, p in network.named_parameters() if p.grad is None or not bool((p.grad != 0).any())]
    assert not dead


@pytest.mark.parametrize(
    ("backbone", "head"), [("alexnet", "fcn32s"), ("vgg16", "fcn8s"), ("vgg16", "encoder_decoder")]
)
def test_training_starts_at_the_median(backbone: str, head: str) -> None:
    percentiles = build_network(small(backbone, head, "same"))(torch.rand(2, 3, 64, 64), torch.arange(2))
    assert bool((percentiles == 0.5).all())


def centres(layers: list[nn.Module], start: float = 0.0, jump: float = 1.0) -> tuple[float, float]:
    """Where cell 0 of the last layer is centred, in pixels, and the pixels from cell to cell."""
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            kernel, stride, padding = (
                value[0] if isinstance(value, tuple) else value
                for value in (layer.kernel_size, layer.stride, layer.padding)
            )
            start, jump = start + ((kernel - 1) / 2 - padding) * jump, jump * stride  # type: ignore[operator]
    return start, jump


def positions(backbone: str, padding: str) -> dict[str, tuple[float, float]]:
    """Where the cells of the scored maps lie, by the arithmetic of the layers before them."""
    if backbone == "alexnet":
        net = AlexNet(padding, fc_channels=8)  # type: ignore[arg-type]
        return {"fc7": centres([*net.features, net.classifier.fc6])}
    vgg = VGG16(padding, fc_channels=8)  # type: ignore[arg-type]
    assert vgg.classifier is not None
    pools = [place for place, layer in enumerate(vgg.features) if isinstance(layer, nn.MaxPool2d)]
    layers = list(vgg.features)
    return {
        "pool3": centres(layers[: pools[2] + 1]),
        "pool4": centres(layers[: pools[3] + 1]),
        "fc7": centres([*layers, vgg.classifier.fc6]),
    }


@pytest.mark.parametrize(("backbone", "head", "padding"), STAGES)
def test_scores_land_on_the_pixels_they_were_computed_from(backbone: str, head: str, padding: str) -> None:
    """Scores that say where they are must, upsampled, say where the pixel is: crops and kernels fit together."""
    fcn = FCNHead(STAGES[backbone, head, padding], 8, at_once=False, fade=padding == "hundred")
    skips = [stage.skip for stage in fcn.stages if stage.skip]
    cells = positions(backbone, padding)
    size = 320
    scores = {}
    for name in ["fc7", *skips]:
        start, jump = cells[name]
        line = start + jump * torch.arange((size + 200) // jump)
        # all maps add up; each carries an equal share of the position
        scores[name] = (line / (1 + len(skips))).expand(1, 1, len(line), len(line))
    row = fcn.join(scores, (size, size))[0, 0, size // 2]
    inside = slice(64, size - 64)  # beyond, zeros from outside the maps mix in
    assert row.shape == (size,)
    np.testing.assert_allclose(row[inside].numpy(), np.arange(size)[inside], atol=1e-3)


def test_the_bilinear_kernel_has_the_values_of_the_formula() -> None:
    line = [0.25, 0.75, 0.75, 0.25]
    assert bilinear_kernel(4).tolist() == np.outer(line, line).tolist()
    assert bilinear_kernel(3).tolist() == np.outer([0.5, 1, 0.5], [0.5, 1, 0.5]).tolist()


@pytest.mark.parametrize("fade", [True, False])
@pytest.mark.parametrize(("size", "stride", "crop"), [(4, 2, 1), (16, 8, 4), (63, 32, 18), (64, 32, 16)])
def test_upsampling_is_the_transposed_convolution(size: int, stride: int, crop: int, fade: bool) -> None:
    scores = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    kernel = bilinear_kernel(size).expand(3, 1, size, size)
    convolved = functional.conv_transpose2d(scores, kernel, stride=stride, groups=3)
    if not fade:
        convolved /= functional.conv_transpose2d(torch.ones_like(scores), kernel, stride=stride, groups=3)
    height, width = 4 * stride, 6 * stride
    upsampled = BilinearUpsampling(size, stride, fade)(scores, crop, height, width)
    torch.testing.assert_close(upsampled, convolved[..., crop : crop + height, crop : crop + width])


@pytest.mark.parametrize(("backbone", "head", "padding"), [names for names in STAGES if names[2] == "same"])
def test_scores_do_not_fade_at_the_border(backbone: str, head: str, padding: str) -> None:
    fcn = FCNHead(STAGES[backbone, head, padding], 8, at_once=False, fade=False)
    scores = {"fc7": torch.full((1, 1, 2, 3), 0.7)}
    for name, times in (("pool4", 2), ("pool3", 4)):
        scores[name] = torch.zeros(1, 1, 2 * times, 3 * times)
    torch.testing.assert_close(fcn.join(scores, (64, 96)), torch.full((1, 1, 64, 96), 0.7))


@pytest.mark.parametrize("kind", ["alexnet", "resnet50"])
def test_features_are_those_of_torchvision(kind: str) -> None:
    torch.manual_seed(0)
    stock = getattr(torchvision.models, kind)(weights=None)
    own = AlexNet("stock") if kind == "alexnet" else build_network(small(kind, "encoder_decoder", "same")).backbone
    names = stock.state_dict()
    own.load_state_dict(
        {name: names[own.stock_name(name)].reshape(value.shape) for name, value in own.state_dict().items()}
    )
    stock.eval(), own.eval()
    size, node, feature = (224, "classifier.5", "fc7") if kind == "alexnet" else (64, "layer4", "layer4")
    images = torch.rand(2, 3, size, size)
    expected = create_feature_extractor(stock, [node])(images)[node]
    torch.testing.assert_close(own(images)[feature].flatten(1), expected.flatten(1))


def test_caffenet_has_the_sizes_and_weights_of_the_model_zoo() -> None:
    caffenet = CaffeNet("stock").eval()
    shapes = {name: tuple(value.shape) for name, value in caffenet.state_dict().items() if name.endswith("weight")}
    assert shapes == {
        "conv1.weight": (96, 3, 11, 11),
        "conv2.weight": (256, 48, 5, 5),
        "conv3.weight": (384, 256, 3, 3),
        "conv4.weight": (384, 192, 3, 3),
        "conv5.weight": (256, 192, 3, 3),
        "classifier.fc6.weight": (4096, 256, 6, 6),
        "classifier.fc7.weight": (4096, 4096, 1, 1),
    }
    maps = caffenet(torch.rand(1, 3, 227, 227))
    assert maps["pool5"].shape == (1, 256, 6, 6)
    assert maps["fc7"].shape == (1, 4096, 1, 1)


def test_colours_are_normalised_as_the_weights_expect() -> None:
    image = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1)
    caffe = Normalisation("caffe")(image).flatten().tolist()
    assert caffe == pytest.approx([0 - 104.00699, 127.5 - 116.66877, 255 - 122.67892], abs=1e-3)
    imagenet = Normalisation("imagenet")(image).flatten().tolist()
    assert imagenet == pytest.approx([(1 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, -0.406 / 0.225], abs=1e-5)


def test_a_narrower_vgg16_has_all_heads() -> None:
    for head in ("fcn32s", "fcn16s", "fcn8s", "encoder_decoder"):
        network = build_network(small("vgg16", head, "same", width=0.25)).eval()
        assert network(torch.rand(1, 3, 40, 70)).shape == (1, 40, 70)
        assert sum(p.numel() for p in network.backbone.features.parameters()) == 920_784


def test_a_narrower_alexnet_has_its_head_and_caffenet_is_never_narrow() -> None:
    network = build_network(small("alexnet", "fcn32s", "same", width=0.5)).eval()
    assert network(torch.rand(1, 3, 40, 70)).shape == (1, 40, 70)
    assert sum(p.numel() for p in network.backbone.features.parameters()) == 623_520
    with pytest.raises(ValueError, match="width is for alexnet and vgg16; caffenet has its own width only"):
        build_network(small("caffenet", "fcn32s", "same", width=0.5))


def test_resnet_has_no_fcn_head() -> None:
    with pytest.raises(ValueError, match="resnet50 has no head 'fcn32s'; it has: encoder_decoder"):
        build_network(small("resnet50", "fcn32s", "same"))


def test_dropout_depends_on_the_sample_alone() -> None:
    dropout, features, noise = SampleDropout(0.5, 6), torch.ones(6, 40, 5, 7), torch.arange(6) * 977
    whole = dropout(features, noise)
    parts = torch.cat([dropout(features[:2], noise[:2]), dropout(features[2:], noise[2:])])
    assert torch.equal(whole, parts)
    assert not torch.equal(whole[0], whole[1])
    assert not torch.equal(whole, SampleDropout(0.5, 7)(features, noise))
    assert torch.equal(dropout.eval()(features, None), features)


def test_dropout_keeps_what_it_should_and_the_mean() -> None:
    kept = SampleDropout(0.3, 6)(torch.ones(64, 4096), torch.arange(64))
    share = float((kept > 0).float().mean())
    assert share == pytest.approx(0.7, abs=0.005)  # 5 standard deviations of 262,144 draws
    assert float(kept.max()) == pytest.approx(1 / 0.7)
    lines: Tensor = (words(torch.arange(64), 4096, 6) >= 2**31).float() - 0.5
    correlation = (lines @ lines.T / 1024)[~torch.eye(64, dtype=torch.bool)]
    assert float(correlation.abs().max()) < 6 / 64  # samples are independent: 6 standard deviations of 1 / sqrt(4096)


def test_the_decoder_takes_the_size_of_its_skips() -> None:
    maps = {
        "layer4": torch.rand(1, 2048, 2, 3),
        "layer3": torch.rand(1, 1024, 4, 6),
        "layer2": torch.rand(1, 512, 8, 12),
    }
    maps |= {"layer1": torch.rand(1, 256, 16, 24), "conv1": torch.rand(1, 64, 32, 48)}
    assert DecoderHead("resnet50")(maps, (64, 96)).shape == (1, 1, 64, 96)


@pytest.mark.parametrize("padding", ["same", "hundred"])
def test_several_outputs_are_as_many_single_ones(padding: str) -> None:
    stages = STAGES["vgg16", "fcn8s", padding]
    three = FCNHead(stages, 8, at_once=True, fade=padding == "hundred", outputs=3)
    side = 8 if padding == "hundred" else 2
    maps = {"fc7": torch.rand(1, 8, side, side)}
    for name, channels, times in (("pool4", 512, 2), ("pool3", 256, 4)):
        cells = times * side + (17 if padding == "hundred" else 0) * times
        maps[name] = torch.rand(1, channels, cells, cells)
    found = three(maps, (64, 64))
    assert found.shape == (1, 3, 64, 64)
    for output in range(3):
        one = FCNHead(stages, 8, at_once=True, fade=padding == "hundred")
        one.load_state_dict({name: value[output : output + 1] for name, value in three.state_dict().items()})
        torch.testing.assert_close(found[:, output : output + 1], one(maps, (64, 64)))


def test_a_network_of_several_outputs_keeps_their_axis() -> None:
    images, noise = torch.rand(2, 3, 32, 32), torch.arange(2)
    for head in ("fcn32s", "encoder_decoder"):
        made = build_network(ModelParameters("vgg16", head, fc_channels=8, outputs=5))  # type: ignore[arg-type]
        assert made(images, noise).shape == (2, 5, 32, 32)
    with pytest.raises(ValueError, match="outputs must be positive, not 8, 0"):
        build_network(ModelParameters(fc_channels=8, outputs=0))
