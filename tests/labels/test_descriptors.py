import numpy as np
import pytest

from labels.descriptors import descriptors


def scene(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)


@pytest.mark.parametrize(("turns", "band"), [(0, 0), (1, 2), (2, 4), (3, 6)])
def test_a_ramp_fills_the_band_of_its_direction(turns: int, band: int) -> None:
    """Brighter to the right, downwards, to the left, upwards. 16 equal cells: each a fourth of 255 = 63.75.

    The bands 45 degrees aside have cos(45)^9 = 0.044 of it, the others nothing; all is rounded down.
    """
    x = np.arange(40)
    ramp = {0: x[None, :], 1: x[:, None], 2: 39 - x[None, :], 3: 39 - x[:, None]}[turns]
    image = np.broadcast_to(6 * ramp, (40, 40)).astype(np.uint8)
    cells = descriptors(image, floor=0.0)[20, 20].reshape(16, 8)
    np.testing.assert_array_equal(np.roll(cells, 1 - band, axis=1), np.tile([2, 63, 2, 0, 0, 0, 0, 0], (16, 1)))


def test_the_cells_lie_evenly_around_the_pixel() -> None:
    """A dot in the middle of the image is seen alike, mirrored, from both sides."""
    image = np.zeros((41, 41), np.uint8)
    image[20, 20] = 255
    found = descriptors(image).reshape(41, 41, 4, 4, 8)
    mirrored = found[:, ::-1, :, ::-1][..., [4, 3, 2, 1, 0, 7, 6, 5]]
    np.testing.assert_allclose(found.astype(int), mirrored, atol=1)
    np.testing.assert_allclose(found.astype(int), found.transpose(1, 0, 3, 2, 4)[..., [2, 1, 0, 7, 6, 5, 4, 3]], atol=1)
    # cells lie 3 px out, their taps reach one farther and the derivative another
    np.testing.assert_array_equal(np.nonzero(found.any((2, 3, 4))[20])[0], np.arange(15, 26))


def test_descriptors_move_with_the_image_and_do_not_mind_contrast() -> None:
    image = scene(50, 60)
    whole = descriptors(image)
    np.testing.assert_array_equal(descriptors(image[5:, 7:].copy())[6:-6, 6:-6], whole[11:-6, 13:-6])
    fainter = descriptors((image // 2 + 60).astype(np.uint8))
    assert np.abs(fainter.astype(int) - whole).max() <= 6
    lengths = np.linalg.norm(whole.astype(float), axis=-1)
    assert lengths.min() > 235 and lengths.max() <= 255


def test_flat_surroundings_tell_nothing() -> None:
    image = np.full((40, 40), 100, np.uint8)
    assert not descriptors(image).any()
    image[20, 20] = 101
    assert np.linalg.norm(descriptors(image)[20, 20].astype(float)) < 150
