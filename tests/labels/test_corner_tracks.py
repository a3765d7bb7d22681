import cv2
import numpy as np
import pytest

from labels.corner_tracks import corner_samples
from labels.flow import grey

CENTRE = (99.5, 74.5)


def texture(seed: int = 0, u: float = 0.0, v: float = 0.0) -> np.ndarray:
    """Waves in all directions, moved exactly by (u, v) pixels."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices((150, 200))
    waves = np.zeros((150, 200))
    for _ in range(40):
        across, down = random.uniform(-0.6, 0.6, 2)
        waves += np.sin(across * (columns - u) + down * (rows - v) + random.uniform(0, 2 * np.pi))
    return np.clip(128 + 15 * waves, 0, 255).astype(np.uint8)


def test_a_shift_is_found_to_a_fraction_of_a_pixel() -> None:
    found = corner_samples(texture(), texture(u=3.3, v=-1.6), 100.0, CENTRE)
    assert len(found) > 100
    assert np.median(found.u) * 100 == pytest.approx(3.3, abs=0.02)
    assert np.median(found.v) * 100 == pytest.approx(-1.6, abs=0.02)
    assert np.abs(found.x * 100).max() <= 100 and np.abs(found.y * 100).max() <= 75


def test_corners_keep_to_what_is_usable() -> None:
    image = texture()
    usable = np.zeros((150, 200), bool)
    usable[:, :100] = True
    found = corner_samples(image, image, 100.0, CENTRE, usable=usable)
    assert len(found) > 50 and found.x.max() * 100 + CENTRE[0] < 100


def test_colour_is_tracked_as_grey() -> None:
    image = cv2.cvtColor(texture(), cv2.COLOR_GRAY2RGB)
    np.testing.assert_array_equal(
        corner_samples(image, image, 100.0, CENTRE).x, corner_samples(grey(image), grey(image), 100.0, CENTRE).x
    )


def test_another_scene_leaves_next_to_nothing() -> None:
    assert len(corner_samples(texture(), texture(1), 100.0, CENTRE)) < 30


def test_frames_of_two_sizes_are_refused() -> None:
    image = texture()
    with pytest.raises(ValueError, match="different sizes"):
        corner_samples(image, image[:100], 100.0, CENTRE)
