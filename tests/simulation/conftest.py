"""Small drives and hand-made scenes of which everything is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from simulation import DriveParameters, Frame, render
from simulation.camera import Camera, camera_rotation
from simulation.raycast import Ground
from simulation.street import Street
from simulation.sunlight import all_lit

SMALL = {"width": 192, "height": 108}
DRIVE = DriveParameters(seed=1, frames=4, fps=10, traffic=2, **SMALL)


@pytest.fixture(scope="session")
def drive() -> list[Frame]:
    """Four frames through a curve in traffic, a tenth of a second apart."""
    return list(render(DRIVE))


@pytest.fixture(scope="session")
def ground() -> Ground:
    """A straight, empty street along the world's x axis, 160 m."""
    pieces = np.zeros((20, 6))
    pieces[:, 0], pieces[:, 4] = 8.0 * np.arange(20), 1.0
    length = int(Street(pieces).length)
    return Ground(pieces, 5.0, 9.0, np.zeros((2, length), np.int64), np.zeros(0), 1.0, all_lit(length))


@pytest.fixture(scope="session")
def camera() -> Camera:
    """101x81 pixels, focal length 100, at the start of the street 1.5 m over it, looking along it."""
    return Camera(101, 81, 100.0, camera_rotation(0.0, 0.0, 0.0), np.array([0.0, 0.0, 1.5]))


def points(frame: Frame) -> NDArray[np.float64]:
    """(H, W, 3): what each pixel shows, in the camera's frame; metres. Not finite for the sky."""
    height, width = frame.depth.shape
    y, x = np.mgrid[0:height, 0:width]
    rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(frame.K).T
    return rays * frame.depth[..., None].astype(np.float64)


def in_next_view(frame: Frame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(ends (H, W, 2) in pixels, depths (H, W) in metres) in the next view of every pixel's point, standing still."""
    still = np.where(np.isfinite(frame.depth)[..., None], points(frame), 0)
    moved = (still - frame.T) @ frame.R  # X2 = R^T (X1 - T), rows
    projected = moved @ frame.K.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return projected[..., :2] / projected[..., 2:], moved[..., 2]


def pixels(frame: Frame) -> NDArray[np.float64]:
    """(H, W, 2): x and y of each pixel."""
    height, width = frame.depth.shape
    return np.stack(np.meshgrid(np.arange(float(width)), np.arange(float(height))), -1)
