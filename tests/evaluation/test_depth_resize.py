"""Sizes, crops and mirrors of predictions."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evaluation.depth_resize import RULES, flip_blend, kb_crop, resize_align_corners, resize_depth, resize_disparity


@pytest.mark.parametrize(("small", "large"), [((4, 7), (9, 20)), ((9, 20), (4, 7)), ((1, 3), (5, 3)), ((6, 6), (6, 6))])
def test_align_corners_is_torchs(small: tuple[int, int], large: tuple[int, int]) -> None:
    depth = np.random.default_rng(0).uniform(1, 80, small)
    reference = torch.nn.functional.interpolate(
        torch.from_numpy(depth)[None, None], large, mode="bilinear", align_corners=True
    )
    assert np.allclose(resize_align_corners(depth, large), reference[0, 0].numpy(), rtol=1e-12)


def test_disparity_is_what_is_interpolated() -> None:
    depth = np.array([[1.0, 4.0]])
    assert resize_depth(depth, (1, 4)).tolist() == [[1, 1.75, 3.25, 4]]
    assert resize_disparity(depth, (1, 4))[0] == pytest.approx([1, 1 / 0.8125, 1 / 0.4375, 4])


def test_a_factor_of_disparity_cancels() -> None:
    disparity = np.random.default_rng(0).uniform(0.01, 0.3, (6, 10))
    enlarged = cv2.resize(1242 * disparity, (30, 15), interpolation=cv2.INTER_LINEAR)
    assert np.allclose(resize_disparity(721 * 0.54 / (1242 * disparity), (15, 30)), 721 * 0.54 / enlarged, rtol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_the_right_size_is_left_alone(rule: str) -> None:
    depth = np.random.default_rng(0).uniform(1, 80, (5, 6))
    assert (RULES[rule](depth, (5, 6)) == depth).all()


def test_the_kb_crop_is_at_the_bottom_in_the_middle() -> None:
    depth = np.arange(375 * 1242, dtype=float).reshape(375, 1242)
    assert (kb_crop(depth) == depth[23:, 13:1229]).all()
    with pytest.raises(ValueError, match="takes 1216x352 pixels, there are 1216x351"):
        kb_crop(np.ones((351, 1216)))


@given(st.integers(0, 2**32), st.integers(1, 90))
def test_blending_with_a_mirror_image_is_the_identity(seed: int, width: int) -> None:
    disparity, other = np.random.default_rng(seed).uniform(0.01, 1, (2, 3, width))
    assert np.allclose(flip_blend(disparity, disparity[:, ::-1]), disparity, rtol=1e-12)
    # the mirrored image, mirrored again, is the image
    assert np.allclose(flip_blend(other, disparity)[:, ::-1], flip_blend(disparity, other), rtol=1e-12)


def test_each_border_comes_from_the_image_that_sees_it() -> None:
    blend = flip_blend(np.zeros((1, 201)), np.ones((1, 201)))[0]
    assert (blend[:11] == 1).all()
    assert (blend[-11:] == 0).all()
    assert blend[20:181] == pytest.approx(np.full(161, 0.5))
    assert blend[15] == pytest.approx(0.75)
    with pytest.raises(ValueError, match="mirrored"):
        flip_blend(np.ones((2, 3)), np.ones((2, 4)))
