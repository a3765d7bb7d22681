"""Pictures of percentiles: near bright, far dark, no label grey."""

import numpy as np

from training.overlay import NO_LABEL, blend, colour, panel


def test_near_is_brighter_than_far() -> None:
    line = colour(np.linspace(0, 1, 64)[None, :])[0].astype(int).sum(axis=1)
    assert (np.diff(line) <= 6).all()
    assert line[0] > 600 > 60 > line[-1]


def test_pixels_without_label_are_grey() -> None:
    shown = colour(np.array([[0.2, 0.2]]), np.array([[True, False]]))
    assert shown[0, 1].tolist() == [NO_LABEL] * 3
    assert shown[0, 0].tolist() != [NO_LABEL] * 3


def test_a_blend_keeps_shape_and_shows_both() -> None:
    image, z = np.zeros((4, 6, 3), np.uint8), np.full((4, 6), 0.1)
    image[:, 3:] = 255
    shown = blend(image, z)
    assert shown.shape == image.shape
    assert shown[0, 5].sum() > shown[0, 0].sum() > 0
    assert panel(image, z, np.ones((4, 6), bool), z).shape == (4, 18, 3)
