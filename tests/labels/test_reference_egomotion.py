from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.optimize import minimize

from labels.egomotion import EgomotionParameters, Samples, fit
from labels.reference_consensus import agreed_motion
from labels.reference_egomotion import reference_motion
from labels.reference_objective import Field, objective, shortness

FOCAL = 500.0
REFERENCE = replace(EgomotionParameters(), method="reference")


def samples(T: np.ndarray, w: np.ndarray, count: int = 400, noise_px: float = 0.0) -> Samples:
    """What the camera's motion does to random points (LABELS 1.2), normalised, and noise."""
    generator = np.random.default_rng(0)
    x, y = generator.uniform(-0.6, 0.6, count), generator.uniform(-0.35, 0.35, count)
    points = np.stack([x, y, np.ones(count)], 1) * generator.uniform(5, 60, (count, 1))
    ends = (points - T) @ cv2.Rodrigues(w)[0]
    flow = ends[:, :2] / ends[:, 2:] - np.stack([x, y], 1) + generator.normal(0, noise_px / FOCAL, (count, 2))
    return Samples(x, y, flow[:, 0], flow[:, 1], np.full(count, FOCAL / 0.4))


@pytest.mark.parametrize("T", [(0.0, 0.0, 1.0), (0.2, -0.1, 1.0), (0.05, 0.0, -1.0)])
@pytest.mark.parametrize("w", [(0.0, 0.0, 0.0), (0.002, -0.005, 0.001), (0.005, 0.04, 0.0)])
def test_the_true_motion_costs_nothing(T: Any, w: Any, angle_deg: Callable[..., float]) -> None:
    T, w = np.array(T), np.array(w)
    field = Field.of(samples(T, w), FOCAL, cv2.Rodrigues(w)[0])
    cost, _, heading = objective(field, np.zeros(3))
    assert cost < 1e-6
    assert angle_deg(heading, T / np.linalg.norm(T)) < 1e-4
    assert objective(field, np.array([0.001, 0, 0]))[0] > 0.01


def test_a_misfit_is_an_arc_in_pixels() -> None:
    """Flow all to the right by a pixel, one vector in four turned by 0.2: the nested translation hardly turns."""
    count = 4000
    generator = np.random.default_rng(1)
    x, y = generator.uniform(-0.6, 0.6, count), generator.uniform(-0.35, 0.35, count)
    angle = np.where(np.arange(count) % 4 == 0, 0.2, 0.0) * np.where(np.arange(count) % 8 == 0, 1, -1)
    flow = Samples(x, y, np.cos(angle) / FOCAL, np.sin(angle) / FOCAL, np.full(count, FOCAL / 0.4))
    cost, _, heading = objective(Field.of(flow, FOCAL), np.zeros(3))
    assert cost == pytest.approx(0.25 * 0.2, rel=0.1)
    np.testing.assert_allclose(heading, [-1, 0, 0], atol=0.02)


@pytest.mark.parametrize("T", [(0.2, -0.1, 1.0), (0.05, 0.0, -1.0)])
def test_the_gradient_is_that_of_differences(T: Any) -> None:
    of = Field.of(samples(np.array(T), np.array([0.002, -0.005, 0.001]), noise_px=0.5), FOCAL)
    at, steps = np.array([0.004, -0.003, 0.002]), 1e-7 * np.eye(3)
    for cost in (lambda w: objective(of, w), lambda w: shortness(of.places, FOCAL, w)):
        differences = [(cost(at + step)[0] - cost(at - step)[0]) / 2e-7 for step in steps]
        np.testing.assert_allclose(cost(at)[1], differences, rtol=1e-4, atol=1e-3 * np.abs(differences).max())


@pytest.mark.parametrize("w", [(0.0, 0.0, 0.0), (0.002, -0.01, 0.001), (0.005, 0.04, 0.0)])
def test_no_search_by_differences_ends_lower(w: Any) -> None:
    of = samples(np.array([0.2, -0.1, 1.0]), np.array(w), 1000, noise_px=0.5)

    def cost(v: np.ndarray) -> float:
        return objective(Field.of(of, FOCAL, cv2.Rodrigues(v / 100)[0]), np.zeros(3))[0]

    found = cost(100 * cv2.Rodrigues(reference_motion(of, FOCAL, np.zeros(3))[0])[0][:, 0])
    assert found <= minimize(cost, 100 * np.array(w), method="Nelder-Mead").fun + 1e-4


