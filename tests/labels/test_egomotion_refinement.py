from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from labels.egomotion_refinement import accumulate, refine, rotation_matrix, solve_damped, tangent_of

SCALE2 = 2.5**2


def samples(scene: Any, noise_px: float = 0.0, seed: int = 0) -> tuple[np.ndarray, ...]:
    generator = np.random.default_rng(seed)
    chosen = np.s_[::15, ::15]
    start = scene.rays()[chosen].reshape(-1, 3)
    end = start[:, :2] + scene.flow()[chosen].reshape(-1, 2).astype(float) / scene.focal
    end += generator.normal(0, noise_px / scene.focal, end.shape)
    inverse_sigma = generator.uniform(0.7, 1.3, len(start)) * scene.focal / 0.4
    return start[:, 0].copy(), start[:, 1].copy(), end[:, 0].copy(), end[:, 1].copy(), inverse_sigma


def cost(data: tuple[np.ndarray, ...], R: np.ndarray, T: np.ndarray) -> float:
    return accumulate(*data, R, T, tangent_of(T), SCALE2, np.zeros((5, 5)), np.zeros(5))[0]


def test_the_gradient_is_that_of_the_cost(corridor: Callable[..., Any]) -> None:
    data = samples(corridor(), noise_px=0.5)
    R = cv2.Rodrigues(np.array([0.004, 0.008, -0.001]))[0]
    T = np.array([0.12, -0.01, 1.0]) / np.linalg.norm([0.12, -0.01, 1.0])
    tangent, gradient = tangent_of(T), np.zeros(5)
    accumulate(*data, R, T, tangent, SCALE2, np.zeros((5, 5)), gradient)

    def moved(k: int, step: float) -> float:
        delta = np.zeros(5)
        delta[k] = step
        turned = T + delta[3:] @ tangent
        return cost(data, rotation_matrix(delta[:3]) @ R, turned / np.linalg.norm(turned))

    step = 1e-7
    numeric = np.array([(moved(k, step) - moved(k, -step)) / (2 * step) for k in range(5)])
    # d q / d r = 2 r c^2 / (r^2 + c^2)^2 = 2 / c^2 x weight x r; samples that change sides jump a little
    np.testing.assert_allclose(2 / SCALE2 * gradient, numeric, rtol=0.02, atol=0.005 * np.abs(numeric).max())


def test_the_normal_matrix_adds_up_the_squares_of_samples(corridor: Callable[..., Any]) -> None:
    data = tuple(np.ascontiguousarray(column[::40]) for column in samples(corridor(), noise_px=0.5))
    R = rotation_matrix(np.array([0.004, 0.008, -0.001]))
    T = np.array([0.12, -0.01, 1.0]) / np.linalg.norm([0.12, -0.01, 1.0])

    def matrix(chosen: tuple[np.ndarray, ...]) -> tuple[float, np.ndarray, np.ndarray]:
        normal, gradient = np.full((5, 5), np.nan), np.full(5, np.nan)
        _, _, squares, _ = accumulate(*chosen, R, T, tangent_of(T), SCALE2, normal, gradient)
        return squares, normal, gradient

    whole, total, looked_at = matrix(data)[1], np.zeros((5, 5)), 0
    for i in range(len(data[0])):
        squares, normal, gradient = matrix(tuple(column[i : i + 1] for column in data))
        # a sample's gradient is w J r, its matrix w J J', its weighted square w r^2
        expected = np.outer(gradient, gradient)
        np.testing.assert_allclose(squares * normal, expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max())
        total, looked_at = total + normal, looked_at + (squares > 0)
    assert looked_at > 10
    np.testing.assert_allclose(whole, total, rtol=1e-9, atol=1e-12 * np.abs(total).max())


def test_exact_flow_costs_nothing_at_the_truth(corridor: Callable[..., Any]) -> None:
    scene = corridor((1.0, 2.3, -0.7), (0.3, -0.1, 1.2))
    assert cost(samples(scene), scene.R, scene.heading) < 1e-6


@pytest.mark.parametrize("off_deg", [0.5, 3.0])
def test_it_climbs_down_to_the_truth(
    corridor: Callable[..., Any], angle_deg: Callable[..., float], off_deg: float
) -> None:
    scene = corridor((0.3, 1.0, -0.2), (0.1, -0.05, 1.0))
    off = np.deg2rad(off_deg)
    start = scene.heading + np.array([off, -off, 0])
    first = rotation_matrix(np.array([0.002, -0.003, 0.001])) @ scene.R
    data = samples(scene)
    R, T, _, _ = refine(*data, first, start / np.linalg.norm(start), SCALE2, np.array([16.0, 4.0, 1.0]), 25)
    assert angle_deg(T, scene.heading) < 1e-3
    assert angle_deg(R, scene.R) < 1e-4
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    assert np.linalg.norm(T) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("w", [(0, 0, 0), (1e-12, 0, 0), (0.1, -0.2, 0.3), (0, 3.0, 0)])
def test_rotation_matrices(w: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(rotation_matrix(np.array(w, float)), cv2.Rodrigues(np.array(w, float))[0], atol=1e-12)


@pytest.mark.parametrize("T", [(0, 0, 1), (0, 1, 0), (0.6, 0, -0.8), (0.1, -0.99498743710662, 0)])
def test_tangents_are_orthonormal(T: tuple[float, float, float]) -> None:
    basis = np.vstack([tangent_of(np.array(T, float)), np.array(T, float)])
    np.testing.assert_allclose(basis @ basis.T, np.eye(3), atol=1e-9)


def test_damped_systems_are_solved_or_refused() -> None:
    root = np.random.default_rng(0).normal(size=(9, 5))
    normal, gradient, step = root.T @ root, np.arange(5.0), np.zeros(5)
    assert solve_damped(normal, gradient, 0.1, step)
    np.testing.assert_allclose((normal + 0.1 * np.diag(np.diag(normal))) @ step, -gradient, atol=1e-8)
    assert not solve_damped(-np.eye(5), gradient, 0.1, step)
    assert not solve_damped(np.full((5, 5), np.nan), gradient, 0.1, step)
