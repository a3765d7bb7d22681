"""Camera motion under a likelihood in which some of the points are at infinity: what tells the focal length.

Beside the distance ``r`` of a sample from its epipolar line there is the flow ``a`` along it. Behind the camera,
``a < 0``, a sample costs as much as off its line; in front it costs a small share ``infinity`` of that, so that of two
motions that put nothing behind the camera the one with more points at infinity is better (LABELS 7.1, 9.2). With a
share of 0 this is the likelihood of ``labels.egomotion_refinement``.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.egomotion_refinement import moved, solve_damped, tangent_of

CONVERGED = 1e-6
"""Relative decrease of the cost at which the refinement ends."""


@njit(cache=True, fastmath=True, error_model="numpy")
def accumulate(
    x: NDArray, y: NDArray, x2: NDArray, y2: NDArray, inverse_sigma: NDArray, R: NDArray, T: NDArray, tangent: NDArray,
    scale2: float, infinity: float, normal: NDArray, gradient: NDArray,
) -> float:  # fmt: skip
    """Fill the normal matrix (5, 5) and the gradient (5,); return the sum of the costs."""
    cost = 0.0
    normal[:] = 0.0
    gradient[:] = 0.0
    J, K = np.empty(5), np.empty(5)  # of r and a
    for i in range(x.shape[0]):
        Z = R[2, 0] * x2[i] + R[2, 1] * y2[i] + R[2, 2]
        px = (R[0, 0] * x2[i] + R[0, 1] * y2[i] + R[0, 2]) / Z
        py = (R[1, 0] * x2[i] + R[1, 1] * y2[i] + R[1, 2]) / Z
        tu, tv = px - x[i], py - y[i]
        tau_x, tau_y = -T[0] + x[i] * T[2], -T[1] + y[i] * T[2]
        shorter = 1.0 / math.sqrt(tau_x * tau_x + tau_y * tau_y + 1e-18)
        hx, hy, s = tau_x * shorter, tau_y * shorter, inverse_sigma[i]
        r, a = (-hy * tu + hx * tv) * s, (hx * tu + hy * tv) * s
        share = infinity if a > 0 else 1.0
        d, e = scale2 / (r * r + scale2), scale2 / (a * a + scale2)
        cost += 1 - d + share * (1 - e)
        weight_r, weight_a = d * d, share * e * e
        ux, uy, uz = -px * py, 1 + px * px, -py  # of px by the rotation
        vx, vy, vz = -1 - py * py, px * py, px  # of py
        J[0], J[1], J[2] = (-hy * ux + hx * vx) * s, (-hy * uy + hx * vy) * s, (-hy * uz + hx * vz) * s
        K[0], K[1], K[2] = (hx * ux + hy * vx) * s, (hx * uy + hy * vy) * s, (hx * uz + hy * vz) * s
        for k in range(2):
            dx, dy = -tangent[k, 0] + x[i] * tangent[k, 2], -tangent[k, 1] + y[i] * tangent[k, 2]
            turn = (-hy * dx + hx * dy) * shorter
            J[3 + k], K[3 + k] = -a * turn, r * turn
        for p in range(5):
            gradient[p] += weight_r * J[p] * r + weight_a * K[p] * a
            for q in range(p + 1):
                normal[p, q] += weight_r * J[p] * J[q] + weight_a * K[p] * K[q]
    for p in range(5):
        for q in range(p):
            normal[q, p] = normal[p, q]
    return cost


@njit(cache=True, error_model="numpy")
def refine_with_infinity(
    x: NDArray, y: NDArray, x2: NDArray, y2: NDArray, inverse_sigma: NDArray, R: NDArray, T: NDArray,
    scale2: float, infinity: float, annealing: NDArray, iterations: int,
) -> tuple[NDArray, NDArray, float]:  # fmt: skip
    """Improve R and the unit T by Levenberg-Marquardt; returns them and the mean cost.

    ``x, y`` are start points and ``x2, y2`` end points (N,) in normalised coordinates, ``scale2`` the c^2 of the robust
    costs, in sigma units, which each factor of ``annealing`` multiplies in turn.
    """
    normal, gradient, step = np.zeros((5, 5)), np.zeros(5), np.zeros(5)
    trial_normal, trial_gradient = np.zeros((5, 5)), np.zeros(5)
    cost = 0.0
    for factor in annealing:
        s2, damping, tangent = scale2 * factor, 1e-4, tangent_of(T)
        cost = accumulate(x, y, x2, y2, inverse_sigma, R, T, tangent, s2, infinity, normal, gradient)
        for _ in range(iterations):
            improved, trial = False, cost
            for _ in range(6):
                if not solve_damped(normal, gradient, damping, step):
                    damping = max(8 * damping, 1e-6)
                    continue
                R_new, T_new, new_tangent = moved(R, T, tangent, step)
                trial = accumulate(
                    x, y, x2, y2, inverse_sigma, R_new, T_new, new_tangent, s2, infinity, trial_normal, trial_gradient
                )
                if trial < cost:
                    improved = True
                    break
                damping *= 8
            if not improved:
                break
            R, T, tangent, damping = R_new, T_new, new_tangent, max(0.2 * damping, 1e-9)
            normal[:] = trial_normal
            gradient[:] = trial_gradient
            gained, cost = cost - trial, trial
            if gained < CONVERGED * cost:
                break
    return R, T, cost / x.shape[0]
