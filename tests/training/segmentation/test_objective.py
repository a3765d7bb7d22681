"""Cross-entropy: known values, void left out, rows independent; augmentation moves labels with their pixels."""

import math

import pytest
import torch
from torch.nn import functional

from training.input import AugmentationParameters
from training.segmentation.loader import DRAWS, CropBatch
from training.segmentation.objective import cross_entropy, prepare


def test_it_is_torchs_mean_of_each_image() -> None:
    torch.manual_seed(0)
    scores, labels, weights = torch.randn(3, 4, 5, 6), torch.randint(0, 4, (3, 5, 6)), torch.rand(4)
    labels[0, :3] = 255
    for given in (None, weights):
        rows = [functional.cross_entropy(s[None], y[None], given, ignore_index=255) for s, y in zip(scores, labels)]
        torch.testing.assert_close(cross_entropy(scores, labels, given), torch.stack(rows))


def test_known_values() -> None:
    assert cross_entropy(torch.zeros(1, 11, 2, 2), torch.zeros(1, 2, 2, dtype=torch.long)).item() == pytest.approx(
        math.log(11)
    )
    # classes 0 and 1 of weights 1 and 3: (1 log 2 + 3 (log 2)) / 4, and log(1 + e^-2) where class 0 is favoured by 2
    scores = torch.tensor([2.0, 0.0]).reshape(1, 2, 1, 1).expand(1, 2, 1, 2)
    labels = torch.tensor([[[0, 1]]])
    expected = (math.log1p(math.exp(-2)) + 3 * math.log1p(math.exp(2))) / 4
    assert cross_entropy(scores, labels, torch.tensor([1.0, 3.0])).item() == pytest.approx(expected)


@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 2.0])])
def test_void_alone_gives_nothing_and_no_gradient(weights: torch.Tensor | None) -> None:
    scores = torch.randn(1, 2, 3, 3, requires_grad=True)
    loss = cross_entropy(scores, torch.full((1, 3, 3), 255), weights)
    loss.sum().backward()
    assert loss.tolist() == [0]
    assert scores.grad is not None
    assert not scores.grad.any()


def test_labels_are_mirrored_with_their_images_and_not_jittered() -> None:
    draws = torch.full((2, DRAWS), 0.5)
    draws[:, 0] = torch.tensor([0.1, 0.9])  # the first row is flipped
    draws[:, 1] = 0.9  # brighter
    labels = torch.tensor([[[0, 3, 255]]], dtype=torch.uint8).expand(2, 1, 3)
    images = (40 * torch.tensor([0, 1, 2], dtype=torch.uint8)).expand(2, 3, 1, 3)
    found = prepare(CropBatch(images, labels, draws, ["a", "b"]), torch.device("cpu"), AugmentationParameters())
    assert found.labels.tolist() == [[[255, 3, 0]], [[0, 3, 255]]]
    torch.testing.assert_close(found.images[0], found.images[1].flip(-1))
    assert bool((found.images[1].mean(0)[0].diff() > 0).all())
    # 80 / 255, brighter by .8 * .2; contrast, saturation and hue at the middle of their range leave it
    assert found.images[1, 0, 0, 2].item() == pytest.approx(80 / 255 * 1.16)
    assert found.part(slice(1, 2)).keys == ["b"]
