"""Levenberg-Marquardt on rotation and heading with the exact finite motion model (LABELS sections 1.2 and 7.4)."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, fastmath=True, error_model="numpy")
def accumulate(
    x: NDArray,
    y: NDArray,
    x2: NDArray,
    y2: NDArray,
    inverse_sigma: NDArray,
    R: NDArray,
    T: NDArray,
    tangent: NDArray,
    scale2: float,
    normal: NDArray,
    gradient: NDArray,
) -> tuple[float, float, float, float]:
    """Fill the normal matrix (5, 5) and the gradient (5,); return sums of cost, weight, weighted square, violations.

    Residual of a sample: ``n . t`` with t the derotated flow, in sigma units; where t points against the direction
    that forward depth allows, its length instead, which saturates and has no gradient.
    """
    cost = weights = squares = violations = 0.0
    normal[:] = 0.0
    gradient[:] = 0.0
    J = np.empty(5)
    for i in range(x.shape[0]):
        Z = R[2, 0] * x2[i] + R[2, 1] * y2[i] + R[2, 2]
        px = (R[0, 0] * x2[i] + R[0, 1] * y2[i] + R[0, 2]) / Z
        py = (R[1, 0] * x2[i] + R[1, 1] * y2[i] + R[1, 2]) / Z
        tu, tv = px - x[i], py - y[i]
        tau_x, tau_y = -T[0] + x[i] * T[2], -T[1] + y[i] * T[2]
        shorter = 1.0 / math.sqrt(tau_x * tau_x + tau_y * tau_y + 1e-18)
        hx, hy = tau_x * shorter, tau_y * shorter
        r, along, s = -hy * tu + hx * tv, hx * tu + hy * tv, inverse_sigma[i]
        if along < 0:
            behind2 = (tu * tu + tv * tv) * s * s
            cost += behind2 / (behind2 + scale2)
            violations += 1.0 if behind2 > 4.0 else 0.0  # two sigma: noise about no flow is no violation
            continue
        rs = r * s
        cost += rs * rs / (rs * rs + scale2)
        d = scale2 / (rs * rs + scale2)
        weight = d * d
        weights += weight
        squares += weight * rs * rs
        J[0] = (hy * px * py - hx * (1 + py * py)) * s
        J[1] = (-hy * (1 + px * px) + hx * px * py) * s
        J[2] = (hy * py + hx * px) * s
        for k in range(2):
            dx, dy = -tangent[k, 0] + x[i] * tangent[k, 2], -tangent[k, 1] + y[i] * tangent[k, 2]
            J[3 + k] = -along * (-hy * dx + hx * dy) * shorter * s
        for a in range(5):
            gradient[a] += weight * J[a] * rs
            for b in range(a + 1):
                normal[a, b] += weight * J[a] * J[b]
    for a in range(5):
        for b in range(a):
            normal[b, a] = normal[a, b]
    return cost, weights, squares, violations


@njit(cache=True, error_model="numpy")
def rotation_matrix(w: NDArray) -> NDArray:
    """``exp([w]x)`` (3, 3) of a rotation vector in radians (Rodrigues)."""
    angle = math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    a = math.sin(angle) / angle if angle > 1e-9 else 1.0
    b = (1 - math.cos(angle)) / (angle * angle) if angle > 1e-9 else 0.5
    K = np.array([[0.0, -w[2], w[1]], [w[2], 0.0, -w[0]], [-w[1], w[0], 0.0]])
    return np.eye(3) + a * K + b * (K @ K)


@njit(cache=True, error_model="numpy")
def tangent_of(T: NDArray) -> NDArray:
    """Two orthonormal vectors (2, 3) perpendicular to the unit vector T."""
    tangent = np.empty((2, 3))
    axis = np.array([0.0, 1.0, 0.0]) if abs(T[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    first = np.cross(T, axis)
    tangent[0] = first / math.sqrt(np.sum(first * first))
    tangent[1] = np.cross(T, tangent[0])
    return tangent


@njit(cache=True, error_model="numpy")
def solve_damped(normal: NDArray, gradient: NDArray, damping: float, step: NDArray) -> bool:
    """Solve ``(H + damping diag(H)) step = -gradient`` by Cholesky; False where H is not positive."""
    L = np.zeros((5, 5))
    for a in range(5):
        for b in range(a + 1):
            total = normal[a, b] + (damping * normal[a, a] + 1e-12 if a == b else 0.0)
            for c in range(b):
                total -= L[a, c] * L[b, c]
            if a == b:
                if not total > 0.0:
                    return False
                L[a, a] = math.sqrt(total)
            else:
                L[a, b] = total / L[b, b]
    for a in range(5):
        total = -gradient[a]
        for c in range(a):
            total -= L[a, c] * step[c]
        step[a] = total / L[a, a]
    for a in range(4, -1, -1):
        total = step[a]
        for c in range(a + 1, 5):
            total -= L[c, a] * step[c]
        step[a] = total / L[a, a]
    return True


@njit(cache=True, error_model="numpy")
def moved(R: NDArray, T: NDArray, tangent: NDArray, step: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """The motion after a ``step`` (5,) of rotation and two tangents of T: R, the unit T and its tangents."""
    T_new = T + step[3] * tangent[0] + step[4] * tangent[1]
    T_new = T_new / math.sqrt(np.sum(T_new * T_new))
    return rotation_matrix(step[:3]) @ R, T_new, tangent_of(T_new)


@njit(cache=True, error_model="numpy")
def refine(
    x: NDArray,
    y: NDArray,
    x2: NDArray,
    y2: NDArray,
    inverse_sigma: NDArray,
    R: NDArray,
    T: NDArray,
    scale2: float,
    annealing: NDArray,
    iterations: int,
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Improve R and the unit T; returns them, the normal matrix and (cost, weight, weighted square, violations) sums.

    ``x, y`` are start points and ``x2, y2`` end points in normalised coordinates, ``scale2`` the c^2 of the robust
    cost, which is multiplied by each factor of ``annealing`` in turn.
    """
    normal, gradient, step = np.zeros((5, 5)), np.zeros(5), np.zeros(5)
    trial_normal, trial_gradient = np.zeros((5, 5)), np.zeros(5)
    sums = (0.0, 0.0, 0.0, 0.0)
    for factor in annealing:
        s2, damping = scale2 * factor, 1e-4
        tangent = tangent_of(T)
        sums = accumulate(x, y, x2, y2, inverse_sigma, R, T, tangent, s2, normal, gradient)
        for _ in range(iterations):
            improved = False
            for _ in range(6):
                if not solve_damped(normal, gradient, damping, step):
                    damping = max(8 * damping, 1e-6)
                    continue
                R_new, T_new, new_tangent = moved(R, T, tangent, step)
                trial = accumulate(
                    x, y, x2, y2, inverse_sigma, R_new, T_new, new_tangent, s2, trial_normal, trial_gradient
                )
                if trial[0] < sums[0]:
                    improved = True
                    break
                damping *= 8
            if not improved:
                break
            R, T, tangent, sums, damping = R_new, T_new, new_tangent, trial, max(0.2 * damping, 1e-9)
            normal[:] = trial_normal
            gradient[:] = trial_gradient
            if np.max(np.abs(step)) < 1e-7:
                break
    return R, T, normal, np.array(sums)
