from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labels.egomotion import EgomotionParameters, fit, sample
from labels.egomotion_search import Prior
from labels.flow import CONSISTENT, INSIDE, TEXTURED

ALL = CONSISTENT | INSIDE | TEXTURED
PARAMETERS = EgomotionParameters()
MANY = replace(PARAMETERS, sample_step_px=7.0, max_samples=4000)


def spoiled(scene: Any, noise_px: float = 0.3, outliers: float = 0.0, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    flow = scene.flow() + generator.normal(0, noise_px, (scene.height, scene.width, 2)).astype(np.float32)
    wrong = generator.random((scene.height, scene.width)) < outliers
    flow[wrong] = generator.uniform(-25, 25, (int(wrong.sum()), 2))
    return flow


def found(scene: Any, flow: np.ndarray | None = None, parameters: EgomotionParameters = PARAMETERS, **more: Any) -> Any:
    return fit(scene.flow() if flow is None else flow, scene.support(), scene.focal, scene.centre, parameters, **more)


@pytest.mark.parametrize(("outliers", "limit_deg"), [(0.0, 0.1), (0.2, 0.1), (0.4, 0.3)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_noise_and_outliers_hardly_turn_the_heading(
    corridor: Callable[..., Any], angle_deg: Callable[..., float], outliers: float, limit_deg: float, seed: int
) -> None:
    scene = corridor((0.3, 1.2, -0.2), (0.08, -0.03, 0.9), width=800, height=450)
    motion = found(scene, spoiled(scene, 0.3, outliers, seed), replace(MANY, min_inlier_ratio=0.3, max_cost=0.6))
    assert motion.samples > 2500
    assert angle_deg(motion.T, scene.heading) < limit_deg
    assert angle_deg(motion.R, scene.R) < 0.03


@pytest.mark.parametrize("rotation_deg", [(0, 0, 0), (0.5, 3.0, -0.4), (-1, -4.5, 1)])
@pytest.mark.parametrize("T", [(0, 0, 1), (0.3, 0.05, 1), (0.1, 0.0, -0.8)])
def test_exact_flow_gives_the_exact_motion(
    corridor: Callable[..., Any], angle_deg: Callable[..., float], rotation_deg: Any, T: Any
) -> None:
    scene = corridor(rotation_deg, T)
    motion = found(scene)
    assert motion.reason == ""
    assert angle_deg(motion.T, scene.heading) < 0.01
    assert angle_deg(motion.R, scene.R) < 0.002
    assert motion.cost < 1e-3
    assert motion.inlier_ratio > 0.99


def test_the_prior_can_be_switched_off(corridor: Callable[..., Any], angle_deg: Callable[..., float]) -> None:
    scene = corridor((0, 0.3, 0), (0.9, 0.1, 0.2))
    motion = found(scene, spoiled(scene), replace(PARAMETERS, heading_prior_deg=0, max_focus_sd=9))
    assert angle_deg(motion.T, scene.heading) < 1


def test_without_a_prior_a_rival_must_cost_more(corridor: Callable[..., Any]) -> None:
    scene = corridor()
    free = replace(PARAMETERS, heading_prior_deg=0)
    sure = found(scene, spoiled(scene), free)
    assert sure.margin > free.min_margin
    assert sure.accepted
    strict = replace(free, min_margin=np.nextafter(sure.margin, np.inf))
    assert np.isinf(sure.margin) or found(scene, spoiled(scene), strict).reason == "margin"
    with_prior = replace(strict, heading_prior_deg=10.0, min_margin=np.inf)
    assert found(scene, spoiled(scene), with_prior).accepted


def test_flow_that_fits_anywhere_is_not_sure(corridor: Callable[..., Any]) -> None:
    """A turn alone, and all other checks off: any heading will do."""
    scene = corridor((0.2, 1.0, 0), (0, 0, 0))
    off: Any = {
        "min_parallax_sigma": 0,
        "min_parallax_snr": 0,
        "min_inlier_ratio": 0,
        "min_relief": 0,
        "max_condition": np.inf,
        "max_cost": 1,
        "max_violations": 1,
    }
    loose = replace(PARAMETERS, heading_prior_deg=0, max_focus_sd=1e9, **off)
    motion = found(scene, spoiled(scene, 0.4), loose)
    assert motion.reason == "margin"
    assert motion.margin < 0.2


def test_the_prior_keeps_to_the_usual_heading(corridor: Callable[..., Any], angle_deg: Callable[..., float]) -> None:
    """Little flow, much noise: a narrow prior decides, about the heading that it is given or its opposite."""
    scene = corridor((0, 0.1, 0), (0.3, 0.0, 1.0))
    flow = spoiled(scene, 1.0)
    narrow = replace(PARAMETERS, heading_prior_deg=2.0)
    aside = found(scene, flow, narrow, heading=3 * scene.heading)  # of any length
    assert angle_deg(aside.T, scene.heading) < 1
    assert Prior.of(scene.heading, narrow).cost(scene.heading) == pytest.approx(0, abs=1e-9)
    assert Prior.of(scene.heading, narrow).cost(-scene.heading) == pytest.approx(0.002, abs=1e-9)
    tilted = Prior.of(np.array([0, 0, 1.0]), narrow)
    # LABELS 7.6: 0.5 (4 / 2)^2 / (0.5 x 2.5^2 x 100) at four degrees, and no more than six deviations ever count
    four, ninety = np.deg2rad([4.0, 90.0])
    assert tilted.cost(np.array([np.sin(four), 0, np.cos(four)])) == pytest.approx(2 / 312.5)
    assert tilted.cost(np.array([np.sin(ninety), 0, 1e-9])) == pytest.approx(18 / 312.5)


@pytest.mark.parametrize("heading", [np.zeros(3), np.array([np.nan, 0, 1]), np.ones(2)])
def test_a_heading_of_no_direction_is_refused(corridor: Callable[..., Any], heading: np.ndarray) -> None:
    with pytest.raises(ValueError, match="usual heading must be three finite numbers"):
        found(corridor(), heading=heading)


def test_an_unknown_method_is_refused(corridor: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="unknown method 'best'; known: robust, reference"):
        found(corridor(), parameters=replace(PARAMETERS, method="best"))


def test_frames_of_another_size_are_refused(corridor: Callable[..., Any]) -> None:
    small = np.zeros((100, 200), np.uint8)
    with pytest.raises(ValueError, match=r"images of \(100, 200\) and \(100, 200\) do not go with a flow of"):
        found(corridor(), images=(small, small))


def test_frames_that_say_nothing_change_nothing(corridor: Callable[..., Any]) -> None:
    scene = corridor()
    blank = np.full((scene.height, scene.width), 90, np.uint8)
    np.testing.assert_array_equal(found(scene, spoiled(scene), images=(blank, blank)).T, found(scene, spoiled(scene)).T)


def test_frames_that_lead_astray_are_not_followed(
    corridor: Callable[..., Any], angle_deg: Callable[..., float]
) -> None:
    scene = corridor()
    other = corridor((0.2, 0.62, -0.1), (0.0, -0.02, 0.6))  # a tenth of a degree is a pixel
    exact = scene.flow()
    motion = found(scene, exact, images=(scene.frames()[0], other.frames()[1]))
    assert motion.cost <= 1.3 * found(scene, exact).cost + 0.02


def test_tracking_searches_again_from_time_to_time(corridor: Callable[..., Any]) -> None:
    scene = corridor()
    few = replace(PARAMETERS, max_tracked_pairs=2)
    previous, counts = None, []
    for _ in range(5):
        previous = found(scene, spoiled(scene), few, previous=previous)
        counts.append(previous.tracked_pairs)
    assert counts == [0, 1, 2, 0, 1]


@pytest.mark.parametrize("factor", [0.75, 1.5])
def test_the_focus_hardly_moves_with_the_focal_length(corridor: Callable[..., Any], factor: float) -> None:
    """LABELS 15.3: without a turn, where the camera goes is a pixel that needs no focal length."""
    scene = corridor((0, 0, 0), (0.05, -0.02, 0.6))
    flow = spoiled(scene, 0.2)
    known = found(scene, flow).focus_of_expansion(scene.focal, scene.centre)
    other = fit(flow, scene.support(), factor * scene.focal, scene.centre, PARAMETERS)
    np.testing.assert_allclose(other.focus_of_expansion(factor * scene.focal, scene.centre), known, atol=0.5)


def test_the_focus_of_expansion_is_where_the_flow_vanishes(corridor: Callable[..., Any]) -> None:
    scene = corridor((0, 0, 0), (0.1, -0.05, 1.0))
    x, y = found(scene).focus_of_expansion(scene.focal, scene.centre)
    assert (x, y) == pytest.approx((scene.centre[0] + 50, scene.centre[1] - 25), abs=0.2)


def test_tracking_finds_the_same_motion(corridor: Callable[..., Any], angle_deg: Callable[..., float]) -> None:
    scene = corridor()
    flow = spoiled(scene)
    cold = found(scene, flow)
    before = corridor((0.1, 0.4, 0), (0.02, 0.0, 0.6))
    tracked = found(scene, flow, previous=found(before, spoiled(before)))
    assert tracked.tracked
    assert not cold.tracked
    assert angle_deg(tracked.T, cold.T) < 0.02
    assert angle_deg(tracked.R, cold.R) < 0.002


def test_tracking_that_leads_astray_is_dropped(corridor: Callable[..., Any], angle_deg: Callable[..., float]) -> None:
    scene = corridor((0.2, -3.0, 0), (0.0, 0.0, 1.0))
    motion = found(scene, spoiled(scene), previous=found(corridor((0, 5.0, 0), (0.5, 0, -0.6))))
    assert angle_deg(motion.T, scene.heading) < 0.3
    assert angle_deg(motion.R, scene.R) < 0.03


def test_swapping_the_frames_inverts_the_motion(corridor: Callable[..., Any], angle_deg: Callable[..., float]) -> None:
    scene = corridor((0.3, 1.0, -0.2), (0.05, -0.02, 0.8))
    back = corridor((0, 0, 0), (0, 0, 1))
    inverse = type(back)(scene.R.T, -scene.R.T @ scene.T, scene.focal, scene.width, scene.height)
    motion = found(inverse, spoiled(inverse))
    assert motion.reason == ""
    assert angle_deg(motion.T, -scene.R.T @ scene.heading) < 0.5
    assert angle_deg(motion.R, scene.R.T) < 0.05


def test_it_says_how_sure_it_is(corridor: Callable[..., Any], angle_deg: Callable[..., float]) -> None:
    scene = corridor((0.1, 0.2, 0), (0.05, 0, 0.6))
    calm, noisy = found(scene, spoiled(scene, 0.1)), found(scene, spoiled(scene, 0.8))
    assert 0 < calm.focus_sd_px < noisy.focus_sd_px
    assert calm.covariance.shape == (5, 5)
    assert np.linalg.eigvalsh(calm.covariance).min() > 0
    headings = [found(scene, spoiled(scene, 0.8, seed=seed)).T for seed in range(12)]
    spread_px = scene.focal * np.std([T[:2] / T[2] for T in headings], axis=0).max()
    # the deviation allows for correlated errors, which these are not: never too sure, at most ten times unsure
    assert spread_px < noisy.focus_sd_px < 10 * spread_px


def test_the_result_is_the_same_every_time(corridor: Callable[..., Any]) -> None:
    scene = corridor()
    flow = spoiled(scene, 0.5, 0.2)
    first, second = found(scene, flow), found(scene, flow)
    assert first.T.tobytes() == second.T.tobytes()
    assert first.R.tobytes() == second.R.tobytes()


def test_what_is_fixed_to_the_car_is_left_out(corridor: Callable[..., Any], angle_deg: Callable[..., float]) -> None:
    scene = corridor((0, 1.0, 0), (0, 0, 0.8))
    flow, usable = spoiled(scene), np.ones((scene.height, scene.width), bool)
    usable[200:] = False
    flow[200:] = 0
    motion = found(scene, flow, usable=usable)
    assert motion.reason == ""
    assert angle_deg(motion.T, scene.heading) < 0.3


def test_a_camera_that_only_turns_has_no_parallax(corridor: Callable[..., Any]) -> None:
    scene = corridor((0.5, 2.0, 0.3), (0, 0, 0))
    assert found(scene, spoiled(scene, 0.2)).reason == "no_parallax"


def test_a_camera_that_stands_has_no_parallax(corridor: Callable[..., Any]) -> None:
    scene = corridor()
    assert found(scene, np.zeros_like(scene.flow())).reason == "no_parallax"


def test_few_samples_are_not_enough(corridor: Callable[..., Any]) -> None:
    scene = corridor()
    support = np.zeros((scene.height, scene.width), np.uint8)
    support[:40, :60] = ALL
    motion = fit(scene.flow(), support, scene.focal, scene.centre, PARAMETERS)
    assert motion.reason == "few_samples"
    assert motion.samples < PARAMETERS.min_samples


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_no_motion(corridor: Callable[..., Any], seed: int) -> None:
    scene = corridor()
    flow = np.random.default_rng(seed).normal(0, 15, (scene.height, scene.width, 2)).astype(np.float32)
    assert fit(flow, np.full(flow.shape[:2], ALL, np.uint8), scene.focal, scene.centre).reason != ""


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("share", [0.02, 1.0])
def test_flow_that_is_no_number_is_survived(corridor: Callable[..., Any], value: float, share: float) -> None:
    scene = corridor()
    flow = spoiled(scene)
    flow[np.random.default_rng(0).random(flow.shape[:2]) < share] = value
    motion = found(scene, flow)
    if share < 1:
        assert motion.reason == ""
        assert abs(motion.T @ scene.heading) > 0.9999
    else:
        assert motion.reason != ""


def test_samples_lie_where_flow_can_be_trusted(corridor: Callable[..., Any]) -> None:
    scene = corridor()
    support = scene.support()
    support[:, :320] &= ~np.uint8(TEXTURED)
    support[:180] &= ~np.uint8(CONSISTENT)
    samples = sample(scene.flow(), support, scene.focal, scene.centre, PARAMETERS)
    assert len(samples) > 100
    assert (samples.x * scene.focal + scene.centre[0] >= 320).all()
    assert (samples.y * scene.focal + scene.centre[1] >= 180).all()


def test_too_many_samples_are_thinned_evenly(corridor: Callable[..., Any]) -> None:
    scene = corridor()
    samples = sample(scene.flow(), scene.support(), scene.focal, scene.centre, replace(PARAMETERS, max_samples=200))
    assert 190 <= len(samples) <= 200
    assert samples.y.min() * scene.focal + scene.centre[1] < 0.2 * scene.height
    assert samples.y.max() * scene.focal + scene.centre[1] > 0.8 * scene.height


@pytest.mark.real_data
def test_real_straight_driving(real_data: Path) -> None:
    from benchmarks.egomotion import measure
    from benchmarks.sequences import Sequence

    result = measure(Sequence(real_data / "kitti_odometry" / "straight"), width=640)
    assert result["failed"] == 0
    assert result["direction_deg"]["median"] < 0.3
    assert result["direction_deg"]["p90"] < 0.5
    assert result["rotation_deg"]["median"] < 0.03
