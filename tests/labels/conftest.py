"""A corridor with exact depth: flow with known truth, and rendered frames of it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from labels.flow import CONSISTENT, INSIDE, TEXTURED

HALF_WIDTH, HALF_HEIGHT, END = 4.0, 1.6, 40.0  # metres


@dataclass(frozen=True)
class Corridor:
    """Frame 1 of a corridor and what becomes of it when the camera moves by T (metres) and R."""

    R: NDArray[np.float64]
    T: NDArray[np.float64]
    focal: float
    width: int
    height: int

    @property
    def centre(self) -> tuple[float, float]:
        return (self.width - 1) / 2, (self.height - 1) / 2

    @property
    def heading(self) -> NDArray[np.float64]:
        return self.T / np.linalg.norm(self.T)

    def rays(self) -> NDArray[np.float64]:
        columns, rows = np.meshgrid(np.arange(self.width), np.arange(self.height))
        x, y = (columns - self.centre[0]) / self.focal, (rows - self.centre[1]) / self.focal
        return np.stack([x, y, np.ones_like(x)], -1)

    def points(self, R: NDArray[np.float64], T: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where the rays of a camera at T with orientation R meet the corridor, (H, W, 3) in the frame of camera 1."""
        directions = self.rays() @ R.T
        with np.errstate(divide="ignore"):
            sides = [
                np.where(directions[..., axis] > 0, limit - T[axis], -limit - T[axis]) / directions[..., axis]
                for axis, limit in ((0, HALF_WIDTH), (1, HALF_HEIGHT))
            ]
            end = np.where(directions[..., 2] > 0, (END - T[2]) / directions[..., 2], np.inf)
        distance = np.minimum(np.minimum(*sides), end)
        return T + distance[..., None] * directions

    @property
    def depth(self) -> NDArray[np.float64]:
        return self.points(np.eye(3), np.zeros(3))[..., 2]

    def flow(self) -> NDArray[np.float32]:
        return self._flow.copy()

    @cached_property
    def _flow(self) -> NDArray[np.float32]:
        second = (self.points(np.eye(3), np.zeros(3)) - self.T) @ self.R  # rows of R.T @ (X - T)
        ends = second[..., :2] / second[..., 2:] * self.focal
        return (ends - self.rays()[..., :2] * self.focal).astype(np.float32)

    def support(self) -> NDArray[np.uint8]:
        ends = self._flow + self.rays()[..., :2] * self.focal + np.array(self.centre)
        inside = (ends > 2).all(-1) & (ends < np.array([self.width - 3, self.height - 3])).all(-1)
        return np.where(inside, CONSISTENT | INSIDE | TEXTURED, TEXTURED).astype(np.uint8)

    def frames(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        return self._render(np.eye(3), np.zeros(3)), self._render(self.R, self.T)

    def _render(self, R: NDArray[np.float64], T: NDArray[np.float64]) -> NDArray[np.uint8]:
        points = self.points(R, T)
        side = np.abs(points[..., 0]) > HALF_WIDTH - 1e-6
        end = points[..., 2] > END - 1e-6
        across = np.where(side, points[..., 1], points[..., 0])
        along = np.where(end, points[..., 1], points[..., 2]) + 100 * side + 200 * end
        image = np.zeros((self.height, self.width), np.float32)
        for octave, cell in enumerate((1.6, 0.8, 0.4, 0.2, 0.1, 0.05)):
            # octaves finer than two pixels fade out: they would only alias
            sharp = np.clip(cell * self.focal / points[..., 2] / 2 - 1, 0, 1)
            texture = np.random.default_rng(octave).random((512, 512)).astype(np.float32) - 0.5
            u, v = (across / cell).astype(np.float32) % 510, (along / cell).astype(np.float32) % 510
            image += sharp * cv2.remap(texture, u, v, cv2.INTER_CUBIC)
        return np.clip(128 + 55 * image, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def corridor() -> Callable[..., Corridor]:
    """Makes corridors of any motion: rotation in degrees, translation in metres."""

    def make(
        rotation_deg: tuple[float, float, float] = (0.2, 0.5, -0.1),
        T: tuple[float, float, float] = (0.05, -0.02, 0.6),
        focal: float = 500.0,
        width: int = 640,
        height: int = 360,
    ) -> Corridor:
        R = cv2.Rodrigues(np.deg2rad(np.array(rotation_deg)))[0]
        return Corridor(R, np.array(T), focal, width, height)

    return make


@pytest.fixture(scope="session")
def angle_deg() -> Callable[[NDArray[np.float64], NDArray[np.float64]], float]:
    """Angle between two vectors, or of the rotation between two orientations."""

    def angle(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
        if a.ndim == 2:
            return float(np.rad2deg(np.linalg.norm(cv2.Rodrigues(a.T @ b)[0])))
        return float(np.rad2deg(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))

    return angle


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real driving data, where there is one."""
    if "REAL_DATA_DIR" not in os.environ:
        pytest.skip("REAL_DATA_DIR is not set")
    return Path(os.environ["REAL_DATA_DIR"])
