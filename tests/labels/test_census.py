import numpy as np
import pytest

from labels.census import MARGIN, descriptors, pyramid

NEIGHBOURS = [(dy, dx) for dy in range(-3, 4) for dx in range(-4, 5) if (dy, dx) != (0, 0)]


def comparisons(image: np.ndarray) -> np.ndarray:
    """(H, W, 62) bool: whether each neighbour is brighter, pixel by pixel."""
    height, width = image.shape
    result = np.zeros((height, width, len(NEIGHBOURS)), bool)
    for y in range(height):
        for x in range(width):
            for k, (dy, dx) in enumerate(NEIGHBOURS):
                other = image[min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)]
                result[y, x, k] = other > image[y, x]
    return result


def inner(census: np.ndarray) -> np.ndarray:
    return census[MARGIN:-MARGIN, MARGIN:-MARGIN]


def test_bits_are_the_comparisons_of_a_slow_reference() -> None:
    """Compared as the matching does, by the number of differing bits: their order is free."""
    image = np.random.default_rng(0).integers(0, 12, (17, 23), dtype=np.uint8)  # few levels, so that some are equal
    found = inner(descriptors(image, blur=0)).ravel()
    wanted = comparisons(image).reshape(-1, len(NEIGHBOURS))
    np.testing.assert_array_equal(np.bitwise_count(found), wanted.sum(1))
    distances = np.bitwise_count(found[:, None] ^ found[None, :])
    np.testing.assert_array_equal(distances, (wanted[:, None] ^ wanted[None, :]).sum(2))


def test_each_neighbour_has_a_bit_of_its_own() -> None:
    words = set()
    for dy, dx in NEIGHBOURS:
        image = np.full((15, 15), 50, np.uint8)
        image[7 + dy, 7 + dx] = 51
        words.add(int(inner(descriptors(image, blur=0))[7, 7]))
    assert len(words) == 62
    assert all(word.bit_count() == 1 for word in words)


def test_a_flat_image_has_no_bits() -> None:
    assert not descriptors(np.full((30, 40), 200, np.uint8)).any()


def test_margins_repeat_the_border() -> None:
    census = descriptors(np.random.default_rng(1).integers(0, 256, (9, 11), dtype=np.uint8))
    assert census.shape == (9 + 2 * MARGIN, 11 + 2 * MARGIN)
    np.testing.assert_array_equal(census, np.pad(inner(census), MARGIN, mode="edge"))


def test_rising_changes_of_brightness_change_nothing() -> None:
    image = np.random.default_rng(2).integers(0, 100, (40, 50), dtype=np.uint8)
    curve = np.sort(np.random.default_rng(3).choice(256, 100, replace=False)).astype(np.uint8)
    np.testing.assert_array_equal(descriptors(image, blur=0), descriptors(curve[image], blur=0))


def test_the_blur_damps_noise() -> None:
    generator = np.random.default_rng(4)
    image = np.add.outer(np.arange(60.0), np.arange(80.0))
    noisy = [(image + generator.normal(0, 2, image.shape)).astype(np.uint8) for _ in range(2)]
    flipped = [np.bitwise_count(np.bitwise_xor(*(descriptors(n, blur) for n in noisy))).mean() for blur in (0.0, 0.8)]
    assert flipped[1] < 0.7 * flipped[0]


def test_pyramid_levels_are_means_of_four() -> None:
    image = np.array([[1, 3, 10, 10], [5, 7, 10, 30], [0, 0, 8, 8], [0, 4, 8, 8]], np.uint8)
    levels = pyramid(image, 3)
    np.testing.assert_array_equal(levels[1], [[4, 15], [1, 8]])
    np.testing.assert_array_equal(levels[2], [[7]])
    assert levels[0] is image


@pytest.mark.parametrize(("shape", "smaller"), [((65, 101), (32, 50)), ((64, 201), (32, 100)), ((127, 66), (63, 33))])
def test_odd_sizes_lose_half_a_pixel(shape: tuple[int, int], smaller: tuple[int, int]) -> None:
    image = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
    assert pyramid(image, 2)[1].shape == smaller
