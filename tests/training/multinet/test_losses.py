"""The losses, by hand."""

import math

import pytest
import torch

from training.models.fastbox import Cars
from training.multinet.losses import CarTargets, car_losses, road_loss


def test_road_loss_counts_all_pixels_but_adds_only_labelled_ones() -> None:
    scores = torch.zeros(1, 2, 1, 4)
    scores[0, 1, 0, 1] = math.log(3)  # probability of road 3/4
    labels = torch.tensor([[[0, 1, 2, 2]]])
    expected = (math.log(2) + math.log(4 / 3)) / 4
    assert float(road_loss(scores, labels)) == pytest.approx(expected, rel=1e-6)


def test_road_loss_of_what_cannot_be_is_finite() -> None:
    scores = torch.tensor([200.0, -200.0]).view(1, 2, 1, 1).requires_grad_()
    loss = road_loss(scores, torch.ones(1, 1, 1, dtype=torch.int64))
    assert float(loss.detach()) == pytest.approx(-math.log(1e-9), rel=1e-6)
    loss.sum().backward()
    assert scores.grad is not None
    assert bool(torch.isfinite(scores.grad).all())


def cars(box: list[float], change: list[float], score: float, final: float) -> Cars:
    """Two cells, both of which say the same; the scores are those of "car" against 0."""
    return Cars(
        torch.tensor(box).expand(1, 1, 2, 4),
        torch.tensor([0.0, score]).expand(1, 1, 2, 2),
        torch.tensor(change).expand(1, 1, 2, 4),
        torch.tensor([0.0, final]).expand(1, 1, 2, 2),
    )


def truth(mask: list[bool]) -> CarTargets:
    """A car in the first of two cells."""
    box = torch.tensor([[10.0, 0, 50, 20], [0.0, 0, 0, 0]]).view(1, 1, 2, 4)
    return CarTargets(box, torch.tensor([[[True, False]]]), torch.tensor([[mask]]))


def test_car_losses_by_hand() -> None:
    found = car_losses(cars([12, 1, 44, 23], [-1, 0, 3, -20], math.log(3), math.log(4)), truth([True, True]))
    # car 3/4: -log 3/4 in the first cell, -log 1/4 in the second, over two cells
    assert float(found.confidence) == pytest.approx((math.log(4 / 3) + math.log(4)) / 2)
    assert float(found.box) == pytest.approx((2 + 1 + 6 + 3) / 2 * 0.1)
    # 2 / 50 and 1 / 20 are within a fifth: the first look is right, and confidence is to say so
    assert float(found.confidence_change) == pytest.approx((math.log(5 / 4) + math.log(5)) / 2 * 0.1)
    # 10 - 11, 0 - 1, 50 - 47, and 20 - 3 whose square is held at 100
    assert float(found.box_change) == pytest.approx((1 + 1 + 9 + 100) / 2 * 0.1 * 0.03)
    assert float(found.sum()) == pytest.approx(
        float(found.confidence + found.box + found.confidence_change + found.box_change)
    )


def test_a_first_look_off_by_a_fifth_is_wrong() -> None:
    # a fifth of the car's width, less of that of the box
    found = car_losses(cars([20, 0, 60, 24], [0, 0, 0, 0], 0, math.log(4)), truth([True, True]))
    assert float(found.confidence_change) == pytest.approx((math.log(5) + math.log(5)) / 2 * 0.1)


def test_confidence_is_masked_but_boxes_are_not() -> None:
    found = car_losses(cars([12, 1, 44, 23], [0, 0, 0, 0], math.log(3), 0), truth([False, True]))
    assert float(found.confidence) == pytest.approx(math.log(4) / 2)
    assert float(found.confidence_change) == pytest.approx(math.log(2) / 2 * 0.1)
    assert float(found.box) == pytest.approx(12 / 2 * 0.1)


def test_the_losses_of_a_batch_are_those_of_its_images() -> None:
    one, other = cars([12, 1, 44, 23], [1, 2, 3, 4], 1, 2), cars([0, 3, 40, 9], [0, 1, 0, 1], -1, 0)
    both = Cars(*(torch.cat([getattr(c, n) for c in (one, other)]) for n in vars(one)))
    target = truth([True, True])
    twice = CarTargets(*(torch.cat([getattr(target, n)] * 2) for n in vars(target)))
    expected = torch.cat([car_losses(one, target).sum(), car_losses(other, target).sum()])
    torch.testing.assert_close(car_losses(both, twice).sum(), expected)
