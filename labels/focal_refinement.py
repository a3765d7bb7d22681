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

from labels.egomotion_refinement import fill, moved, row, solve_damped, tangent_of

CONVERGED = 1e-6
"""Relative decrease of the cost at which the refinement ends."""


@njit(cache=True, fastmath=True, error_model="numpy")
def accumulate(
    x: NDArray, y: NDArray, x2: NDArray, y2: NDArray, inverse_sigma: NDArray, R: NDArray, T: NDArray, tangent: NDArray,
    scale2: float, infinity: float, normal: NDArray, gradient: NDArray,
) -> float:  # fmt: skip
    """Fill the normal matrix (5, 5) and the gradient (5,); return the sum of the costs.

    All sums are scalars, so that the loop takes several samples at a time.
    """
    cost = 0.0
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
        r, a = (hx * tv - hy * tu) * s, (hx * tu + hy * tv) * s
        share = infinity if a > 0 else 1.0
        d, e = scale2 / (r * r + scale2), scale2 / (a * a + scale2)
        cost += 1 - d + share * (1 - e)
        weight_r, weight_a = d * d, share * e * e
        ux, uy, uz = -px * py, 1 + px * px, -py  # of px by the rotation
        vx, vy, vz = -1 - py * py, px * py, px  # of py
        j0, j1, j2 = (hx * vx - hy * ux) * s, (hx * vy - hy * uy) * s, (hx * vz - hy * uz) * s  # of r
        k0, k1, k2 = (hx * ux + hy * vx) * s, (hx * uy + hy * vy) * s, (hx * uz + hy * vz) * s  # of a
        turn_a = (hx * (y[i] * a2 - a1) - hy * (x[i] * a2 - a0)) * shorter
        turn_b = (hx * (y[i] * b2 - b1) - hy * (x[i] * b2 - b0)) * shorter
        j3, j4, k3, k4 = -a * turn_a, -a * turn_b, r * turn_a, r * turn_b
        u0, u1, u2, u3, u4 = weight_r * j0, weight_r * j1, weight_r * j2, weight_r * j3, weight_r * j4
        w0, w1, w2, w3, w4 = weight_a * k0, weight_a * k1, weight_a * k2, weight_a * k3, weight_a * k4
        g0, g1, g2 = g0 + u0 * r + w0 * a, g1 + u1 * r + w1 * a, g2 + u2 * r + w2 * a
        g3, g4 = g3 + u3 * r + w3 * a, g4 + u4 * r + w4 * a
        n00, n01, n02 = n00 + u0 * j0 + w0 * k0, n01 + u0 * j1 + w0 * k1, n02 + u0 * j2 + w0 * k2
        n03, n04, n11 = n03 + u0 * j3 + w0 * k3, n04 + u0 * j4 + w0 * k4, n11 + u1 * j1 + w1 * k1
        n12, n13, n14 = n12 + u1 * j2 + w1 * k2, n13 + u1 * j3 + w1 * k3, n14 + u1 * j4 + w1 * k4
        n22, n23, n24 = n22 + u2 * j2 + w2 * k2, n23 + u2 * j3 + w2 * k3, n24 + u2 * j4 + w2 * k4
        n33, n34, n44 = n33 + u3 * j3 + w3 * k3, n34 + u3 * j4 + w3 * k4, n44 + u4 * j4 + w4 * k4
    upper = (n00, n01, n02, n03, n04, n11, n12, n13, n14, n22, n23, n24, n33, n34, n44)
    fill(upper, (g0, g1, g2, g3, g4), normal, gradient)
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
