"""Points and boxes drawn over an image: where, in what order, in which colours."""

import numpy as np
import pytest

from evaluation.scan_picture import colours_of, scan_picture

IMAGE = np.full((20, 30, 3), 100, np.uint8)


def test_a_point_is_drawn_on_its_pixel_and_nothing_else() -> None:
    depth = np.zeros((20, 30))
    depth[5, 8] = 10
    picture = scan_picture(IMAGE, depth, np.zeros((0, 4)))
    changed = np.argwhere((picture != 100).any(axis=-1))
    assert picture.shape == (40, 60, 3)
    assert changed.mean(axis=0) == pytest.approx([10, 16])
    assert np.abs(changed - [10, 16]).max() == 2


def test_near_points_lie_over_far_ones() -> None:
    for near, far in (((5, 8), (5, 9)), ((5, 9), (5, 8))):
        depth = np.zeros((20, 30))
        depth[near], depth[far] = 4, 60
        picture = scan_picture(IMAGE, depth, np.zeros((0, 4)))
        red, _, blue = picture[10, 17].tolist()  # between the two
        assert red > blue


def test_colours_go_from_red_to_blue() -> None:
    colours = colours_of(np.array([1.0, 3, 15, 80, 200])).astype(int)
    assert colours[0].tolist() == colours[1].tolist()
    assert colours[3].tolist() == colours[4].tolist()
    assert colours[1, 0] > 100 and colours[1, 2] == 0
    assert colours[3, 2] > 100 and colours[3, 0] == 0
    assert colours_of(np.zeros(0)).shape == (0, 3)


def test_boxes_are_drawn_at_their_edges() -> None:
    picture = scan_picture(IMAGE, np.zeros((20, 30)), np.array([[5.0, 4, 20, 12]]))
    assert picture[8, 20].tolist() == picture[24, 20].tolist() == picture[16, 10].tolist() == [255] * 3
    assert picture[16, 20].tolist() == [100] * 3


def test_sizes_must_agree() -> None:
    with pytest.raises(ValueError, match="the image is 30x20, its depth 20x30"):
        scan_picture(IMAGE, np.zeros((30, 20)), np.zeros((0, 4)))
