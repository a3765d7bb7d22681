"""Sequences with ground truth in one layout, real or simulated: what every benchmark reads.

A folder with ``image_2/`` (colour) or ``image_0/`` (grey), ``calib.txt`` (rows ``P0:`` ...), ``poses.txt`` (camera to
world, 12 numbers a line) and, where known, ``pairs.csv`` (refined motion of each pair, ``X2 = R X1 + t``), ``depth/``
(uint16 PNG, metres x 256, 0 = none), ``mask/`` (bits 1 visible in the next frame, 2 reliable, 4 moving), ``flow/``
(KITTI encoding), ``classes/`` (CamVid's, 3 = road) and ``fixed.png`` (not 0: bonnet, logo). Frames are named alike in
all folders.
"""

import csv
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

VISIBLE, RELIABLE, MOVING = 1, 2, 4
ROAD = 3


class SequenceError(ValueError):
    """A folder that is no sequence: what is missing or wrong, and where."""


@dataclass(frozen=True)
class Motion:
    """True camera motion of a pair in the conventions of ``labels``: R (3, 3), T (3,) in metres."""

    R: NDArray[np.float64]
    T: NDArray[np.float64]

    @property
    def heading(self) -> NDArray[np.float64]:
        """Unit direction of translation."""
        return self.T / np.linalg.norm(self.T)

    def then(self, following: "Motion") -> "Motion":
        """The motion over two pairs in a row."""
        return Motion(self.R @ following.R, self.T + self.R @ following.T)


@dataclass(frozen=True)
class Camera:
    """Focal length and principal point (x, y) in pixels."""

    focal: float
    cx: float
    cy: float

    @property
    def matrix(self) -> NDArray[np.float64]:
        """K, (3, 3)."""
        return np.array([[self.focal, 0, self.cx], [0, self.focal, self.cy], [0, 0, 1.0]])

    def scaled(self, scale: float) -> "Camera":
        """The camera of the image resized by a factor; integer coordinates lie at pixel centres."""
        return Camera(self.focal * scale, (self.cx + 0.5) * scale - 0.5, (self.cy + 0.5) * scale - 0.5)


