import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

from labels.codec import decode as codec_decode
from training.input import AugmentationParameters, decode, flip, jitter, prepare, shift_hue
from training.loader import DRAWS, Batch

NOTHING = AugmentationParameters(flip=0, brightness=0, contrast=0, saturation=0, hue=0)
CPU = torch.device("cpu")


def images(rows: int = 4) -> torch.Tensor:
    return torch.rand(rows, 3, 12, 20, generator=torch.Generator().manual_seed(3))


def batch(draws: torch.Tensor | None = None) -> Batch:
    generator = torch.Generator().manual_seed(5)
    frames = torch.randint(0, 256, (4, 12, 20, 3), dtype=torch.uint8, generator=generator).permute(0, 3, 1, 2)
    codes = torch.randint(0, 256, (4, 12, 20), dtype=torch.uint8, generator=generator)
    draws = torch.rand(4, DRAWS, generator=generator) if draws is None else draws
    return Batch(frames, codes, codes.flip(1), draws, list("abcd"))


def test_labels_decode_as_the_codec_says() -> None:
    codes = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16)
    z, valid = decode(codes)
    wanted_z, wanted_valid = codec_decode(codes.numpy())
    np.testing.assert_array_equal(valid.numpy(), wanted_valid)
    np.testing.assert_allclose(z.numpy(), wanted_z, rtol=0, atol=1e-7)
    assert z.dtype == torch.float32


def test_without_augmentation_nothing_changes() -> None:
    given = batch()
    found = prepare(given, CPU, None)
    torch.testing.assert_close(found.images, given.images.float() / 255)
    assert found.keys == list("abcd")
    assert found.confidence is not None and given.confidence is not None
    torch.testing.assert_close(found.confidence, torch.where(found.valid, given.confidence / 255, 0))
    torch.testing.assert_close(prepare(given, CPU, NOTHING).images, found.images, rtol=0, atol=1e-6)


def test_flips_take_image_label_and_confidence_along_by_row() -> None:
    draws = torch.full((4, DRAWS), 0.5)
    draws[:, 0] = torch.tensor([0.2, 0.8, 0.1, 0.9])
    found = prepare(batch(draws), CPU, AugmentationParameters(0.5, 0, 0, 0, 0))
    plain = prepare(batch(draws), CPU, None)
    for name in ("images", "z", "valid", "confidence"):
        changed, kept = getattr(found, name), getattr(plain, name)
        for row, flipped in enumerate((True, False, True, False)):
            torch.testing.assert_close(changed[row], kept[row].flip(-1) if flipped else kept[row], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("index", "name", "adjust"),
    [
        (0, "brightness", functional.adjust_brightness),
        (1, "contrast", functional.adjust_contrast),
        (2, "saturation", functional.adjust_saturation),
    ],
)
def test_factors_do_to_each_row_what_torchvisions_do(index: int, name: str, adjust: object) -> None:
    amounts = torch.zeros(4, 4)
    amounts[:, index] = torch.tensor([-1.0, -0.3, 0.5, 1.0])
    parameters = AugmentationParameters(0, **{"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0, name: 0.4})
    found = jitter(images(), amounts, parameters)
    for row, amount in enumerate(amounts[:, index]):
        wanted = adjust(images()[row], 1 + 0.4 * float(amount))  # type: ignore[operator]
        torch.testing.assert_close(found[row], wanted, rtol=0, atol=2e-6)


@pytest.mark.parametrize("turn", [-0.5, -0.21, 0.0, 0.1, 0.5])
def test_hue_turns_as_torchvisions_does(turn: float) -> None:
    with_greys = images()
    with_greys[:, :, 0] = with_greys[:, :1, 0]
    found = shift_hue(with_greys, torch.full((4, 1, 1, 1), turn))
    torch.testing.assert_close(found, functional.adjust_hue(with_greys, turn), rtol=0, atol=1e-5)


def test_a_third_of_a_turn_makes_red_green() -> None:
    red = torch.zeros(1, 3, 2, 2)
    red[:, 0] = 1
    wanted = torch.zeros(1, 3, 2, 2)
    wanted[:, 1] = 1
    torch.testing.assert_close(shift_hue(red, torch.full((1, 1, 1, 1), 1 / 3)), wanted, rtol=0, atol=1e-6)


def test_a_row_is_augmented_alike_in_any_company() -> None:
    whole, parameters = batch(), AugmentationParameters()
    found = prepare(whole, CPU, parameters)
    for row in range(4):
        one = slice(row, row + 1)
        assert whole.confidence is not None
        alone = Batch(whole.images[one], whole.codes[one], whole.confidence[one], whole.draws[one], whole.keys[one])
        torch.testing.assert_close(prepare(alone, CPU, parameters).images[0], found.images[row], rtol=0, atol=1e-6)


def test_flip_keeps_other_axes() -> None:
    rows = torch.arange(2 * 3 * 4).reshape(2, 3, 4)
    found = flip(rows, torch.tensor([True, False]))
    assert found[0, 0].tolist() == [3, 2, 1, 0] and found[1, 0].tolist() == [12, 13, 14, 15]
