"""Image files of the datasets that tasks train on."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ENDINGS = (".png", ".jpg", ".jpeg")


class FrameError(ValueError):
    """Frames that cannot be used as asked; the message says where and why."""


def read_image(path: Path, how: int = cv2.IMREAD_COLOR_RGB) -> NDArray[np.uint8]:
    """An image file, RGB unless ``how`` says otherwise. Raises ``FrameError`` where it is none."""
    found = cv2.imread(str(path), how)
    if found is None:
        raise FrameError(f"{path} {'is not there' if not path.exists() else 'cannot be read as an image'}")
    return np.asarray(found, np.uint8)


def resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The whole picture at ``size`` = (H, W): by areas where it gets smaller, else bilinearly."""
    interpolation = cv2.INTER_AREA if size[0] < image.shape[0] else cv2.INTER_LINEAR
    return cv2.resize(image, size[::-1], interpolation=interpolation).astype(np.uint8, copy=False)


def find_image(path: Path) -> Path:
    """The image of a path without ending; the PNG where there is none, for the message that it is missing."""
    return next((file for ending in ENDINGS if (file := path.with_suffix(ending)).exists()), path.with_suffix(".png"))


def drives_with(folder: Path, needed: str) -> list[tuple[Path, str]]:
    """Simulated drives that have what is ``needed``: the folder itself, or those in it; none where there are none.

    With each comes what its keys begin with: they tell drives apart only where there may be many.
    """
    if (folder / needed).is_dir():
        return [(folder, "")]
    return [(drive, f"{drive.name}-") for drive in sorted(path.parent for path in folder.glob(f"*/{needed}"))]


def validation_folder(option: str, own: str | None, names: str | None, training: str) -> str:
    """The folder of the frames for validation: their own, or that for training where a list keeps the two apart.

    Raises ``ValueError`` where nothing does.
    """
    if own is None and names is None:
        raise ValueError(
            f"{option}: give validation_folder or validation_frames, to keep training and validation apart"
        )
    return own or training


def fingerprint(frames: Iterable[tuple[str, Path, Path]]) -> str:
    """Of which frames there are, key, image and ground truth, and of how large their files are."""
    digest = hashlib.sha256()
    for key, *files in frames:
        digest.update(f"{key} {' '.join(str(path.stat().st_size) for path in files)}\n".encode())
    return digest.hexdigest()[:12]
