from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from labels.depth import DepthParameters, InverseDepth, inverse_depth
from labels.egomotion import Egomotion
from labels.flow import CONSISTENT, INSIDE, MATCHED, TEXTURED

PARAMETERS = DepthParameters()


def measured(
    scene: Any, flow: np.ndarray | None = None, support: np.ndarray | None = None, **more: Any
) -> InverseDepth:
    return inverse_depth(
        scene.flow() if flow is None else flow,
        scene.support() if support is None else support,
        Egomotion(R=scene.R, T=scene.heading),
        scene.focal,
        scene.centre,
        more.pop("noise_floor_px", 0.4),
        more.pop("noise_relative", 0.03),
        **more,
    )


@pytest.mark.parametrize("rotation_deg", [(0, 0, 0), (0.5, 2.3, -1.0), (-1, -5.0, 2.0)])
@pytest.mark.parametrize("T", [(0, 0, 1.2), (0.4, -0.2, 0.9), (0.05, 0.1, -0.7)])
def test_finite_motion_gives_exactly_the_depth_from_the_second_camera(
    corridor: Callable[..., Any], rotation_deg: Any, T: Any
) -> None:
    """|tau| / |t| = Z - W (LABELS 1.2), here in units of the length of the step."""
    scene = corridor(rotation_deg, T)
    depth = measured(scene)
    truth = np.linalg.norm(scene.T) / (scene.depth - scene.T[2])
    assert depth.valid.mean() > 0.4
    np.testing.assert_allclose(depth.inverse_depth[depth.valid], truth[depth.valid], rtol=2e-3)


def test_the_deviation_is_that_of_the_inverse_depth(corridor: Callable[..., Any]) -> None:
    scene = corridor((0, 0, 0), (0, 0, 1.0))
    generator, noise = np.random.default_rng(0), 0.3
    more = {"noise_floor_px": noise, "noise_relative": 0.0}
    measurements = []
    for _ in range(20):
        flow = scene.flow() + generator.normal(0, noise, (scene.height, scene.width, 2)).astype(np.float32)
        measurements.append(measured(scene, flow, **more))
    stack = np.stack([each.inverse_depth for each in measurements])
    firm = measurements[0].valid & (measurements[0].inverse_depth > 4 * measurements[0].deviation)  # far from 0
    ratio = stack.std(axis=0)[firm] / measurements[0].deviation[firm]
    assert np.median(ratio) == pytest.approx(1, abs=0.05)


def test_nothing_is_known_at_the_focus_of_expansion(corridor: Callable[..., Any]) -> None:
    """Eq. 3 calls these pixels near: the black blob (LABELS 10.2)."""
    scene = corridor((0, 0, 0), (0.1, -0.05, 1.0))
    flow = scene.flow() + np.random.default_rng(0).normal(0, 0.4, (360, 640, 2)).astype(np.float32)
    depth = measured(scene, flow)
    x, y = round(scene.centre[0] + 50), round(scene.centre[1] - 25)
    assert not depth.valid[y - 3 : y + 4, x - 3 : x + 4].any()
    assert depth.deviation[y, x] > 10 * np.median(depth.deviation)
    far = measured(scene, flow, parameters=replace(PARAMETERS, max_relative_sd=2.0))
    assert far.valid.sum() > depth.valid.sum()


def test_far_away_is_valid(corridor: Callable[..., Any]) -> None:
    scene = corridor((0, 0.3, 0), (0, 0, 1.0))
    rotation_only = corridor((0, 0.3, 0), (0, 0, 0)).flow()
    flow = scene.flow()
    flow[:90] = rotation_only[:90]  # an infinitely far top
    depth = measured(scene, flow, np.full(flow.shape[:2], CONSISTENT | INSIDE | TEXTURED, np.uint8))
    top = depth.valid[5:80, 40:-40]
    assert top.mean() > 0.95
    assert depth.inverse_depth[5:80, 40:-40][top].max() < 1e-3 * depth.typical


@pytest.mark.parametrize("change", [(0, 8), (0, -8)])
def test_what_moves_off_the_epipolar_direction_is_invalid(corridor: Callable[..., Any], change: Any) -> None:
    scene = corridor((0.1, 0.2, 0), (0, 0, 1.0))
    flow = scene.flow()
    flow[160:200, 60:140] += np.array(change, np.float32)  # the flow there is sideways
    depth = measured(scene, flow)
    assert not depth.valid[160:200, 60:140].any()
    assert depth.valid[210:240, 60:140].all()


def test_what_moves_against_the_epipolar_direction_is_invalid(corridor: Callable[..., Any]) -> None:
    scene = corridor((0, 0, 0), (0, 0, 1.0))
    flow = scene.flow()
    flow[100:250, 450:550] *= -1
    assert not measured(scene, flow).valid[100:250, 450:550].any()


def test_flow_without_support_is_invalid(corridor: Callable[..., Any]) -> None:
    scene = corridor()
    for bit in (CONSISTENT, INSIDE):
        support = scene.support()
        support[100:140, 100:200] &= ~np.uint8(bit)
        assert not measured(scene, support=support).valid[100:140, 100:200].any()


def test_texture_must_be_near_or_the_engine_sure(corridor: Callable[..., Any]) -> None:
    scene = corridor()
    support = scene.support()
    support[230:300, 100:200] &= ~np.uint8(TEXTURED)
    valid = measured(scene, support=support).valid
    assert not valid[240:290, 110:190].any()
    assert valid[231:234, 110:190].all()  # texture next to it
    support[230:300, 100:200] |= MATCHED
    assert measured(scene, support=support).valid[240:290, 110:190].all()


def test_what_is_fixed_to_the_car_is_invalid(corridor: Callable[..., Any]) -> None:
    scene = corridor()
    usable = np.ones((scene.height, scene.width), bool)
    usable[300:] = False
    depth = measured(scene, usable=usable)
    assert not depth.valid[300:].any()
    assert depth.valid[200:300].any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_flow_that_is_no_number_is_invalid(corridor: Callable[..., Any], value: float) -> None:
    scene = corridor()
    flow = scene.flow()
    flow[50:60, 50:60] = value
    depth = measured(scene, flow)
    assert not depth.valid[50:60, 50:60].any()
    assert np.isfinite(depth.inverse_depth[depth.valid]).all()
    assert np.isfinite(depth.typical)


def test_without_parallax_nothing_is_valid(corridor: Callable[..., Any]) -> None:
    scene = corridor((0, 1, 0), (0, 0, 0))
    motion = Egomotion(R=scene.R, T=np.array([0, 0, 1.0]))
    depth = inverse_depth(scene.flow(), scene.support(), motion, scene.focal, scene.centre, 0.4, 0.03)
    assert not depth.valid.any()


def test_mirrored_frames_give_mirrored_depth(corridor: Callable[..., Any]) -> None:
    scene = corridor((0.3, 1.0, -0.4), (0.1, -0.05, 1.0))
    twin = corridor((0.3, -1.0, 0.4), (-0.1, -0.05, 1.0))
    flow = scene.flow()[:, ::-1] * np.array([-1, 1], np.float32)
    one, other = measured(scene), measured(twin, flow, scene.support()[:, ::-1])
    np.testing.assert_allclose(other.inverse_depth, one.inverse_depth[:, ::-1], rtol=1e-3, atol=1e-5)
