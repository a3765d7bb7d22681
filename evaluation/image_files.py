"""Images of ground truth and of predictions, found by name and read as they are."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def require_folders(*folders: Path | None) -> None:
    """Raise ``ValueError`` that names the first which is given but is no folder."""
    for folder in folders:
        if folder is not None and not folder.is_dir():
            raise ValueError(f"{folder} is not a folder")


def find_prediction(folder: Path, name: Path | str, endings: tuple[str, ...] = (".png", ".npy")) -> Path:
    """The file of a prediction. Raises ``ValueError`` that names it where it is missing, or there twice."""
    found = [path for ending in endings if (path := folder / f"{name}{ending}").is_file()]
    if not found:
        some = " or ".join(endings)
        raise ValueError(f"{folder / name}{some} is missing; every image with ground truth needs a prediction")
    if len(found) > 1:
        raise ValueError(f"{found[0]} and {found[1].name} predict one image; keep one")
    return found[0]


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


def read_array(path: Path) -> NDArray[np.float64]:
    """A prediction (H, W) of a file .npy of floats. Raises ``ValueError`` that names the file for any other."""
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} cannot be read as an array: {error}") from None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind != "f":
        raise ValueError(f"{path} is no prediction of an image; save an array of floats, (H, W)")
    return array.astype(np.float64)
