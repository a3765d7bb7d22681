import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from labels.frame_hash import VIEWS, frame_hashes


def street(seed: int, height: int = 180, width: int = 320) -> NDArray[np.uint8]:
    """Blots of all sizes above a gradient, grey."""
    generator = np.random.default_rng(seed)
    image = np.linspace(0, 120, height)[:, None] * np.ones(width)
    for sigma in (4, 12, 30):
        noise = cv2.GaussianBlur(generator.normal(0, 1, (height, width)), (0, 0), sigma)
        image += 40 * noise / noise.std()
    return cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def apart(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> int:
    return int(np.bitwise_count(one ^ other).min())


def test_a_wave_sets_its_own_bit() -> None:
    x = (np.arange(128) + 0.5) / 128
    for row, column in ((1, 1), (1, 3), (4, 2), (8, 8)):
        wave = np.cos(np.pi * row * x)[:, None] * np.cos(np.pi * column * x)
        bits = frame_hashes((128 + 100 * wave).astype(np.uint8))[0]
        assert bits >> np.uint64(63 - (8 * (row - 1) + column - 1)) & np.uint64(1)


def test_half_the_bits_are_set() -> None:
    assert np.bitwise_count(frame_hashes(street(1))).tolist() == [32] * len(VIEWS)


def test_size_noise_brightness_and_colour_change_few_bits() -> None:
    image = street(2)
    known = frame_hashes(image)[0]
    noisy = image + np.random.default_rng(0).normal(0, 6, image.shape)
    for other in (
        cv2.resize(image, (160, 90), interpolation=cv2.INTER_AREA),
        np.clip(noisy, 0, 255).astype(np.uint8),
        (image // 2 + 30).astype(np.uint8),
        np.repeat(image[..., None], 3, axis=2),
    ):
        assert apart(known, frame_hashes(other)[0]) <= 4


@pytest.mark.parametrize("view", VIEWS[1:])
def test_a_lost_border_is_made_up_for(view: tuple[float, float, float]) -> None:
    image = street(3)
    left, top, bottom = round(view[0] * 320), round(view[1] * 180), round(view[2] * 180)
    cropped = cv2.resize(image[top : 180 - bottom, left : 320 - left], (320, 180))
    assert apart(frame_hashes(image), frame_hashes(cropped)[0]) <= 4


def test_other_frames_differ_in_many_bits() -> None:
    hashes = [frame_hashes(street(seed)) for seed in range(12)]
    assert min(apart(one, other[0]) for i, one in enumerate(hashes) for other in hashes[:i]) >= 14


def test_an_even_frame_shows_nothing() -> None:
    assert frame_hashes(np.full((90, 160, 3), 77, np.uint8)).tolist() == [0] * len(VIEWS)
