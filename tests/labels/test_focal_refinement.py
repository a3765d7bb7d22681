from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labels.egomotion_refinement import accumulate as without_infinity
from labels.egomotion_refinement import rotation_matrix, tangent_of
from labels.focal_refinement import accumulate

SCALE2 = 2.5**2
T = np.array([0.12, -0.01, 1.0]) / np.linalg.norm([0.12, -0.01, 1.0])
R = rotation_matrix(np.array([0.004, 0.008, -0.001]))


@pytest.fixture
def data(corridor: Callable[..., Any]) -> tuple[np.ndarray, ...]:
    scene, generator = corridor(), np.random.default_rng(0)
    start = scene.rays()[::40, ::40].reshape(-1, 3)
    end = start[:, :2] + scene.flow()[::40, ::40].reshape(-1, 2).astype(float) / scene.focal
    end += generator.normal(0, 0.5 / scene.focal, end.shape)
    inverse_sigma = generator.uniform(0.7, 1.3, len(start)) * scene.focal / 0.4
    return tuple(np.ascontiguousarray(column) for column in (*start[:, :2].T, *end.T, inverse_sigma))


def told(
    data: tuple[np.ndarray, ...], infinity: float, R: np.ndarray = R, T: np.ndarray = T
) -> tuple[float, np.ndarray, np.ndarray]:
    normal, gradient = np.full((5, 5), np.nan), np.full(5, np.nan)
    return accumulate(*data, R, T, tangent_of(T), SCALE2, infinity, normal, gradient), normal, gradient


@pytest.mark.parametrize("infinity", [0.0, 0.3, 1.0])
def test_the_gradient_is_that_of_the_cost(data: tuple[np.ndarray, ...], infinity: float) -> None:
    tangent, step = tangent_of(T), 1e-7

    def moved(k: int, step: float) -> float:
        delta = np.zeros(5)
        delta[k] = step
        turned = T + delta[3:] @ tangent
        return told(data, infinity, rotation_matrix(delta[:3]) @ R, turned / np.linalg.norm(turned))[0]

    numeric = np.array([(moved(k, step) - moved(k, -step)) / (2 * step) for k in range(5)])
    analytic = 2 / SCALE2 * told(data, infinity)[2]
    np.testing.assert_allclose(analytic, numeric, rtol=0.02, atol=0.005 * np.abs(numeric).max())


def test_the_matrix_is_made_of_the_gradients_of_both_residuals(data: tuple[np.ndarray, ...]) -> None:
    in_front = 0
    for i in range(len(data[0])):
        one = tuple(column[i : i + 1] for column in data)
        normal, gradient = np.zeros((5, 5)), np.zeros(5)
        _, _, squares, _ = without_infinity(*one, R, T, tangent_of(T), SCALE2, normal, gradient)
        if squares == 0:  # behind: the other likelihood knows no direction there
            continue
        across, both = told(one, 0.0), told(one, 1.0)
        np.testing.assert_allclose(across[1], normal, rtol=1e-6, atol=1e-9 * np.abs(normal).max())
        np.testing.assert_allclose(across[2], gradient, rtol=1e-6, atol=1e-9 * np.abs(gradient).max())
        along, slope = both[1] - across[1], both[2] - across[2]  # w K K' and w K a
        expected = np.outer(slope, slope) / (slope @ slope)
        np.testing.assert_allclose(along / np.trace(along), expected, atol=1e-6)
        in_front += 1
    assert in_front > 10


def test_the_sums_of_samples_add_up(data: tuple[np.ndarray, ...]) -> None:
    single = [told(tuple(column[i : i + 1] for column in data), 0.3) for i in range(len(data[0]))]
    cost, normal, gradient = told(data, 0.3)
    assert cost == pytest.approx(sum(one[0] for one in single))
    np.testing.assert_allclose(normal, sum(one[1] for one in single), rtol=1e-9, atol=1e-12 * np.abs(normal).max())
    np.testing.assert_allclose(gradient, sum(one[2] for one in single), rtol=1e-9, atol=1e-9 * np.abs(gradient).max())
