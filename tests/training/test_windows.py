"""Windows of frames: what they show, that labels go along and are ranked anew, that training reads enough pixels."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training import windows
from training.configuration import Configuration, InputParameters
from training.input import AugmentationParameters, prepare
from training.loader import DRAWS, LoaderParameters
from training.relative_depth import RelativeDepth
from training.windows import Windows

NOTHING = AugmentationParameters(flip=0, brightness=0, contrast=0, saturation=0, hue=0)


def ramps(height: int, width: int) -> torch.Tensor:
    """(1, 2, H, W): the row and the column of each pixel's centre, shares of the side."""
    rows, columns = ((torch.arange(side) + 0.5) / side for side in (height, width))
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"))[None]


def draws(rows: int) -> torch.Tensor:
    return torch.rand(rows, windows.DRAWS, generator=torch.Generator().manual_seed(1))


def test_the_smallest_window_shows_pixels_as_they_are_and_the_largest_the_frame() -> None:
    cut = Windows(0.5, (4, 6))
    assert cut.frame_size == (8, 12)
    frame = torch.rand(1, 3, 8, 12)
    smallest = windows.shown(frame, cut.places(torch.tensor([[1.0, 0.0, 1.0]])))
    torch.testing.assert_close(smallest, frame[:, :, 4:, :6], rtol=0, atol=1e-5)
    whole = windows.shown(frame, cut.places(torch.tensor([[0.0, 0.3, 0.7]])))
    torch.testing.assert_close(whole, torch.nn.functional.avg_pool2d(frame, 2), rtol=0, atol=1e-5)
    assert Windows(0.3, (4, 6)).frame_size == (14, 20)


def test_windows_lie_within_the_frame_and_have_its_proportions() -> None:
    cut = Windows(0.4, (32, 64))
    seen = windows.shown(ramps(80, 160).expand(50, -1, -1, -1), cut.places(draws(50)))
    spans = seen.amax((2, 3)) - seen.amin((2, 3))
    assert float(seen.min()) > 0 and float(seen.max()) < 1
    assert float(spans.min()) > 0.4 * 0.9 and float(spans.max()) < 1
    torch.testing.assert_close(spans[:, 0] / (31 / 32), spans[:, 1] / (63 / 64), rtol=0.02, atol=0)


def test_labels_go_along_with_their_pixels() -> None:
    codes = (255 * ramps(80, 120)[:, 1]).round().byte().expand(8, -1, -1)
    images = codes[:, None].float() / 255
    places = Windows(0.5, (40, 60)).places(draws(8))
    found = windows.nearest(codes, places).float() / 255
    assert float((windows.shown(images, places)[:, 0] - found).abs().max()) < 1.5 / 120


def test_percentiles_are_those_of_the_window() -> None:
    codes = torch.tensor([[[0, 9, 200, 200]], [[7, 7, 7, 7]], [[0, 0, 0, 0]]], dtype=torch.uint8)
    z, valid = windows.ranked(codes)
    np.testing.assert_allclose(z[0, 0], [0, 0.5 / 3, 2 / 3, 2 / 3], rtol=1e-6)
    assert z[1].unique().tolist() == [0.5] and z[2].unique().tolist() == [0]
    assert torch.equal(valid, codes != 0)


def test_training_reads_larger_frames_and_validation_sees_them_whole(small_dataset: Path) -> None:
    own = Configuration(
        input=InputParameters(64, 96), window=0.5, loader=LoaderParameters(4, workers=0), augmentation=NOTHING
    )
    task = RelativeDepth(own, str(small_dataset))
    batch = next(iter(task.loader(0, 1)))
    assert batch.images.shape[2:] == (128, 192) and batch.draws.shape == (4, DRAWS)
    example = task.prepare(batch, torch.device("cpu"))
    assert example.images.shape[2:] == example.z.shape[1:] == (64, 96)
    for z, valid in zip(example.z, example.valid):
        assert float(z[valid].mean()) == pytest.approx(0.5, abs=1e-3)
    whole = prepare(batch, torch.device("cpu"), None)
    assert not torch.equal(example.images, torch.nn.functional.avg_pool2d(whole.images, 2))
    assert next(iter(task._loader("val", 0, 1))).images.shape[2:] == (64, 96)


@pytest.mark.parametrize("window", [0, 1.5])
def test_windows_of_no_use_are_refused(window: float) -> None:
    with pytest.raises(ValueError, match=r"window must be in \[0.1, 1\]"):
        Configuration(window=window).check()
