"""Start values for the egomotion: a grid of headings with the rotation projected out (LABELS sections 7.1-7.3).

All coordinates are normalised (divided by the focal length, relative to the principal point) and the motion is
instantaneous here; ``labels.egomotion_refinement`` continues with the exact finite model.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

POLAR_DEG = (0, 4, 8, 12, 16, 22, 28, 36, 45, 55, 67, 80, 90)
# Influence is bounded without a start value at first (plain robust weights from zero rotation lose large rotations),
# then the scale shrinks to its own.
ANNEALING = (64.0, 64.0, 16.0, 4.0, 1.0, 1.0)


def headings() -> NDArray[np.float64]:
    """Unit directions (N, 3) over the forward hemisphere, denser ahead; their signs are resolved by chirality."""
    found = []
    for polar in np.deg2rad(POLAR_DEG):
        spacing = np.deg2rad(9.0 if polar < 0.5 else 14.0)
        around = 1 if polar == 0 else max(6, round(2 * math.pi * math.sin(polar) / spacing))
        for step in range(around):
            azimuth = 2 * math.pi * (step + 0.5 * (around % 2)) / around
            found.append((math.sin(polar) * math.cos(azimuth), math.sin(polar) * math.sin(azimuth), math.cos(polar)))
    return np.array(found)


HEADINGS = headings()


@njit(cache=True, fastmath=True, error_model="numpy")
def solved(
    a00: float, a01: float, a02: float, a11: float, a12: float, a22: float, b0: float, b1: float, b2: float,
    w0: float, w1: float, w2: float,
) -> tuple[float, float, float]:  # fmt: skip
    """The solution of a symmetric system of three; w as it is where there is none."""
    c00, c01, c02 = a11 * a22 - a12 * a12, a02 * a12 - a01 * a22, a01 * a12 - a02 * a11
    det = a00 * c00 + a01 * c01 + a02 * c02
    if abs(det) > 1e-30:
        c11, c12, c22 = a00 * a22 - a02 * a02, a01 * a02 - a00 * a12, a00 * a11 - a01 * a01
        w0 = (c00 * b0 + c01 * b1 + c02 * b2) / det
        w1 = (c01 * b0 + c11 * b1 + c12 * b2) / det
        w2 = (c02 * b0 + c12 * b1 + c22 * b2) / det
    return w0, w1, w2


@njit(cache=True, fastmath=True, error_model="numpy")
def rotation_alone(x: NDArray, y: NDArray, u: NDArray, v: NDArray, inverse_sigma: NDArray) -> NDArray:
    """The rotation vector (3,) that explains flow best by itself, robustly; all are (N,) (LABELS 17.1, step 3)."""
    w0 = w1 = w2 = 0.0
    for step in range(6):
        a00 = a01 = a02 = a11 = a12 = a22 = b0 = b1 = b2 = 0.0
        for i in range(x.shape[0]):
            p0, p1, p2 = x[i] * y[i], -(1 + x[i] * x[i]), y[i]
            q0, q1, q2 = 1 + y[i] * y[i], -x[i] * y[i], -x[i]
            left_u = u[i] - p0 * w0 - p1 * w1 - p2 * w2
            left_v = v[i] - q0 * w0 - q1 * w1 - q2 * w2
            length = math.sqrt(left_u * left_u + left_v * left_v) * inverse_sigma[i]
            weight = 1.0 if step == 0 else 1.0 / (1.0 + length)
            a00 += weight * (p0 * p0 + q0 * q0)
            a01 += weight * (p0 * p1 + q0 * q1)
            a02 += weight * (p0 * p2 + q0 * q2)
            a11 += weight * (p1 * p1 + q1 * q1)
            a12 += weight * (p1 * p2 + q1 * q2)
            a22 += weight * (p2 * p2 + q2 * q2)
            b0 += weight * (p0 * u[i] + q0 * v[i])
            b1 += weight * (p1 * u[i] + q1 * v[i])
            b2 += weight * (p2 * u[i] + q2 * v[i])
        w0, w1, w2 = solved(a00, a01, a02, a11, a12, a22, b0, b1, b2, w0, w1, w2)
    return np.array([w0, w1, w2])


@njit(cache=True, fastmath=True, error_model="numpy")
def search(
    x: NDArray,
    y: NDArray,
    u: NDArray,
    v: NDArray,
    inverse_sigma: NDArray,
    directions: NDArray,
    scale2: float,
    annealing: NDArray,
) -> tuple[NDArray, NDArray, NDArray]:
    """For each direction of translation: mean robust cost, best rotation vector, and the sign that chirality favours.

    ``x, y, u, v, inverse_sigma`` are (N,) samples and flow, ``directions`` (M, 3), ``scale2`` the squared scale c^2 of
    the Geman-McClure cost ``q = r^2 / (r^2 + c^2)`` of residuals in sigma units. The residual of a hypothesis is
    ``n . (flow - B w)``, linear in w: iteratively reweighted 3x3 systems. Returns costs (M,), rotations (M, 3), signs.
    """
    samples, hypotheses = x.shape[0], directions.shape[0]
    costs, rotations, signs = np.empty(hypotheses), np.empty((hypotheses, 3)), np.empty(hypotheses)
    g0, g1, g2, r0 = np.empty(samples), np.empty(samples), np.empty(samples), np.empty(samples)
    nx, ny = np.empty(samples), np.empty(samples)
    for k in range(hypotheses):
        for i in range(samples):
            tau_x = -directions[k, 0] + x[i] * directions[k, 2]
            tau_y = -directions[k, 1] + y[i] * directions[k, 2]
            weight = inverse_sigma[i] / math.sqrt(tau_x * tau_x + tau_y * tau_y + 1e-18)
            nx[i], ny[i] = -tau_y * weight, tau_x * weight  # the normal, in sigma units
            g0[i] = nx[i] * x[i] * y[i] + ny[i] * (1 + y[i] * y[i])
            g1[i] = -nx[i] * (1 + x[i] * x[i]) - ny[i] * x[i] * y[i]
            g2[i] = nx[i] * y[i] - ny[i] * x[i]
            r0[i] = nx[i] * u[i] + ny[i] * v[i]
        w0 = w1 = w2 = 0.0
        for step in range(annealing.shape[0]):
            s2 = scale2 * annealing[step]
            a00 = a01 = a02 = a11 = a12 = a22 = b0 = b1 = b2 = 0.0
            for i in range(samples):
                r = r0[i] - g0[i] * w0 - g1[i] * w1 - g2[i] * w2
                d = s2 / (r * r + s2)
                weight = 1.0 / (1.0 + abs(r)) if step == 0 else d * d
                a00 += weight * g0[i] * g0[i]
                a01 += weight * g0[i] * g1[i]
                a02 += weight * g0[i] * g2[i]
                a11 += weight * g1[i] * g1[i]
                a12 += weight * g1[i] * g2[i]
                a22 += weight * g2[i] * g2[i]
                b0 += weight * g0[i] * r0[i]
                b1 += weight * g1[i] * r0[i]
                b2 += weight * g2[i] * r0[i]
            w0, w1, w2 = solved(a00, a01, a02, a11, a12, a22, b0, b1, b2, w0, w1, w2)
        forward = backward = 0.0
        for i in range(samples):
            r = r0[i] - g0[i] * w0 - g1[i] * w1 - g2[i] * w2
            tu = u[i] - x[i] * y[i] * w0 + (1 + x[i] * x[i]) * w1 - y[i] * w2
            tv = v[i] - (1 + y[i] * y[i]) * w0 + x[i] * y[i] * w1 + x[i] * w2
            along = ny[i] * tu - nx[i] * tv
            behind2 = (tu * tu + tv * tv) * inverse_sigma[i] * inverse_sigma[i]
            q, saturated = r * r / (r * r + scale2), behind2 / (behind2 + scale2)
            forward += q if along >= 0 else saturated
            backward += saturated if along >= 0 else q
        costs[k] = min(forward, backward) / samples
        signs[k] = 1.0 if forward <= backward else -1.0
        rotations[k, 0], rotations[k, 1], rotations[k, 2] = w0, w1, w2
    return costs, rotations, signs


def linear_heading(
    x: NDArray[np.float64], y: NDArray[np.float64], u: NDArray[np.float64], v: NDArray[np.float64], weight: NDArray
) -> NDArray[np.float64] | None:
    """The direction of translation in closed form, up to sign, or None where the samples do not determine one.

    The differential epipolar constraint ``M . T = E . s`` with the symmetric part s eliminated (LABELS 7.3 c). Not
    robust: one more candidate.
    """
    one = np.ones_like(x)
    E = np.stack([1 + y * y, -x * y, -x, 1 + x * x, -y, x * x + y * y], 1)
    M = np.stack([v, -u, u * y - v * x], 1)
    weighted = weight[:, None]
    C, D = E.T @ (weighted * E), E.T @ (weighted * M)
    normals = np.stack([np.stack([one, 0 * x, -x]), np.stack([0 * x, one, -y]), np.stack([-x, -y, x * x + y * y])])
    noise = normals @ weight
    try:
        S = M.T @ (weighted * M) - D.T @ np.linalg.solve(C, D)
        inverse_root = np.linalg.inv(np.linalg.cholesky(noise + 1e-9 * np.trace(noise) * np.eye(3)))
        _, vectors = np.linalg.eigh(inverse_root @ S @ inverse_root.T)
    except np.linalg.LinAlgError:
        return None
    heading = inverse_root.T @ vectors[:, 0]
    length = np.linalg.norm(heading)
    return heading / length if np.isfinite(length) and length > 0 else None