def test_it_finds_a_small_rotation(angle_deg: Callable[..., float]) -> None:
    T, w = np.array([0.1, -0.05, 1.0]), np.array([0.001, -0.003, 0.0005])
    R, heading = reference_motion(samples(T, w), FOCAL, np.zeros(3))
    assert angle_deg(R, cv2.Rodrigues(w)[0]) < 0.01
    assert angle_deg(heading, T / np.linalg.norm(T)) < 0.1


@pytest.mark.parametrize(("T", "w"), [((0.3, 0.1, 1.0), (0.01, -0.02, 0.005)), ((0.1, -0.05, 1.0), (0.005, 0.04, 0.0))])
def test_no_start_alone_leads_it_astray(T: Any, w: Any, angle_deg: Callable[..., float]) -> None:
    """From no rotation, and from a wrong one, a search by itself ends some tens of degrees off."""
    T, w = np.array(T), np.array(w)
    for start in (np.zeros(3), -w):
        assert angle_deg(reference_motion(samples(T, w), FOCAL, start)[1], T / np.linalg.norm(T)) < 0.1


def crossing(T: np.ndarray, w: np.ndarray) -> Samples:
    """Every third point goes to the left by itself."""
    of = samples(T, w, 1500, noise_px=0.03)
    moves = np.arange(len(of)) % 3 == 0
    return replace(of, u=np.where(moves, of.u - 3 / FOCAL, of.u))


def test_what_most_agree_with_is_not_led_astray(angle_deg: Callable[..., float]) -> None:
    T, w = np.array([0.1, -0.05, 1.0]), np.array([0.002, -0.005, 0.001])
    of, heading = crossing(T, w), T / np.linalg.norm(T)
    R, agreed = agreed_motion(of, FOCAL, 0.1)
    assert angle_deg(agreed, heading) < 0.2 and angle_deg(R, cv2.Rodrigues(w)[0]) < 0.02
    assert angle_deg(reference_motion(of, FOCAL, np.zeros(3))[1], heading) > 1
    np.testing.assert_array_equal(agreed_motion(of, FOCAL, 0.1)[1], agreed)


def test_a_corner_without_samples_is_no_hindrance(angle_deg: Callable[..., float]) -> None:
    T, w = np.array([0.1, -0.05, 1.0]), np.array([0.002, -0.005, 0.001])
    of = samples(T, w, 1500, noise_px=0.03)
    kept = (of.x > -0.3) | (of.y > -0.1)
    part = Samples(*(each[kept] for each in (of.x, of.y, of.u, of.v, of.inverse_sigma)))
    assert angle_deg(agreed_motion(part, FOCAL, 0.1)[1], T / np.linalg.norm(T)) < 0.2


def test_the_parameters_choose_it(corridor: Callable[..., Any], angle_deg: Callable[..., float]) -> None:
    scene = corridor((0.05, 0.1, 0.0), (0.05, -0.02, 0.6))
    flow, support = scene.flow(), scene.support()
    flow += np.random.default_rng(0).normal(0, 0.3, flow.shape).astype(np.float32)
    motion = fit(flow, support, scene.focal, scene.centre, REFERENCE)
    assert motion.accepted
    assert np.isfinite(motion.cost)
    ours = fit(flow, support, scene.focal, scene.centre)
    assert 2 * angle_deg(ours.T, scene.heading) < angle_deg(motion.T, scene.heading) < 10


def test_it_starts_from_the_pair_before(corridor: Callable[..., Any], angle_deg: Callable[..., float]) -> None:
    scene = corridor((0, 2.5, 0), (0.05, 0, 0.6))
    near = replace(fit(scene.flow(), scene.support(), scene.focal, scene.centre), R=scene.R)
    motion = fit(scene.flow(), scene.support(), scene.focal, scene.centre, REFERENCE, near)
    assert angle_deg(motion.R, scene.R) < 1
