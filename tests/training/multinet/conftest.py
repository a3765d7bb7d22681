"""Small folders in the layouts of KITTI's road and object benchmarks, and of a simulated drive."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

LABEL = "Car 0.00 0 -1.57 {} {} {} {} 1.4 1.6 3.9 1 2 30 -1.5\n"
SIZE = (70, 130)


def scene(rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.bool_], tuple[int, int, int, int]]:
    """A grey road on green, a red car on it; the image RGB, where the road is, and the car's box."""
    image = np.full((*SIZE, 3), (40, 120, 40), np.uint8)
    left = int(rng.integers(10, 40))
    road = np.zeros(SIZE, bool)
    road[35:, left : left + 70] = True
    image[road] = 110
    x, y = left + int(rng.integers(5, 30)), int(rng.integers(30, 40))
    box = (x, y, x + 30, y + 20)
    image[y : y + 20, x : x + 30] = (190, 30, 30)
    road[y : y + 20, x : x + 30] = False
    noisy = image + rng.normal(0, 4, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8), road, box


def write(path: Path, image: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)


@pytest.fixture(scope="session")
def kitti_road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four frames of the road benchmark; the uppermost rows are neither road nor background."""
    folder = tmp_path_factory.mktemp("road")
    for number in range(4):
        image, road, _ = scene(np.random.default_rng(number))
        colours = np.zeros((*SIZE, 3), np.uint8)
        colours[10:, :, 0] = 255
        colours[road, 2] = 255
        write(folder / "training" / "image_2" / f"um_{number:06d}.png", image)
        write(folder / "training" / "gt_image_2" / f"um_road_{number:06d}.png", colours)
    return folder


@pytest.fixture(scope="session")
def kitti_object(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five frames of the object benchmark."""
    folder = tmp_path_factory.mktemp("object")
    (folder / "training" / "label_2").mkdir(parents=True)
    for number in range(5):
        image, _, box = scene(np.random.default_rng(10 + number))
        write(folder / "training" / "image_2" / f"{number:06d}.png", image)
        (folder / "training" / "label_2" / f"{number:06d}.txt").write_text(LABEL.format(*box))
    return folder


@pytest.fixture(scope="session")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four frames as a simulated drive has them; no car in the last, two burnt-in rows at the bottom."""
    folder = tmp_path_factory.mktemp("drives") / "street"
    (folder / "label_2").mkdir(parents=True)
    for number in range(4):
        image, road, box = scene(np.random.default_rng(20 + number))
        classes = np.where(road, 3, 5).astype(np.uint8)
        classes[-2:] = 11
        write(folder / "image_2" / f"{number:06d}.png", image)
        write(folder / "classes" / f"{number:06d}.png", classes)
        (folder / "label_2" / f"{number:06d}.txt").write_text(LABEL.format(*box) if number < 3 else "")
    return folder
