"""Objectives against values by hand, and their gradients."""

import math

import pytest
import torch

from training.objectives import ObjectiveParameters, l1, objective, ordinal, scale_invariant

NOISE = torch.arange(2)
NAMES = ("l1", "ordinal", "scale_invariant")


def images(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows).view(len(rows), 1, -1)


def test_l1_is_the_mean_over_labelled_pixels_of_each_image() -> None:
    prediction, truth = images([0.2, 0.5, 0.9], [0.0, 0.0, 0.0]), images([0.4, 0.5, 0.0], [0.3, 0.0, 0.9])
    weight = images([1, 1, 0], [1, 0, 0])
    assert l1(prediction, truth, weight).tolist() == pytest.approx([0.1, 0.3])


def test_confidence_weighs_pixels() -> None:
    loss = l1(images([0.0, 0.0]), images([0.4, 0.8]), images([0.75, 0.25]))
    assert loss.tolist() == pytest.approx([0.5])


def test_the_scale_invariant_error_by_hand() -> None:
    prediction, truth = images([0.2, 0.4]), images([0.1, 0.4])
    d = math.log(2)
    assert scale_invariant(prediction, truth, images([1, 1]), 0.5).tolist() == pytest.approx(
        [d**2 / 2 - 0.5 * (d / 2) ** 2]
    )
    assert scale_invariant(2 * truth, truth, images([1, 1]), 1.0).tolist() == pytest.approx([0.0], abs=1e-6)


def test_the_ordinal_loss_by_hand() -> None:
    parameters = ObjectiveParameters("ordinal", pairs=20000, sharpness=10)
    found = ordinal(images([0.0, 0.1]), images([0.2, 0.8]), images([1, 1]), NOISE[:1], parameters)
    # half of the pairs are a pixel with itself: equal, no loss; the others are in order by 10 * .1
    assert float(found) == pytest.approx(math.log(1 + math.exp(-1)) / 2, rel=0.03)
    reverse = ordinal(images([0.1, 0.0]), images([0.2, 0.8]), images([1, 1]), NOISE[:1], parameters)
    assert float(reverse) == pytest.approx(math.log(1 + math.exp(1)) / 2, rel=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_without_labels_gives_no_loss_and_no_gradient(name: str) -> None:
    prediction = torch.rand(2, 4, 5, requires_grad=True)
    weight = torch.stack([torch.ones(4, 5), torch.zeros(4, 5)])
    loss = objective(ObjectiveParameters(name))(prediction, torch.rand(2, 4, 5), weight, NOISE)  # type: ignore[arg-type]
    assert float(loss[1]) == 0
    assert float(loss[0]) > 0
    loss.sum().backward()
    assert prediction.grad is not None
    assert bool((prediction.grad[1] == 0).all())
    assert bool((prediction.grad[0] != 0).any())


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_differences(name: str) -> None:
    torch.manual_seed(0)
    truth, weight = torch.rand(2, 3, 4, dtype=torch.float64), torch.rand(2, 3, 4, dtype=torch.float64)
    prediction = (0.1 + 0.8 * torch.rand(2, 3, 4, dtype=torch.float64)).requires_grad_()
    chosen = objective(ObjectiveParameters(name, pairs=50))  # type: ignore[arg-type]
    assert torch.autograd.gradcheck(lambda p: chosen(p, truth, weight, NOISE), prediction)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_weighs_the_same_in_any_batch(name: str) -> None:
    torch.manual_seed(1)
    prediction, truth, weight = torch.rand(3, 2, 6, 7).unbind(0)
    chosen = objective(ObjectiveParameters(name))  # type: ignore[arg-type]
    alone = [chosen(prediction[i : i + 1], truth[i : i + 1], weight[i : i + 1], NOISE[i : i + 1]) for i in range(2)]
    assert torch.equal(chosen(prediction, truth, weight, NOISE), torch.cat(alone))
