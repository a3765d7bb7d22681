"""Networks of metres, and what they minimise."""

import math

import pytest
import torch

from training.absolute_depth.objectives import DepthObjective, berhu, objective
from training.models.absolute_depth import DepthRange, build_absolute_depth
from training.models.network import ModelParameters, build_network

HEAD = "encoder_decoder"
VGG16, RESNET50 = 14_714_688, 23_508_032
"""Parameters of the encoders without classifier."""


def decoder(deepest: int, skips: tuple[int, ...]) -> int:
    count, before = 0, deepest
    for skip, channels in zip(skips, (256, 128, 64, 32, 16), strict=True):
        count += 9 * before * channels + channels + 9 * (channels + skip) * channels + channels
        before = channels
    return count + 9 * before + 1


@pytest.mark.parametrize(
    ("backbone", "count"),
    [
        ("vgg16", VGG16 + decoder(512, (512, 512, 256, 128, 64))),
        ("resnet50", RESNET50 + decoder(2048, (1024, 512, 256, 64, 0))),
    ],
)
def test_the_parameters_are_those_of_the_layers(backbone: str, count: int) -> None:
    network = build_absolute_depth(ModelParameters(backbone, HEAD), DepthRange())  # type: ignore[arg-type]
    assert sum(parameter.numel() for parameter in network.parameters()) == count


@pytest.mark.parametrize("backbone", ["vgg16", "resnet50"])
def test_training_starts_at_the_geometric_mean(backbone: str) -> None:
    network = build_absolute_depth(ModelParameters(backbone, HEAD), DepthRange(2.0, 50.0)).eval()  # type: ignore[arg-type]
    metres = network(torch.rand(2, 3, 50, 70))
    assert metres.shape == (2, 50, 70)
    torch.testing.assert_close(metres, torch.full_like(metres, 10.0))


def test_depth_stays_in_its_range_and_rises_with_the_score() -> None:
    network = build_absolute_depth(ModelParameters("vgg16", HEAD), DepthRange(2.0, 50.0)).eval()
    metres = []
    for score in (-50.0, -math.log(3), 0.0, math.log(3), 50.0):
        assert network.head.score.bias is not None
        torch.nn.init.constant_(network.head.score.bias, score)
        metres.append(float(network(torch.rand(1, 3, 32, 32)).detach().mean()))
    # sigmoid 0, 1/4, 1/2, 3/4, 1
    assert metres == pytest.approx([2, 2 * 25**0.25, 10, 2 * 25**0.75, 50], rel=1e-4)


@pytest.mark.parametrize("model", [ModelParameters("resnet50", HEAD), ModelParameters("vgg16", HEAD, width=0.25)])
def test_a_pre_training_run_fits_whole(model: ModelParameters) -> None:
    depth = build_network(model).state_dict()
    own = build_absolute_depth(model, DepthRange()).state_dict()
    assert {name: value.shape for name, value in depth.items()} == {name: value.shape for name, value in own.items()}


@pytest.mark.parametrize(
    ("model", "depths", "message"),
    [
        (ModelParameters("vgg16", HEAD), DepthRange(80, 1), "give 0 < minimum < maximum"),
        (ModelParameters("vgg16", "fcn8s"), DepthRange(), "metric depth takes vgg16 or resnet50 with head encoder_dec"),
        (ModelParameters("vgg16", HEAD, activation="none"), DepthRange(), "takes model.activation sigmoid"),
        (ModelParameters("vgg16", HEAD, width=0), DepthRange(), "model.width must be above 0 and at most 1, not 0"),
        (ModelParameters("resnet50", HEAD, width=0.5), DepthRange(), "is for alexnet and vgg16; resnet50 has its own"),
    ],
)
def test_networks_that_cannot_be_are_refused(model: ModelParameters, depths: DepthRange, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_absolute_depth(model, depths)


TRUTH = torch.tensor([[[10.0, 0.0], [20.0, 40.0]], [[0.0, 0.0], [0.0, 0.0]]])
PREDICTION = torch.tensor([[[11.0, 70.0], [18.0, 50.0]], [[1.0, 2.0], [3.0, 4.0]]])


def test_l1_is_of_known_pixels() -> None:
    assert objective(DepthObjective("l1"))(PREDICTION, TRUTH).tolist() == pytest.approx([13 / 3, 0])


def test_berhu_by_hand() -> None:
    # errors 1, 2, 10: c = 2, and 10 becomes (100 + 4) / 4
    assert berhu(PREDICTION, TRUTH, 0.2).tolist() == pytest.approx([(1 + 2 + 26) / 3, 0])
    assert objective(DepthObjective("berhu"))(PREDICTION, TRUTH).tolist() == pytest.approx([29 / 3, 0])


def test_the_scale_invariant_logarithm_by_hand() -> None:
    d = [math.log(1.1), math.log(0.9), math.log(1.25)]
    expected = sum(x * x for x in d) / 3 - 0.5 * (sum(d) / 3) ** 2
    assert objective(DepthObjective())(PREDICTION, TRUTH).tolist() == pytest.approx([expected, 0])
    forgetful = objective(DepthObjective(variance_share=1.0))
    torch.testing.assert_close(forgetful(3 * PREDICTION, TRUTH), forgetful(PREDICTION, TRUTH))


@pytest.mark.parametrize("name", ["scale_invariant", "l1", "berhu"])
def test_objectives_have_gradients_at_known_pixels_alone(name: str) -> None:
    prediction = PREDICTION.clone().requires_grad_()
    objective(DepthObjective(name))(prediction, TRUTH).sum().backward()  # type: ignore[arg-type]
    assert prediction.grad is not None
    assert bool(torch.isfinite(prediction.grad).all())
    assert (prediction.grad != 0).tolist() == (TRUTH > 0).tolist()


@pytest.mark.parametrize("name", ["scale_invariant", "l1", "berhu"])
def test_an_image_counts_alike_alone_and_in_a_batch(name: str) -> None:
    measure = objective(DepthObjective(name))  # type: ignore[arg-type]
    other = torch.rand(1, 2, 2) * 80
    together = measure(torch.cat([PREDICTION[:1], other]), torch.cat([TRUTH[:1], TRUTH[:1]]))
    torch.testing.assert_close(together[:1], measure(PREDICTION[:1], TRUTH[:1]))
