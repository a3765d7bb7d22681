import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from labels.patch_flow import SIDE, patch_flow, pyramid

FLOW = NDArray[np.float32]


def _texture(height: int, width: int, seed: int = 5) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(128, 200, (height, width)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 1.5)


def _moved(u: float, v: float, height: int = 90, width: int = 160) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Two frames; what is at (x, y) in the first is at (x + u, y + v) in the second."""
    scene = _texture(height + 80, width + 80)
    second = np.array([[1, 0, -40 + u], [0, 1, -40 + v]], np.float32)
    first = np.array([[1, 0, -40], [0, 1, -40]], np.float32)
    frames = (cv2.warpAffine(scene, matrix, (width, height), flags=cv2.INTER_CUBIC) for matrix in (first, second))
    one, two = (np.clip(frame, 0, 255).astype(np.uint8) for frame in frames)
    return one, two


def _found(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> FLOW:
    return patch_flow(pyramid(first), pyramid(second))


@pytest.mark.parametrize(("u", "v"), [(0.0, 0.0), (0.4, -0.3), (3.0, 0.0), (-2.3, 5.1), (17.0, 9.0), (-12.5, 0.25)])
def test_the_shift_of_a_texture(u: float, v: float) -> None:
    found = _found(*_moved(u, v))
    assert found.shape == (90, 160, 2) and found.dtype == np.float32
    inner = found[24:-24, 28:-28]
    np.testing.assert_allclose(np.median(inner, axis=(0, 1)), [u, v], atol=0.05)
    off = np.hypot(inner[..., 0] - u, inner[..., 1] - v)
    assert np.quantile(off, 0.95) < 0.25


def test_equal_frames_do_not_move() -> None:
    first, _ = _moved(0, 0)
    np.testing.assert_array_equal(_found(first, first), 0)


def test_a_change_of_brightness_is_no_motion() -> None:
    first, second = _moved(1.5, 0.5)
    brighter = np.clip(second.astype(np.int16) // 2 + 90, 0, 255).astype(np.uint8)
    darker = first // 2
    found = _found(darker, brighter)[16:-16, 16:-16]
    np.testing.assert_allclose(np.median(found, axis=(0, 1)), [1.5, 0.5], atol=0.1)


def test_two_things_that_move_apart_are_told_at_their_border() -> None:
    first, left = _moved(-3, 0)
    _, right = _moved(2, 0)
    second = np.where(np.arange(160) < 80, left, right)
    found = _found(first, second)[10:-10, :, 0]
    np.testing.assert_allclose(np.median(found[:, 20:72]), -3, atol=0.05)
    np.testing.assert_allclose(np.median(found[:, 86:140]), 2, atol=0.05)


def test_flat_frames_stay() -> None:
    flat = np.full((40, 64), 90, np.uint8)
    np.testing.assert_array_equal(_found(flat, flat + 20), 0)


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (22, 40), (45, 83), (90, 161)])
def test_every_pixel_of_any_size_has_a_flow(size: tuple[int, int]) -> None:
    first, second = _moved(1, 1, *size)
    found = _found(first, second)
    assert found.shape == (*size, 2) and np.isfinite(found).all()
    assert np.median(np.abs(found - 1)) < 0.3


def test_patches_stay_near_the_frame() -> None:
    """Frames that have nothing in common send patches anywhere, but not out of memory."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        first, second = rng.integers(0, 256, (2, 45, 80), dtype=np.uint8)
        found = _found(first, second)
        y, x = np.mgrid[0:45, 0:80]
        assert (x + found[..., 0]).min() >= -2 * SIDE and (x + found[..., 0]).max() <= 80 + 2 * SIDE
        assert (y + found[..., 1]).min() >= -2 * SIDE and (y + found[..., 1]).max() <= 45 + 2 * SIDE
