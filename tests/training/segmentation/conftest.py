"""Small datasets that lie as their owners' do: images of the true sizes, regions of single classes."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from training.segmentation.layouts import LAYOUTS

Place = tuple[Path, Path]
SIZES = {
    "cityscapes": (1024, 2048),
    "cityscapes_256": (256, 256),
    "camvid": (720, 960),
    "camvid_segnet": (360, 480),
    "kitti": (370, 1226),
}


def _place(root: Path, layout: str, split: str, number: int) -> Place:
    if layout == "cityscapes":
        stem = f"aachen_{number:06d}_000019"
        folder = f"{split}/aachen"
        return (
            root / "leftImg8bit" / folder / f"{stem}_leftImg8bit.png",
            root / "gtFine" / folder / f"{stem}_gtFine_labelIds.png",
        )
    if layout == "camvid":
        name = f"0001TP_{split}{number:05d}"
        return root / f"701_StillsRaw_full/{name}.png", root / f"LabeledApproved_full/{name}_L.png"
    if layout == "kitti":
        folder = root / {"train": "Training_00", "val": "Validation_07"}[split]
        return folder / f"RGB/{number:06d}.png", folder / f"GT_ind/{number:06d}.png"
    return root / split / f"{split}{number:04d}.png", root / f"{split}annot" / f"{split}{number:04d}.png"


def _label(layout: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """As stored: a few rectangles of random ids of the dataset."""
    height, width = SIZES[layout]
    known = LAYOUTS[layout]
    values = [label.id for label in known.benchmark.labels]
    if known.train_ids:
        values = [*range(len(known.benchmark.classes)), 255]
    label = np.full((height, width), rng.choice(values), np.uint8)
    for _ in range(12):
        top, left = rng.integers(0, height - 20), rng.integers(0, width - 20)
        label[top : top + height // 3, left : left + width // 3] = rng.choice(values)
    if known.colours is None:
        return label
    colours = {value: colour for colour, value in known.colours.items()}
    return np.array([colours[value] for value in range(12)], np.uint8)[label]


def write_sample(root: Path, layout: str, counts: dict[str, int], seed: int = 0) -> list[Place]:
    """Write a dataset with so many images in each split; where image and label of each are."""
    rng, places = np.random.default_rng(seed), []
    for split, count in counts.items():
        for number in range(count):
            image, label = _place(root, layout, split, number)
            for path in (image, label):
                path.parent.mkdir(parents=True, exist_ok=True)
            stored = _label(layout, rng)
            shown = stored if stored.ndim == 3 else np.repeat((stored * 7)[..., None], 3, axis=2)
            cv2.imwrite(str(image), cv2.blur(shown, (5, 5)), [cv2.IMWRITE_PNG_COMPRESSION, 1])
            Image.fromarray(stored).save(label, compress_level=1)
            places.append((image, label))
        if layout == "camvid":
            names = [_place(root, layout, split, number)[0].stem for number in range(count)]
            (root / f"{split}.txt").write_text("".join(f"train/{name}.png trainannot/{name}.png\n" for name in names))
    return places


@pytest.fixture(scope="session")
def sample() -> Callable[..., list[Place]]:
    return write_sample
