import io

import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline import png
from training.png import decode_png


def codes(height: int, width: int) -> np.ndarray:
    """Percentiles of a road with noise, nothing in a part, and the greatest steps that there are."""
    generator = np.random.default_rng(height)
    result = np.linspace(1, 255, height)[:, None] + generator.integers(-3, 4, (height, width))
    result = result.clip(1, 255).astype(np.uint8)
    result[: height // 3, : width // 2] = 0
    result[::2, -1], result[1::2, -1] = 255, 0
    return result


@pytest.mark.parametrize("shape", [(360, 640), (1, 1), (1, 7), (9, 1), (48, 63)])
def test_every_reader_finds_the_same_pixels(shape: tuple[int, int]) -> None:
    image = codes(*shape)
    content = png.encode(image)
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED), image)
    np.testing.assert_array_equal(decode_png(content), image)
    with Image.open(io.BytesIO(content)) as opened:  # it refuses wrong checksums
        np.testing.assert_array_equal(np.asarray(opened), image)


def test_parts_of_an_image_and_repeats_give_the_same_bytes() -> None:
    image = codes(60, 80)
    assert png.encode(image[:, 10:70]) == png.encode(image[:, 10:70].copy()) == png.encode(image[:, 10:70])


def test_it_is_no_larger_than_what_libpng_makes() -> None:
    image = codes(360, 640)
    assert len(png.encode(image)) < 1.02 * len(cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 6])[1])


@pytest.mark.parametrize("image", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)), np.zeros((0, 4), np.uint8)])
def test_other_arrays_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="png: images are uint8"):
        png.encode(image)
