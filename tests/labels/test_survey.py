"""The survey measures what was put into the frames."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from labels.image_quality import blockiness, sharpness
from labels.motion import MotionMeter
from labels.patch_flow import patch_flow, pyramid
from labels.selection import SelectionParameters
from labels.survey import COLUMNS, Survey, _blocks, _reduce

HEIGHT, WIDTH = 180, 320


def texture(seed: int = 0, height: int = 400, width: int = 1200) -> NDArray[np.uint8]:
    """A smooth random pattern with detail at several scales, (height, width) grey."""
    generator = np.random.default_rng(seed)
    layers = [
        cv2.resize(
            generator.uniform(0, 1, (height // step, width // step)), (width, height), interpolation=cv2.INTER_CUBIC
        )
        for step in (5, 12, 30)
    ]
    image = sum(weight * layer for weight, layer in zip((60, 80, 60), layers))
    return np.clip(np.asarray(image) + 20, 0, 255).astype(np.uint8)


def sliding(shift: float, count: int = 4, seed: int = 0) -> list[NDArray[np.uint8]]:
    """Frames that show a texture moving to the left by ``shift`` pixels each."""
    large = texture(seed)
    frames = []
    for number in range(count):
        matrix = np.array([[1, 0, -shift * number - 40], [0, 1, -60]])
        frames.append(cv2.warpAffine(large, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC))
    return frames


def surveyed(frames: list[NDArray[np.uint8]]) -> dict[str, NDArray[np.float64]]:
    survey = Survey()
    for number, frame in enumerate(frames):
        survey.add(frame, number / 30)
    return survey.table()


def test_a_table_has_a_row_a_frame_and_says_nothing_of_the_step_to_the_first() -> None:
    table = surveyed(sliding(2.0))
    assert tuple(table) == COLUMNS
    assert all(column.shape == (4,) and column.dtype == np.float64 for column in table.values())
    steps = ("difference", "difference_q999", "overlap", "median", "p75", "p90", "road", "consistent", "residual")
    assert all(np.isnan(table[name][0]) and np.isfinite(table[name][1:]).all() for name in steps)
    np.testing.assert_allclose(table["time_s"], np.arange(4) / 30)


def test_frames_are_reduced_to_means_of_blocks_halves_to_even() -> None:
    image = np.random.default_rng(2).integers(0, 256, (64, 96), dtype=np.uint8)
    image[:2, :4], image[2:4, :4], image[:2, 4:8], image[2:4, 4:8] = 10, 11, 11, 12  # means 10.5, 11.5
    blocks = _blocks(image)
    assert blocks[0, :2].tolist() == [10, 12]
    np.testing.assert_array_equal(blocks, np.rint(image.reshape(16, 4, 24, 4).mean(axis=(1, 3))))


@pytest.mark.parametrize(("height", "width"), [(66, 96), (64, 97), (40, 300)])
def test_frames_that_are_no_whole_blocks_are_reduced_all_the_same(height: int, width: int) -> None:
    reduced = _reduce(np.full((height, width), 77, np.uint8)).reduced[0].image
    assert reduced.shape == (max(height // 4, 16), width // 4) and (reduced == 77).all()


def test_an_empty_survey_is_an_empty_table() -> None:
    assert all(column.shape == (0,) for column in Survey().table().values())


@pytest.mark.parametrize("shift", [0.0, 1.0, 4.0, 11.0])
def test_motion_is_measured_in_working_pixels(shift: float) -> None:
    table = surveyed(sliding(shift))
    for name in ("median", "p75", "p90", "road"):
        np.testing.assert_allclose(table[name][1:], shift, atol=0.15 + 0.05 * shift, err_msg=name)
    assert (table["consistent"][1:] > 0.9).all()


def test_the_road_is_the_lower_middle() -> None:
    top, bottom = sliding(1.0), sliding(6.0, seed=1)
    frames = [np.vstack([above[:90], below[90:]]) for above, below in zip(top, bottom)]
    table = surveyed(frames)
    np.testing.assert_allclose(table["road"][1:], 6.0, atol=0.5)
    np.testing.assert_allclose(table["p90"][1:], 6.0, atol=0.5)


def test_equal_frames_differ_by_nothing_and_unequal_by_what_they_do() -> None:
    one = texture()[:HEIGHT, :WIDTH]
    other = one.copy()
    other[:18] = 255 - other[:18]
    table = surveyed([one, one, other])
    assert (table["difference"][1], table["difference_q999"][1], table["overlap"][1]) == (0, 0, 1)
    change = np.abs(one.astype(int) - other)
    assert table["difference"][2] == pytest.approx(change.mean())
    assert table["difference_q999"][2] == pytest.approx(np.quantile(change, 0.999), abs=1)
    assert table["overlap"][2] < 1


def test_unlike_frames_have_little_consistent_flow() -> None:
    table = surveyed([texture(1)[:HEIGHT, :WIDTH], texture(2)[:HEIGHT, :WIDTH]])
    assert table["consistent"][1] < SelectionParameters().consistent


def test_light_and_texture_are_measured() -> None:
    white = np.full((HEIGHT, WIDTH), 128, np.uint8)
    white[: HEIGHT // 4] = 255
    table = surveyed([white, texture()[:HEIGHT, :WIDTH]])
    assert table["saturated"][0] == 0.25
    assert table["mean"][0] == pytest.approx(white.mean())
    assert table["textured"][0] < 0.02
    assert table["textured"][1] > 0.5
    assert np.isnan(table["median"][1])  # nothing to follow in the first


def test_colour_counts_as_its_luma() -> None:
    grey = sliding(2.0)
    assert_same(surveyed(grey), surveyed([np.repeat(frame[..., None], 3, axis=2) for frame in grey]))


def assert_same(one: dict[str, NDArray[np.float64]], other: dict[str, NDArray[np.float64]]) -> None:
    for name in COLUMNS:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_the_survey_does_not_depend_on_what_was_surveyed_before() -> None:
    frames = sliding(3.0)
    first = surveyed(frames)
    surveyed([frame[:90, :160] for frame in frames])
    assert_same(first, surveyed(frames))


def test_frames_of_the_smallest_size_are_surveyed() -> None:
    table = surveyed([np.ascontiguousarray(frame[:64, :64]) for frame in sliding(2.0)])
    assert np.isfinite(table["difference"][1:]).all()


def test_frames_of_another_size_are_refused() -> None:
    survey = Survey()
    survey.add(np.zeros((96, 128), np.uint8), 0.0)
    with pytest.raises(ValueError, match=r"after frames of \(128, 96\)"):
        survey.add(np.zeros((128, 96), np.uint8), 0.1)


def test_blur_lowers_sharpness() -> None:
    image = texture()
    assert sharpness(cv2.GaussianBlur(image, (0, 0), 2.0)) < 0.4 * sharpness(image)
    assert sharpness(np.full((64, 64), 9, np.uint8)) == 0


@pytest.mark.parametrize("size", [(2, 2), (3, 17), (90, 123)])
def test_sharpness_is_the_variance_of_the_laplacian(size: tuple[int, int]) -> None:
    image = np.random.default_rng(4).integers(0, 256, size, dtype=np.uint8)
    assert sharpness(image) == pytest.approx(cv2.Laplacian(image, cv2.CV_64F).var(), rel=1e-12)


def test_flow_both_ways_agrees_with_a_plain_warp() -> None:
    frames = sliding(5.0, count=2)
    frames[1][:60] = texture(6)[:60, :WIDTH]  # what does not come back
    first, second = (pyramid(cv2.resize(frame, (80, 45), interpolation=cv2.INTER_AREA)) for frame in frames)
    textured = np.random.default_rng(5).random((45, 80)) < 0.8
    found = MotionMeter(45, 80).between(first, second, textured)
    forward, backward = patch_flow(first, second), patch_flow(second, first)
    columns, rows = np.meshgrid(np.arange(80), np.arange(45))
    x, y = columns + forward[..., 0], rows + forward[..., 1]
    near = np.clip(x, 0, 79), np.clip(y, 0, 44)
    grey, back_u, back_v = (bilinear(image, *near) for image in (second[0].image, *np.moveaxis(backward, 2, 0)))
    inside = textured & (x == near[0]) & (y == near[1])
    length = np.hypot(*np.moveaxis(forward, 2, 0))
    sound = inside & (np.hypot(forward[..., 0] + back_u, forward[..., 1] + back_v) < 0.5 + 0.05 * length)
    assert 0 < np.count_nonzero(sound) < np.count_nonzero(inside) < np.count_nonzero(textured)
    assert found.consistent == np.count_nonzero(sound) / np.count_nonzero(inside)
    assert found.residual == pytest.approx(np.abs(first[0].image - grey).mean(), rel=1e-5)
    assert found.median == pytest.approx(4 * np.sort(length[sound])[np.count_nonzero(sound) // 2], rel=1e-5)


def bilinear(image: NDArray[np.float32], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """An image at places within it."""
    left, top = (
        np.minimum(np.floor(x), image.shape[1] - 2).astype(int),
        np.minimum(np.floor(y), image.shape[0] - 2).astype(int),
    )
    right, below = x - left, y - top
    upper = image[top, left] * (1 - right) + image[top, left + 1] * right
    lower = image[top + 1, left] * (1 - right) + image[top + 1, left + 1] * right
    return np.asarray(upper * (1 - below) + lower * below, np.float64)


@pytest.mark.parametrize("size", [(64, 64), (90, 123)])
def test_blockiness_agrees_with_its_formula(size: tuple[int, int]) -> None:
    image = np.random.default_rng(3).integers(0, 256, size, dtype=np.uint8)
    terms = []
    for rows in (image.astype(int), image.astype(int).T):
        step = np.diff(rows, axis=1)
        border = np.abs(step[:, 7::8]).mean()
        elsewhere = (8 * np.abs(step).mean() - border) / 7
        crossings = (step[:, :-1] * step[:, 1:] < 0).mean()
        terms.append((border, elsewhere, crossings))
    border, elsewhere, crossings = np.mean(terms, axis=0)
    expected = -245.8909 + 261.9373 * border**-0.02398886 * elsewhere**0.01601664 * crossings**0.00642859
    assert blockiness(image) == pytest.approx(expected, rel=1e-9)


def test_blocks_lower_the_score() -> None:
    image = texture()
    scores = []
    for quality in (90, 10):
        _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        scores.append(blockiness(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE)))
    assert scores[0] > scores[1] + 0.5
    assert blockiness(np.full((64, 64), 128, np.uint8)) == 0


def test_tiny_images_have_no_blockiness() -> None:
    with pytest.raises(ValueError, match="16x16"):
        blockiness(np.zeros((8, 80), np.uint8))
