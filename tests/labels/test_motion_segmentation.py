from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from labels.angle_likelihood import LIKELIHOODS, log_ratios
from labels.egomotion import Egomotion
from labels.flow import CONSISTENT, TEXTURED
from labels.motion_segmentation import SegmentationParameters, cleaned, segment, still_log_ratio
from labels.moving_things import ThingParameters

NOISE = (0.3, 0.02)
ANGLES_ONLY = SegmentationParameters(along_lines=False)
EXACT = replace(ANGLES_ONLY, thing=ThingParameters(gap_px=0), margin_px=0)


def found(scene: Any, flow: np.ndarray, support: np.ndarray | None = None, **options: Any) -> np.ndarray:
    motion = Egomotion(R=scene.R, T=scene.heading)
    support = scene.support() if support is None else support
    options.setdefault("parameters", ANGLES_ONLY)
    return segment(flow, support, motion, scene.focal, scene.centre, NOISE, **options)


def noisy(flow: np.ndarray, seed: int = 1) -> np.ndarray:
    return flow + np.random.default_rng(seed).normal(0, 0.3, flow.shape).astype(np.float32)


def with_mover(scene: Any, length: float, where: tuple[slice, slice]) -> np.ndarray:
    """The flow with a thing whose translational flow is so long and at right angles to the epipolar direction."""
    flow = scene.flow()
    y, x = np.mgrid[: scene.height, : scene.width].astype(float)
    x, y = x - scene.centre[0], y - scene.centre[1]
    tau = toward(scene)
    normal = np.stack([-tau[1], tau[0]]) / np.hypot(*tau)
    turned = np.stack([(x + length * normal[0]) / scene.focal, (y + length * normal[1]) / scene.focal, np.ones_like(x)])
    ends = np.tensordot(scene.R.T, turned, 1)
    moved = np.stack([scene.focal * ends[0] / ends[2] - x, scene.focal * ends[1] / ends[2] - y], -1)
    flow[where] = moved[where]
    return flow


def test_a_mover_across_the_epipolar_direction_is_found(corridor: Callable[..., Any]) -> None:
    """LABELS 15.7: |t| = 2 px at 90 degrees, noise .3 px: recall above .9, under 2 % of what stands still."""
    scene = corridor((0.1, 0.4, -0.1), (0.05, 0.0, 1.0))
    where = np.s_[150:210, 430:520]
    moving = found(scene, noisy(with_mover(scene, 2.0, where)), parameters=EXACT)
    truth = np.zeros(moving.shape, bool)
    truth[where] = True
    assert moving[truth].mean() > 0.9
    assert moving[~truth].mean() < 0.02


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_every_model_finds_a_long_flow_against_the_epipolar_direction(
    corridor: Callable[..., Any], likelihood: str
) -> None:
    scene = corridor((0, 0.2, 0), (0, 0, 1.0))
    flow = scene.flow()
    flow[200:260, 100:180] *= -1
    moving = found(scene, flow, parameters=replace(EXACT, likelihood=likelihood))
    assert moving[204:256, 104:176].all()
    assert not moving[:190].any() and not moving[270:].any()


def test_a_still_scene_has_nothing_moving(corridor: Callable[..., Any]) -> None:
    scene = corridor((0.3, 1.0, -0.4), (0.1, -0.05, 1.0))
    assert found(scene, noisy(scene.flow())).mean() < 0.005
    assert found(scene, noisy(scene.flow()), parameters=SegmentationParameters()).mean() < 0.005


def test_pixels_without_consistent_flow_say_nothing(corridor: Callable[..., Any]) -> None:
    scene = corridor()
    where = np.s_[150:210, 430:520]
    flow, support = with_mover(scene, 4.0, where), scene.support()
    support[where] &= ~np.uint8(CONSISTENT)
    assert found(scene, flow)[where].mean() > 0.95
    assert not found(scene, flow, support).any()


def test_the_result_does_not_depend_on_the_size_of_the_frame(corridor: Callable[..., Any]) -> None:
    scene = corridor((0, 0.3, 0), (0, 0, 1.0))
    flow = with_mover(scene, 3.0, np.s_[150:210, 430:520])
    motion = Egomotion(R=scene.R, T=scene.heading)
    small = found(scene, flow)
    large = segment(
        (2 * flow).repeat(2, 0).repeat(2, 1), scene.support().repeat(2, 0).repeat(2, 1), motion, 2 * scene.focal,
        (2 * scene.centre[0] + 0.5, 2 * scene.centre[1] + 0.5), (0.6, 0.02), ANGLES_ONLY,
    )  # fmt: skip
    both, either = (large[::2, ::2] & small).sum(), (large[::2, ::2] | small).sum()
    assert both > 0.9 * either


