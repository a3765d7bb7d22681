from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from labels.photometric_samples import REACH, PhotometricNoise, across, measured, offsets

HEIGHT, WIDTH = 120, 160


def texture(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1, (HEIGHT, WIDTH))
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.0, borderType=cv2.BORDER_REFLECT)
    return 128 + 40 * smooth / smooth.std()


def shifted(image: np.ndarray, flow: tuple[float, float]) -> np.ndarray:
    """``image``, which repeats itself, moved by any fraction of a pixel: exactly, by its Fourier transform."""
    phase = np.fft.fftfreq(WIDTH) * flow[0] + np.fft.fftfreq(HEIGHT)[:, None] * flow[1]
    moved = np.fft.ifft2(np.fft.fft2(image) * np.exp(-2j * np.pi * phase)).real
    return np.clip(np.rint(moved), 0, 255).astype(np.uint8)


def grid() -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[15 : HEIGHT - 15 : 7, 15 : WIDTH - 15 : 7].reshape(2, -1)
    return columns.astype(np.int64), rows.astype(np.int64)


def constant(u: float, v: float) -> np.ndarray:
    return np.broadcast_to(np.array([u, v], np.float32), (HEIGHT, WIDTH, 2)).copy()


@pytest.mark.parametrize("true", [(0.0, 0.0), (3.3, -1.7), (-0.5, 0.25)])
@pytest.mark.parametrize("off", [(0.0, 0.0), (0.4, -0.3), (-0.6, 0.2)])
def test_it_says_by_how_much_the_flow_is_off(true: tuple[float, float], off: tuple[float, float]) -> None:
    image = texture()
    first, second = shifted(image, (0, 0)), shifted(image, true)
    found = offsets(first, second, constant(true[0] + off[0], true[1] + off[1]), *grid())
    # of an offset, a tenth is beyond the linear model
    np.testing.assert_allclose(np.median(found[:, :2], axis=0), -np.array(off), atol=0.01, rtol=0.12)
    assert np.std(found[:, :2], axis=0).max() < 0.04


def test_a_change_of_brightness_is_no_motion() -> None:
    image = texture()
    first = shifted(image, (0, 0))
    found = offsets(first, np.clip(first.astype(int) + 9, 0, 255).astype(np.uint8), constant(0, 0), *grid())
    assert np.abs(np.median(found[:, :2], axis=0)).max() < 0.02


def test_the_spread_is_what_noise_makes_of_it() -> None:
    image = texture()
    first = shifted(image, (0, 0))
    random = np.random.default_rng(1)
    columns, rows = np.full(1, 80), np.full(1, 60)
    runs = []
    for _ in range(400):
        frames = [np.clip(first + random.normal(0, 4, first.shape), 0, 255).astype(np.uint8) for _ in range(2)]
        runs.append(offsets(*frames, constant(0, 0), columns, rows)[0])
    measured = np.std(runs, axis=0)[:2]
    spread = offsets(first, first, constant(0, 0), columns, rows)[0, 2:]
    promised = 4 * np.sqrt(2) * np.sqrt(spread[[0, 2]])  # of two frames
    np.testing.assert_allclose(measured, promised, rtol=0.25)


def test_an_edge_tells_what_lies_across_it_only() -> None:
    image = np.tile(np.where(np.arange(WIDTH) < 80, 60, 180).astype(np.float32), (HEIGHT, 1))
    image = cv2.GaussianBlur(image, (0, 0), 1.5).astype(np.uint8)
    spread = offsets(image, image, constant(0, 0), np.full(1, 80), np.full(1, 60))[:, 2:]
    assert across(spread, np.array([[0.0, 1.0]]))[0] < 0.02  # the edge runs up and down: so does what it leaves open
    assert across(spread, np.array([[1.0, 0.0]]))[0] > 0.5


def test_windows_that_leave_a_frame_tell_nothing() -> None:
    image = texture()[:HEIGHT, :WIDTH].astype(np.uint8)
    columns = np.array([REACH, WIDTH // 2, WIDTH - 2, WIDTH // 2, WIDTH // 2])
    rows = np.array([HEIGHT // 2, REACH, HEIGHT // 2, HEIGHT - 1, HEIGHT // 2])
    found = offsets(image, image, constant(0, 0), columns, rows)
    assert np.isnan(found[:4]).all()
    assert np.isfinite(found[4]).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -1e30])
def test_flow_that_is_no_number_tells_nothing(value: float) -> None:
    image = texture()[:HEIGHT, :WIDTH].astype(np.uint8)
    assert np.isnan(offsets(image, image, constant(value, 0), *grid())).all()


def test_a_blank_wall_leaves_the_flow_as_it_is() -> None:
    blank = np.full((HEIGHT, WIDTH), 100, np.uint8)
    found = offsets(blank, blank, constant(0.5, 0), *grid())
    np.testing.assert_array_equal(found[:, :2], 0)
    assert (found[:, 2] >= 0.5).all()


def test_it_corrects_a_smooth_error_of_real_geometry(corridor: Callable[..., Any]) -> None:
    scene = corridor((0.1, 0.4, 0.0), (0.05, 0.0, 0.5), focal=300.0, width=320, height=180)
    wrong = corridor((0.12, 0.4, 0.0), (0.07, 0.0, 0.5), focal=300.0, width=320, height=180)
    rows, columns = np.mgrid[25:155:4, 30:290:4].reshape(2, -1)
    found = offsets(*scene.frames(), wrong.flow(), columns, rows)
    known = np.isfinite(found[:, 0])
    before = (wrong.flow() - scene.flow())[rows, columns][known]
    telling = np.sqrt(found[known, 2]) < 0.1
    assert np.median(np.abs(before[telling, 0])) > 3 * np.median(np.abs((before + found[known, :2])[telling, 0]))


def test_measured_flow_has_the_noise_across_the_lines_that_meet_in_the_focus() -> None:
    image = np.tile(texture()[:1], (HEIGHT, 1))  # upright stripes: they tell of motion to the side alone
    first, second = shifted(image, (0, 0)), shifted(image, (1.3, 0))
    places, middle = grid(), (WIDTH / 2, HEIGHT / 2)
    beside = (middle[0] - 1e6, middle[1], 1.0)  # lines lie flat, and nothing is told across them
    kept, _, _ = measured((first, second), constant(1.0, 0), places, beside, PhotometricNoise())
    assert not kept.any()
    above = (middle[0], middle[1] - 1e6, 1.0)
    kept, vectors, sigma = measured((first, second), constant(1.0, 0), places, above, PhotometricNoise())
    assert kept.all()
    np.testing.assert_allclose(np.median(vectors[:, 0]), 1.3, atol=0.02)
    assert np.all(sigma >= 0.04) and np.median(sigma) < 0.5


def test_flow_that_is_off_by_more_than_the_reach_is_not_measured() -> None:
    image = texture()
    first, second = shifted(image, (0, 0)), shifted(image, (0.9, 0))
    focus, noise = (0.0, -1e6, 1.0), PhotometricNoise(reach_px=0.5)
    kept, _, _ = measured((first, second), constant(0, 0), grid(), focus, noise)
    assert kept.mean() < 0.05
    kept, _, _ = measured((first, second), constant(0.7, 0), grid(), focus, noise)
    assert kept.mean() > 0.95