class Sequence:
    """An opened sequence folder. With ``width``, images and truth are those of the frames resized to it."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.images = self._find_images()

    def __len__(self) -> int:
        return len(self.images)

    def image(self, index: int, width: int | None = None) -> NDArray[np.uint8]:
        """A frame, (H, W) grey or (H, W, 3) RGB ``uint8``."""
        image = _read(self.images[index])
        if image.dtype != np.uint8 or (image.ndim == 3 and image.shape[2] != 3):
            raise SequenceError(f"{self.images[index]} is no 8-bit grey or colour image")
        image = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        return image if width is None else cv2.resize(image, _size(image, width), interpolation=cv2.INTER_AREA)

    def camera(self, width: int | None = None) -> Camera:
        """The true camera."""
        focal, cx, cy = self.intrinsics
        full = Camera(focal, cx, cy)
        return full if width is None else full.scaled(width / self.image(0).shape[1])

    @cached_property
    def intrinsics(self) -> tuple[float, float, float]:
        """Focal length and principal point in pixels."""
        row = "P2" if self.images[0].parent.name == "image_2" else "P0"
        for line in self._text("calib.txt").splitlines():
            name, _, numbers = line.partition(":")
            if name.strip() == row:
                values = _numbers(numbers.split(), f"{self.folder / 'calib.txt'}, row {row}", 12)
                return values[0], values[2], values[6]
        raise SequenceError(f"{self.folder / 'calib.txt'} has no row {row}:")

    @property
    def has_motion(self) -> bool:
        """Whether the camera's true motion is known."""
        return any((self.folder / name).exists() for name in ("pairs.csv", "poses.txt"))

    def motion(self, index: int, stride: int = 1) -> Motion:
        """The true motion from frame ``index`` to ``index + stride``."""
        if len(self._motions) < len(self) - 1:
            found = f"{len(self._motions)} motions for {len(self)} frames"
            raise SequenceError(f"{self.folder} has {found}: pairs.csv or poses.txt is too short")
        motion = self._motions[index]
        for following in self._motions[index + 1 : index + stride]:
            motion = motion.then(following)
        return motion

    def depth(self, index: int, width: int | None = None) -> NDArray[np.float32] | None:
        """Depth in metres, 0 where unknown, or None without ground truth."""
        raw = self._truth("depth", index, width)
        return None if raw is None else raw.astype(np.float32) / np.float32(256)

    def mask(self, index: int, width: int | None = None) -> NDArray[np.uint8] | None:
        """Bits ``VISIBLE``, ``RELIABLE`` and ``MOVING``, or None without ground truth."""
        return self._truth("mask", index, width)

    def fixed(self, width: int | None = None) -> NDArray[np.bool_] | None:
        """Where all frames show what is fixed to the car, (H, W); None for a sequence that does not say."""
        path = self.folder / "fixed.png"
        if not path.exists():
            return None
        fixed = _read(path)
        if width is not None:
            fixed = cv2.resize(fixed, _size(fixed, width), interpolation=cv2.INTER_NEAREST_EXACT)
        return fixed > 0

    def road(self, index: int) -> NDArray[np.bool_] | None:
        """Where the frame shows the road, (H, W); None for a sequence without ``classes/``."""
        classes = self.classes(index)
        return None if classes is None else classes == ROAD

    def classes(self, index: int) -> NDArray[np.uint8] | None:
        """CamVid's classes of a frame, (H, W); None for a sequence without ``classes/``."""
        return self._truth("classes", index, None)

    def flow(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
        """True flow to the next frame where the sequence has it (moving things included), and where it is known."""
        path = self.folder / "flow" / f"{self.images[index].stem}.png"
        if not path.exists():
            return None
        raw = _read(path)[..., ::-1]
        return (raw[..., :2].astype(np.float32) - np.float32(2**15)) / np.float32(64), raw[..., 2] > 0

    def rigid_flow(self, index: int) -> NDArray[np.float32] | None:
        """Flow (H, W, 2) of what stands still, from depth and motion; NaN where unknown. None without depth."""
        depth = self.depth(index)
        if depth is None:
            return None
        camera, motion = self.camera(), self.motion(index)
        rows, columns = np.indices(depth.shape)
        rays = np.stack(
            [(columns - camera.cx) / camera.focal, (rows - camera.cy) / camera.focal, np.ones_like(depth)], -1
        )
        ends = (depth[..., None] * rays - motion.T) @ motion.R
        with np.errstate(divide="ignore", invalid="ignore"):
            seen = camera.focal * ends[..., :2] / ends[..., 2:] + np.array([camera.cx, camera.cy])
        known = ((depth > 0) & (ends[..., 2] > 0))[..., None]
        return np.where(known, seen - np.stack([columns, rows], -1), np.nan).astype(np.float32)

    @cached_property
    def _motions(self) -> list[Motion]:
        if (self.folder / "pairs.csv").exists():
            rows = list(csv.DictReader(self._text("pairs.csv").splitlines()))
            return [_refined(row, f"{self.folder / 'pairs.csv'}, pair {k}") for k, row in enumerate(rows)]
        where = self.folder / "poses.txt"
        lines = [line.split() for line in self._text("poses.txt").splitlines() if line.strip()]
        poses = [np.reshape(_numbers(line, f"{where}, pose {k}", 12), (3, 4)) for k, line in enumerate(lines)]
        return [_relative(first, second) for first, second in pairwise(poses)]

    def _find_images(self) -> list[Path]:
        for name in ("image_2", "image_0"):
            found = sorted(path for path in (self.folder / name).glob("*") if path.suffix in (".png", ".jpg"))
            if found:
                return found
        raise SequenceError(f"{self.folder} has no images in image_2/ or image_0/; give the folder of one sequence")

    def _text(self, name: str) -> str:
        path = self.folder / name
        if not path.exists():
            raise SequenceError(f"{self.folder} has no {name}, which this benchmark needs")
        return path.read_text()

    def _truth(self, kind: str, index: int, width: int | None) -> NDArray[np.uint8] | None:
        path = self.folder / kind / f"{self.images[index].stem}.png"
        if not path.exists():
            return None
        truth = _read(path)
        return truth if width is None else cv2.resize(truth, _size(truth, width), interpolation=cv2.INTER_NEAREST_EXACT)


def _read(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise SequenceError(f"{path} cannot be read as an image")
    return image


def _size(image: NDArray[np.uint8], width: int) -> tuple[int, int]:
    if not 64 <= width <= image.shape[1]:
        raise SequenceError(f"a width of {width} pixels is not between 64 and the {image.shape[1]} of the frames")
    return width, round(image.shape[0] * width / image.shape[1])


def _numbers(words: list[str], where: str, count: int) -> list[float]:
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise SequenceError(f"{where}: {error}") from None
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise SequenceError(f"{where}: expected {count} finite numbers, found {len(numbers)}")
    return numbers


def _refined(row: dict[str, str], where: str) -> Motion:
    names = [f"R{i}{j}" for i in range(3) for j in range(3)] + ["tx", "ty", "tz"]
    numbers = np.array(_numbers([row.get(name) or "" for name in names], where, 12))
    R, t = numbers[:9].reshape(3, 3), numbers[9:]
    return Motion(R.T, -R.T @ t)


def _relative(first: NDArray[np.float64], second: NDArray[np.float64]) -> Motion:
    U, _, Vt = np.linalg.svd(first[:, :3].T @ second[:, :3])  # poses are printed with few digits
    return Motion(U @ Vt, first[:, :3].T @ (second[:, 3] - first[:, 3]))
