import numpy as np
import pytest

from labels.edge_channels import NUMBER, blurred, channels
from labels.edge_features import COUNT, PIXELS, SIDE, TABLE, features, padded


def stripes(axis: int) -> np.ndarray:
    """A grey square wave of 16 pixels across an axis, 64x96, RGB."""
    image = np.zeros((64, 96, 3), np.uint8)
    np.moveaxis(image, axis, 0)[(np.arange(image.shape[axis]) // 8) % 2 == 0] = 200
    return image


def test_a_triangle_keeps_the_sum_and_its_radius() -> None:
    plane = np.zeros((21, 21), np.float32)
    plane[10, 10] = 1
    for radius in (1, 4):
        smooth = blurred(plane, radius)
        assert smooth.sum() == pytest.approx(1, rel=1e-6)
        assert smooth.max() == smooth[10, 10] == pytest.approx(1 / (radius + 1) ** 2)
        rows, columns = np.nonzero(smooth)
        assert np.ptp(rows) == np.ptp(columns) == 2 * radius


def test_grey_is_grey_and_colours_differ() -> None:
    grey = channels(np.full((64, 64), 119, np.uint8)).fine
    assert np.ptp(grey.reshape(NUMBER, -1), axis=1).max() == 0
    assert abs(int(grey[0, 0, 0]) - 0.5 * 255) < 3  # lightness of that grey is 50 of 100
    assert not grey[3:].any()
    red, green = (channels(np.tile(np.uint8(c), (64, 64, 1))).fine[:3, 0, 0] for c in ((200, 0, 0), (0, 200, 0)))
    assert red[1] > grey[1, 0, 0] + 50 and green[1] < grey[1, 0, 0] - 20


@pytest.mark.parametrize(("axis", "own"), [(1, 0), (0, 2)])
def test_gradient_lies_in_the_channel_of_its_direction(axis: int, own: int) -> None:
    found = channels(stripes(axis)).fine[:, 6:-6, 6:-6].astype(int)
    for first in (3, 8):  # gradient's length and four directions at each scale
        length, directions = found[first], found[first + 1 : first + 5]
        np.testing.assert_allclose(directions[own], length, atol=1)
        assert not np.delete(directions, own, 0).any()
        assert length.max() > 2 * length.min()


def test_channels_do_not_depend_on_contrast_alone() -> None:
    weak, strong = (channels((80 + stripes(1) // factor).astype(np.uint8)).fine[3] for factor in (4, 2))
    assert np.abs(weak.astype(int) - strong).max() < 30


def test_odd_images_lose_their_last_row_and_column() -> None:
    image = np.random.default_rng(0).integers(0, 256, (65, 97, 3), np.uint8)
    np.testing.assert_array_equal(channels(image).coarse, channels(image[:64, :96]).coarse)


def test_features_are_pixels_and_differences_of_the_patch_around_a_corner() -> None:
    image = np.random.default_rng(1).integers(0, 256, (80, 96, 3), np.uint8)
    found = channels(image)
    assert TABLE.shape == (COUNT, 5) == (7228, 5)
    corners = np.array([[10, 20], [12, 25]], np.int32)
    values = features(padded(found), corners, np.arange(COUNT, dtype=np.int32))
    for (y, x), own in zip(corners, values):
        patch = np.s_[:, y - SIDE // 2 : y + SIDE // 2, x - SIDE // 2 : x + SIDE // 2]
        np.testing.assert_array_equal(own[:PIXELS], found.fine[patch].ravel())
        coarse = found.coarse[patch].astype(int)
        # the first and the last pair of places of the first channel
        assert own[PIXELS] == np.clip(128 + coarse[0, 1, 1] - coarse[0, 1, 4], 0, 255)
        assert own[PIXELS + 299] == np.clip(128 + coarse[0, 14, 11] - coarse[0, 14, 14], 0, 255)
    assert 0 < values[:, PIXELS:].std() < 128
