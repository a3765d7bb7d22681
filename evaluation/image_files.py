"""Images of ground truth and of predictions, found by name and read as they are."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def paired(
    ground_truth: Path, predictions: Path, endings: tuple[str, ...] = (".png",), ending: str = ".png"
) -> list[tuple[Path, Path]]:
    """Every ``NAME + ending`` of the folder of ground truth, by name, and its prediction.

    A prediction is ``NAME`` with the first of ``endings`` that exists. Raises ``ValueError`` that names the first
    prediction missing, and where a folder does not exist or has no ground truth.
    """
    for folder in (ground_truth, predictions):
        if not folder.is_dir():
            raise ValueError(f"{folder} is not a folder")
    truths = sorted(path for path in ground_truth.iterdir() if path.name.endswith(ending))
    if not truths:
        raise ValueError(f"{ground_truth} has no ground truth (*{ending})")
    return [(truth, _prediction(truth, predictions, endings, ending)) for truth in truths]


def _prediction(truth: Path, predictions: Path, endings: tuple[str, ...], ending: str) -> Path:
    candidates = [predictions / (truth.name.removesuffix(ending) + other) for other in endings]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise ValueError(f"{candidates[0]} is missing; every image with ground truth needs a prediction")
    return found


def read_image(path: Path) -> NDArray[Any]:
    """The image as stored: (H, W) or (H, W, 3) in RGB, ``uint8`` or ``uint16``. Raises ``ValueError`` for none."""
    stored = np.frombuffer(path.read_bytes(), np.uint8)
    image = cv2.imdecode(stored, cv2.IMREAD_UNCHANGED) if stored.size else None
    if image is None:
        raise ValueError(f"{path} cannot be read as an image")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if image.ndim == 3 and image.shape[2] == 3 else image


def read_depth(path: Path) -> NDArray[np.float32]:
    """Depth in metres (H, W), 0 where there is none, of a KITTI depth PNG: 16 bits, metres times 256.

    Raises ``ValueError`` for an image of another kind: 8 bits would be metres of another scale, unnoticed.
    """
    image = read_image(path)
    if image.dtype != np.uint16 or image.ndim != 2:
        raise ValueError(f"{path} is no depth map; they are grey PNG of 16 bits, metres times 256, 0 for none")
    return image.astype(np.float32) / np.float32(256)
