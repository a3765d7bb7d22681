"""Pairs of frames that must not become labels, or must although they look odd: LABELS 11, as far as a fit tells."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from labels.codec import decode
from labels.egomotion import Egomotion, EgomotionParameters, fit, sample
from labels.egomotion_vibration import BANDS, row_shifts
from labels.flow import CONSISTENT, INSIDE, TEXTURED
from labels.flow_samples import derotated
from labels.pair import LabelParameters, label_pair

Make = Callable[..., Any]
ALL = CONSISTENT | INSIDE | TEXTURED


def fitted(scene: Any, flow: np.ndarray, parameters: EgomotionParameters | None = None, **more: Any) -> Egomotion:
    return fit(flow, scene.support(), scene.focal, scene.centre, parameters, **more)


def noisy(scene: Any, noise_px: float = 0.3) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, noise_px, (scene.height, scene.width, 2))
    return np.asarray(scene.flow() + noise.astype(np.float32))


# 11.3 reversing ------------------------------------------------------------------------------------------------------


def test_reversing_gives_the_label_of_driving(corridor: Make) -> None:
    scene = corridor((0.1, 0.2, 0.0), (0.02, -0.02, -0.5), width=320, height=180, focal=250.0)
    label = label_pair(*scene.frames(), scene.focal)
    assert label.reason == "" and label.egomotion.T[2] < -0.99
    z, valid = decode(label.codes)
    assert valid.mean() > 0.5
    assert spearmanr(z[valid], scene.depth[valid]).statistic > 0.97


# 11.4 the focus of expansion in the image -----------------------------------------------------------------------------


def test_the_focus_of_expansion_is_far_and_not_near(corridor: Make) -> None:
    scene = corridor((0, 0, 0), (0, 0, 0.5), width=320, height=180, focal=250.0)
    label = label_pair(*scene.frames(), scene.focal)
    z, valid = decode(label.codes)
    around = np.hypot(*(np.indices(z.shape) - np.array([89.5, 159.5])[:, None, None])) < 12
    assert valid[around].mean() > 0.5
    assert z[around & valid].min() > 0.8


# 11.13 rolling shutter, vibration ------------------------------------------------------------------------------------


def shaken(scene: Any, amplitude_px: float) -> np.ndarray:
    """The flow with rows displaced up and down the frame, as a shutter sees a mount that swings to and fro."""
    flow, rows = noisy(scene, 0.1), np.arange(scene.height)[:, None]
    flow[..., 0] += amplitude_px * np.sin(2 * np.pi * 1.5 * rows / scene.height)
    return flow


def test_rows_that_swing_against_each_other_are_vibration(corridor: Make) -> None:
    scene = corridor((0.0, 0.1, 0.0), (0.02, 0.01, 0.4))
    steady, swinging = fitted(scene, shaken(scene, 0.0)), fitted(scene, shaken(scene, 4.0))
    assert steady.reason == "" and steady.row_shift_px == 0
    assert swinging.reason == "vibration" and swinging.row_shift_px > 0.7
    assert 0.15 < swinging.cost < 0.25  # no other check would have said so
    assert fitted(scene, shaken(scene, 4.0), EgomotionParameters(max_row_shift_px=9.0)).reason == ""
    assert fitted(scene, shaken(scene, 0.9)).reason == ""  # flagged by its figure only


def test_the_shift_of_each_band_is_measured(corridor: Make) -> None:
    scene = corridor((0.0, 0.0, 0.0), (0.0, 0.0, 0.4))
    flow = scene.flow()
    band = np.minimum(np.arange(scene.height) * BANDS // scene.height, BANDS - 1)[:, None]
    flow[..., 0] += np.where(band == 6, 2.0, 0.0)
    samples = sample(flow, scene.support(), scene.focal, scene.centre, EgomotionParameters())
    shifts = row_shifts(samples, derotated(samples, np.eye(3)), np.array([0.0, 0.0, 1.0]), 2.5) * scene.focal
    assert shifts[6] == pytest.approx((2.0, 0.0), abs=0.3)
    assert np.abs(shifts[[1, 2, 3]]).max() < 0.1


# 11.15 a crowd or a lorry fills the view -----------------------------------------------------------------------------


def test_a_lorry_that_fills_the_view_leaves_no_motion(corridor: Make) -> None:
    scene = corridor((0, 0.2, 0), (0, 0, 0.5))
    flow, random = noisy(scene), np.random.default_rng(1)
    flow[:, 150:] = np.array([9.0, 0.5]) + random.normal(0, 3, (scene.height, scene.width - 150, 2))
    assert fitted(scene, flow).reason in ("inlier_ratio", "cost")
    assert fitted(scene, noisy(scene)).reason == ""


def test_a_heading_far_from_the_usual_one_is_not_believed(corridor: Make) -> None:
    scene = corridor((0, 0.2, 0), (0.2, 0, 0.5))  # 22 degrees to the right
    flow = noisy(scene)
    assert fitted(scene, flow, heading=np.array([0, 0, 1.0])).reason == "heading"
    assert fitted(scene, flow, heading=np.array([0.2, 0, 1.0])).reason == ""
    assert fitted(scene, flow).reason == ""  # of a video that has no usual one
    back = corridor((0, 0.2, 0), (0.02, 0, -0.5))
    assert fitted(back, noisy(back), heading=np.array([0, 0, 1.0])).reason == ""  # reversing


# 11.16 nothing but a wall --------------------------------------------------------------------------------------------


def wall(scene: Any, slope: float) -> np.ndarray:
    """The flow of a wall 12 m ahead, inclined so that its inverse depth changes by ``slope`` a unit of x; noisy."""
    y, x = np.mgrid[: scene.height, : scene.width]
    rays = np.stack([(x - scene.centre[0]) / scene.focal, (y - scene.centre[1]) / scene.focal, np.ones(x.shape)], -1)
    depth = 12 / (1 + slope * rays[..., :1])
    ends = (depth * rays - scene.T) @ scene.R
    flow = (ends[..., :2] / ends[..., 2:] - rays[..., :2]) * scene.focal
    return (flow + np.random.default_rng(0).normal(0, 0.4, flow.shape)).astype(np.float32)


@pytest.mark.parametrize("forward", [0.12, 0.5])
def test_a_wall_that_fills_the_view_is_dropped(corridor: Make, forward: float) -> None:
    scene = corridor((0.1, 0.2, 0), (0.0, 0.0, forward))
    everywhere = np.full((scene.height, scene.width), ALL, np.uint8)
    flat = fit(wall(scene, 0.0), everywhere, scene.focal, scene.centre)
    assert flat.reason == "planar" and flat.relief == pytest.approx(0.67, abs=0.15)
    inclined = fit(wall(scene, 0.9), everywhere, scene.focal, scene.centre)
    assert inclined.reason == "" and inclined.relief > 1.2


def test_a_motion_that_hardly_shows_is_dropped(corridor: Make) -> None:
    scene = corridor()
    least = fitted(scene, noisy(scene)).condition
    assert fitted(scene, noisy(scene), EgomotionParameters(max_condition=0.99 * least)).reason == "planar"
    assert fitted(scene, noisy(scene)).reason == ""


# 11.17 a turn with a focal length that is not known ------------------------------------------------------------------


@pytest.fixture(scope="module")
def bends(corridor: Make) -> dict[float, tuple[np.ndarray, np.ndarray]]:
    """Frames of a drive ahead and of one round a corner, by degrees of yaw."""
    return {yaw: corridor((0, yaw, 0), (0, 0, 0.3), width=320, height=180, focal=250.0).frames() for yaw in (0.0, 3.0)}


@pytest.mark.parametrize(("yaw", "known", "reason"), [(0.0, False, ""), (3.0, True, ""), (3.0, False, "f_sensitive")])
def test_turns_need_a_focal_length(
    bends: dict[float, tuple[np.ndarray, np.ndarray]], yaw: float, known: bool, reason: str
) -> None:
    label = label_pair(*bends[yaw], 250.0, focal_known=known)
    assert label.reason == reason
    assert label.codes.any() == (reason == "")


def test_how_sensitive_a_turn_may_be_is_a_parameter(bends: dict[float, tuple[np.ndarray, np.ndarray]]) -> None:
    loose = replace(LabelParameters(), max_focal_sensitivity=1.0)
    assert label_pair(*bends[3.0], 250.0, loose, focal_known=False).reason == ""