def test_a_pixel_says_what_the_table_says_of_its_angle_and_length(corridor: Callable[..., Any]) -> None:
    scene, random = corridor((0.1, 0.4, -0.1), (0.05, 0.0, 1.0)), np.random.default_rng(3)
    flow = scene.flow() + random.normal(0, 3, scene.flow().shape).astype(np.float32)
    support = random.choice(np.array([0, CONSISTENT, TEXTURED, CONSISTENT | TEXTURED], np.uint8), flow.shape[:2])
    motion = Egomotion(R=scene.R, T=scene.heading)
    found = still_log_ratio(flow, support, motion, scene.focal, scene.centre, NOISE, ANGLES_ONLY)
    unit, told = scene.width / 640, support & CONSISTENT != 0
    translational, tau = translational_flow(scene, flow), toward(scene)
    length, away = np.hypot(*translational), np.hypot(*tau)
    along = (translational * tau).sum(axis=0)
    across = np.abs(translational[1] * tau[0] - translational[0] * tau[1])
    row = np.rint(np.rad2deg(np.arctan2(across, along)) / 0.1).astype(int)
    column = np.minimum(np.rint(length / unit / 0.07), 357).astype(int)
    expected = np.clip(log_ratios("mixture", round(NOISE[0] / unit, 6), NOISE[1])[row, column], -4, 4)
    differs = np.abs(found[0] - np.where(told & (support & TEXTURED != 0), expected, 0)) > 1e-6
    assert differs.mean() < 2e-3  # angles and lengths at the border of two steps
    np.testing.assert_allclose(found[1], np.where(told, np.maximum(along, 0) / away**2, 0), rtol=1e-3, atol=1e-6)
    spread = np.sqrt(NOISE[0] ** 2 + NOISE[1] ** 2 * (flow**2).sum(axis=2)) / away
    np.testing.assert_allclose(found[2], np.where(told, spread, 0), rtol=1e-4)


def toward(scene: Any) -> np.ndarray:
    """Translational flow of points at a depth of one step, (2, H, W) px."""
    y, x = np.mgrid[: scene.height, : scene.width].astype(float)
    U, V, W = scene.heading
    return np.stack([(x - scene.centre[0]) * W - scene.focal * U, (y - scene.centre[1]) * W - scene.focal * V])


def translational_flow(scene: Any, flow: np.ndarray) -> np.ndarray:
    """The flow without that of the rotation, (2, H, W) px."""
    y, x = np.mgrid[: scene.height, : scene.width].astype(float)
    x, y = x - scene.centre[0], y - scene.centre[1]
    ends = np.stack([(x + flow[..., 0]) / scene.focal, (y + flow[..., 1]) / scene.focal, np.ones_like(x)])
    ends = np.tensordot(scene.R, ends, 1)
    return scene.focal * ends[:2] / ends[2] - np.stack([x, y])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_flow_that_is_no_number_says_nothing(corridor: Callable[..., Any], value: float) -> None:
    scene = corridor()
    flow = scene.flow()
    flow[50:60, 50:60] = value
    assert not found(scene, flow, parameters=SegmentationParameters()).any()


def test_the_frames_tell_what_belongs_to_a_thing(corridor: Callable[..., Any]) -> None:
    """A body on which the flow goes on from the still scene, and whose lower part tells its own motion."""
    scene = corridor()
    body, lower = np.s_[150:210, 430:520], np.s_[190:210, 430:520]
    flow = scene.flow()
    flow[lower] = (-12, -8)
    random = np.random.default_rng(2)
    first, second = (random.integers(0, 255, (scene.height, scene.width), dtype=np.uint8) for _ in range(2))
    second[142:202, 418:508] = first[body]
    whole = found(scene, flow, parameters=EXACT, images=(first, second))
    assert whole[152:208, 434:516].mean() > 0.95 and whole.sum() < 1.15 * 60 * 90
    assert not found(scene, flow, parameters=EXACT)[150:184].any()


def test_what_is_fixed_to_the_car_does_not_move_nor_lead_to_more(corridor: Callable[..., Any]) -> None:
    """A bonnet, and its mirror above what is known of it: the road, bare and copied, would go with it."""
    scene = corridor()
    flow, usable = scene.flow(), np.ones((scene.height, scene.width), bool)
    bonnet, mirror = np.s_[310:, 200:440], np.s_[295:310, 200:440]
    flow[bonnet] = flow[mirror] = 0
    usable[bonnet] = False
    plain = np.full((scene.height, scene.width), 128, np.uint8)
    moving = found(scene, flow, parameters=EXACT, images=(plain, plain), usable=usable)
    assert moving[mirror][:, 5:-5].mean() > 0.8 and moving.sum() < 1.1 * 15 * 240
    assert found(scene, flow, parameters=EXACT, images=(plain, plain)).sum() > 2 * moving.sum()


def test_specks_go_and_holes_and_gaps_close() -> None:
    mask = np.zeros((360, 640), bool)
    mask[20:24, 20:24] = True  # 16 px: a speck
    mask[100:160, 100:200] = True
    mask[120:130, 120:130] = False  # a hole
    mask[100:160, 210:300] = True  # 10 px beside it
    result = cleaned(mask, SegmentationParameters(margin_px=2))
    assert not result[:90].any()
    assert result[98:162, 98:302].all()
    assert result.sum() == 64 * 204
