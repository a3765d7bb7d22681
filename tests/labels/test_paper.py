from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from labels.codec import decode
from labels.depth import DepthParameters, projected
from labels.egomotion import Egomotion, EgomotionParameters
from labels.flow import FlowParameters
from labels.pair import LabelParameters, label_pair
from labels.paper import equation_3

NOISE = 0.4, 0.03
PAPER = LabelParameters(
    recipe="paper", flow=FlowParameters(engine="dis"), egomotion=EgomotionParameters(method="reference")
)


def test_equation_3_is_the_true_inverse_depth(corridor: Callable[..., Any]) -> None:
    scene = corridor((0.05, 0.1, 0.0), (0.05, -0.02, 0.6))
    flow = scene.flow()
    motion = Egomotion(R=scene.R, T=scene.heading)
    nothing = np.zeros(flow.shape[:2], bool)
    depth = equation_3(flow, motion, scene.focal, scene.centre, NOISE, nothing)
    ours = label_depth(flow, motion, scene)
    assert depth.valid.mean() > 0.99
    np.testing.assert_allclose(depth.inverse_depth[depth.valid], ours[depth.valid], rtol=1e-3, atol=1e-6)


def label_depth(flow: np.ndarray, motion: Egomotion, scene: Any) -> np.ndarray:
    """Least squares along the epipolar line: the same where there is no noise."""
    return projected(flow, motion, scene.focal, scene.centre, NOISE, DepthParameters())[0]


def test_noise_about_the_focus_of_expansion_looks_near_and_is_believed(corridor: Callable[..., Any]) -> None:
    scene = corridor((0, 0, 0), (0, 0, 0.6))
    flow = scene.flow() + np.random.default_rng(0).normal(0, 0.4, (360, 640, 2)).astype(np.float32)
    motion = Egomotion(R=scene.R, T=scene.heading)
    depth = equation_3(flow, motion, scene.focal, scene.centre, NOISE, np.zeros((360, 640), bool))
    x, y = (round(c) for c in scene.centre)
    blob = np.s_[y - 4 : y + 5, x - 4 : x + 5]
    assert depth.valid[blob].all()
    around = np.s_[y - 30 : y + 31, x - 30 : x + 31]
    assert np.median(depth.inverse_depth[blob]) > 2 * np.median(depth.inverse_depth[around])


def test_what_moves_or_has_no_flow_has_no_depth(corridor: Callable[..., Any]) -> None:
    scene = corridor((0, 0, 0), (0, 0, 0.6))
    flow, moving = scene.flow(), np.zeros((360, 640), bool)
    flow[10:20, 10:20] = np.nan
    moving[40:50, 40:50] = True
    depth = equation_3(flow, Egomotion(R=scene.R, T=scene.heading), scene.focal, scene.centre, NOISE, moving)
    expected = ~moving
    expected[10:20, 10:20] = False
    np.testing.assert_array_equal(depth.valid, expected)


def frames() -> tuple[np.ndarray, np.ndarray]:
    """A textured tunnel, and the same one step on: what is farther out is nearer."""
    noise = np.random.default_rng(1).integers(0, 256, (180, 320), dtype=np.uint8)
    image = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 1.5), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    x, y = np.meshgrid(np.arange(320) - 159.5, np.arange(180) - 89.5)
    zoom = 1.02 + 0.08 * np.maximum(abs(x) / 160, abs(y) / 90)
    maps = (x / zoom + 159.5).astype(np.float32), (y / zoom + 89.5).astype(np.float32)
    return image, cv2.remap(image, *maps, cv2.INTER_LINEAR)


def test_a_pair_by_the_paper_has_a_depth_all_over_and_hands_on_its_components() -> None:
    label = label_pair(*frames(), 0.8 * 320, PAPER)
    assert label.reason == "" and label.components is not None
    z, valid = decode(label.codes)
    np.testing.assert_array_equal(valid, label.components.labels == 0)
    assert valid.mean() > 0.9
    x, y = np.meshgrid(np.arange(320) - 159.5, np.arange(180) - 89.5)
    outer = np.maximum(abs(x) / 160, abs(y) / 90)
    inside = valid & (outer < 0.85)
    assert np.corrcoef(z[inside], -outer[inside])[0, 1] > 0.9
    again = label_pair(*frames(), 0.8 * 320, PAPER, previous=label)
    assert again.reason == "" and again.components is not None


def test_a_pair_without_texture_gives_none() -> None:
    flat = np.full((180, 320), 90, np.uint8)
    label = label_pair(flat, flat, 256.0, PAPER)
    assert label.reason == "few_samples" and not label.codes.any()


def test_an_unknown_recipe_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown recipe 'theirs'; known: ours, paper"):
        label_pair(*frames(), 256.0, replace(PAPER, recipe="theirs"))
