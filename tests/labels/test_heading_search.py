from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from labels.heading_search import ANNEALING, HEADINGS, linear_heading, rotation_alone, search

SCALE2 = 2.5**2
Samples = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def instantaneous(T: np.ndarray, w: np.ndarray, count: int = 600, seed: int = 0) -> Samples:
    """LABELS 1.1 in normalised coordinates, at random points and depths."""
    generator = np.random.default_rng(seed)
    x, y = generator.uniform(-0.6, 0.6, count), generator.uniform(-0.35, 0.35, count)
    rho = 1 / generator.uniform(4, 60, count)
    u = rho * (-T[0] + x * T[2]) + x * y * w[0] - (1 + x * x) * w[1] + y * w[2]
    v = rho * (-T[1] + y * T[2]) + (1 + y * y) * w[0] - x * y * w[1] - x * w[2]
    return x, y, u, v


def direction(*values: float) -> np.ndarray:
    return np.array(values) / np.linalg.norm(values)


def score(samples: Samples, headings: np.ndarray, sigma: float = 1e-3) -> tuple[np.ndarray, ...]:
    inverse_sigma = np.full(len(samples[0]), 1 / sigma)
    return search(*samples, inverse_sigma, headings, SCALE2, np.array(ANNEALING))


def test_headings_cover_the_hemisphere() -> None:
    np.testing.assert_allclose(np.linalg.norm(HEADINGS, axis=1), 1)
    wanted = np.random.default_rng(0).normal(size=(2000, 3))
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    nearest = np.rad2deg(np.arccos(np.abs(wanted @ HEADINGS.T).max(axis=1).clip(max=1)))
    assert nearest.max() < 10
    ahead = wanted[np.abs(wanted[:, 2]) > np.cos(np.deg2rad(20))]
    assert np.rad2deg(np.arccos(np.abs(ahead @ HEADINGS.T).max(axis=1).clip(max=1))).max() < 6


def test_the_true_heading_gives_the_true_rotation() -> None:
    T, w = direction(0.1, -0.05, 1), np.array([0.01, -0.03, 0.005])
    costs, rotations, signs = score(instantaneous(T, w), T[None])
    assert costs[0] < 1e-12
    np.testing.assert_allclose(rotations[0], w, atol=1e-9)
    assert signs[0] == 1


def test_small_finite_motion_is_the_instantaneous_field(corridor: Callable[..., Any]) -> None:
    scale = 1e-4
    scene = corridor(tuple(scale * a for a in (40.0, 90.0, -60.0)), tuple(scale * a for a in (2.0, -1.0, 6.0)))
    ends = (scene.points(np.eye(3), np.zeros(3)) - scene.T) @ scene.R  # in double: the flow is tiny
    rays = scene.rays()[::7, ::7].reshape(-1, 3)
    motion = (ends[..., :2] / ends[..., 2:])[::7, ::7].reshape(-1, 2) - rays[:, :2]
    samples = (rays[:, 0].copy(), rays[:, 1].copy(), motion[:, 0].copy(), motion[:, 1].copy())
    _, rotations, signs = score(samples, scene.heading[None], sigma=1e-5)
    w = cv2.Rodrigues(scene.R)[0][:, 0]
    assert np.abs(rotations[0] - w).max() < 1e-3 * np.abs(w).max()
    assert signs[0] == 1


def test_a_reversing_camera_gets_the_opposite_sign() -> None:
    T = direction(0.05, 0.02, 1)
    _, _, signs = score(instantaneous(-T, np.zeros(3)), T[None])
    assert signs[0] == -1


@pytest.mark.parametrize("T", [(0.2, 0.1, 1), (1, 0.1, 0.4), (-0.3, 0.3, 1), (0.1, 0.2, -1)])
def test_the_cheapest_heading_is_the_nearest(T: tuple[float, float, float]) -> None:
    heading = direction(*T)
    costs, _, signs = score(instantaneous(heading, np.array([0.02, 0.05, -0.01])), HEADINGS)
    best = HEADINGS[costs.argmin()] * signs[costs.argmin()]
    assert np.rad2deg(np.arccos(best @ heading)) < 14  # the spacing of the grid far from ahead


def test_large_rotations_survive_outliers() -> None:
    T, w = direction(0.05, 0.0, 1), np.array([0.0, 0.08, 0.01])
    x, y, u, v = instantaneous(T, w)
    generator = np.random.default_rng(1)
    wrong = generator.random(len(x)) < 0.3
    u[wrong], v[wrong] = generator.uniform(-0.1, 0.1, (2, wrong.sum()))
    _, rotations, _ = score((x, y, u, v), T[None])
    np.testing.assert_allclose(rotations[0], w, atol=2e-4)


@pytest.mark.parametrize("T", [(0.1, -0.2, 1), (1, 0.1, 0.2), (0, 0, 1)])
def test_the_linear_solution_is_exact_without_noise(T: tuple[float, float, float]) -> None:
    heading = direction(*T)
    samples = instantaneous(heading, np.array([0.01, 0.03, -0.02]))
    found = linear_heading(*samples, np.ones(len(samples[0])))
    assert found is not None
    assert np.rad2deg(np.linalg.norm(np.cross(found, heading))) < 1e-6


def test_points_that_determine_nothing_have_no_linear_solution() -> None:
    one = np.ones(50)
    assert linear_heading(0.1 * one, 0.1 * one, 0 * one, 0 * one, one) is None


def test_a_wrong_focal_length_is_a_shear_of_inverse_depth() -> None:
    """LABELS 9.2: with the focus at the principal point, the same flow follows from another focal length."""
    x, y, u, v = instantaneous(np.array([0, 0, 1.0]), np.array([0.01, 0.03, 0.0]))
    stretch = 1.3  # the same pixels under a focal length 1.3 times as long
    xs, ys = x / stretch, y / stretch
    costs, rotations, _ = score((xs, ys, u / stretch, v / stretch), np.array([[0, 0, 1.0]]), sigma=1.0)
    assert costs[0] < 1e-12 or costs[0] < score((x, y, u, v), np.array([[0, 0, 1.0]]), sigma=1.0)[0][0] + 1e-9
    np.testing.assert_allclose(rotations[0, :2] * stretch, [0.01, 0.03], rtol=1e-6)


def test_a_rotation_alone_is_found_among_flow_that_errs() -> None:
    w = np.array([0.01, -0.03, 0.005])
    x, y, u, v = instantaneous(direction(0, 0, 1), w)
    far = np.arange(len(x)) % 5 > 0  # one in five moves on its own
    rotated = instantaneous(np.zeros(3), w)
    u, v = np.where(far, rotated[2], u + 0.1), np.where(far, rotated[3], v - 0.1)
    found = rotation_alone(x, y, u, v, np.full(len(x), 1e3))
    np.testing.assert_allclose(found, w, atol=3e-4)


def test_a_rotation_alone_is_none_where_nothing_is_known() -> None:
    np.testing.assert_array_equal(rotation_alone(*np.zeros((5, 0))), 0)
