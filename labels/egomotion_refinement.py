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
    that forward depth allows, its length instead, which saturates and has no gradient. Without branches and with all
    sums in scalars the loop takes several samples at a time: 5 ns a sample, for 28 with sums in arrays.
    """
    cost = weights = squares = violations = 0.0
    g0 = g1 = g2 = g3 = g4 = 0.0
    n00 = n01 = n02 = n03 = n04 = n11 = n12 = n13 = n14 = n22 = n23 = n24 = n33 = n34 = n44 = 0.0
    (r00, r01, r02), (r10, r11, r12), (r20, r21, r22) = row(R, 0), row(R, 1), row(R, 2)
    (a0, a1, a2), (b0, b1, b2), (t0, t1, t2) = row(tangent, 0), row(tangent, 1), (T[0], T[1], T[2])
    for i in range(x.shape[0]):
        nearer = 1.0 / (r20 * x2[i] + r21 * y2[i] + r22)
        px = (r00 * x2[i] + r01 * y2[i] + r02) * nearer
        py = (r10 * x2[i] + r11 * y2[i] + r12) * nearer
        tu, tv = px - x[i], py - y[i]
        tau_x, tau_y = x[i] * t2 - t0, y[i] * t2 - t1
        shorter = 1.0 / math.sqrt(tau_x * tau_x + tau_y * tau_y + 1e-18)
        hx, hy, s = tau_x * shorter, tau_y * shorter, inverse_sigma[i]
        rs, along = (hx * tv - hy * tu) * s, hx * tu + hy * tv
        behind = along < 0
        square = (tu * tu + tv * tv) * s * s if behind else rs * rs
        share = 1.0 / (square + scale2)
        cost += square * share
        violations += 1.0 if behind and square > 4.0 else 0.0  # two sigma: noise about no flow is no violation
        d = 0.0 if behind else scale2 * share
        weight = d * d
        weights += weight
        squares += weight * square
        turn = -along * shorter * s
        j0 = (hy * px * py - hx * (1 + py * py)) * s
        j1 = (hx * px * py - hy * (1 + px * px)) * s
        j2 = (hy * py + hx * px) * s
        j3 = turn * (hx * (y[i] * a2 - a1) - hy * (x[i] * a2 - a0))
        j4 = turn * (hx * (y[i] * b2 - b1) - hy * (x[i] * b2 - b0))
        w0, w1, w2, w3, w4 = weight * j0, weight * j1, weight * j2, weight * j3, weight * j4
        g0, g1, g2, g3, g4 = g0 + w0 * rs, g1 + w1 * rs, g2 + w2 * rs, g3 + w3 * rs, g4 + w4 * rs
        n00, n01, n02, n03, n04 = n00 + w0 * j0, n01 + w0 * j1, n02 + w0 * j2, n03 + w0 * j3, n04 + w0 * j4
        n11, n12, n13, n14 = n11 + w1 * j1, n12 + w1 * j2, n13 + w1 * j3, n14 + w1 * j4
        n22, n23, n24 = n22 + w2 * j2, n23 + w2 * j3, n24 + w2 * j4
        n33, n34, n44 = n33 + w3 * j3, n34 + w3 * j4, n44 + w4 * j4
    upper = (n00, n01, n02, n03, n04, n11, n12, n13, n14, n22, n23, n24, n33, n34, n44)
    fill(upper, (g0, g1, g2, g3, g4), normal, gradient)
    return cost, weights, squares, violations


@njit(cache=True)
def row(matrix: NDArray, k: int) -> tuple[float, float, float]:
    """A row of three numbers as scalars, which a loop keeps in registers."""
    return matrix[k, 0], matrix[k, 1], matrix[k, 2]


@njit(cache=True)
def fill(upper: tuple[float, ...], sums: tuple[float, ...], normal: NDArray, gradient: NDArray) -> None:
    """Set the symmetric matrix (5, 5) from its upper triangle, row by row, and the gradient (5,)."""
    k = 0
    for a in range(5):
        gradient[a] = sums[a]
        for b in range(a, 5):
            normal[a, b] = normal[b, a] = upper[k]
            k += 1


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
