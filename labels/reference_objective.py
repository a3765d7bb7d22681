"""What the reference's camera motion minimises, and its gradient (LABELS section 6).

Over the rotation ``w = (A, B, C)``

    F(w) = mean |t| dtheta        t = flow - rotational flow        dtheta = angle between t and tau, in [0, pi]

is the length of the arc by which the translational flow misses the direction of a pure translation. That translation
is nested: the eigenvector ``e`` of the least eigenvalue of ``G = sum m m^T``, ``m = (t_v, -t_u, y t_u - x t_v)`` in
pixels. As ``t`` is linear in ``w``, ``G`` is a quadratic form of ``(1, w)`` whose coefficients are summed once; and as

    d e = -sum over the other eigenvectors k of  k (k . dG e) / (lambda_k - lambda)

the gradient takes one pass over the flow, where differences of ``F`` take three more.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.flow_samples import Samples

FLOATS = NDArray[np.float64]


@dataclass(frozen=True)
class Field:
    """Flow in pixels from the principal point, (4, N): x, y, u, v; and the coefficients of ``G``, (4, 3, 4, 3)."""

    flow: FLOATS
    moments: FLOATS
    focal: float

    @staticmethod
    def of(samples: Samples, focal: float) -> "Field":
        """The field that samples tell, ``focal`` in pixels."""
        x, y, u, v = flow = focal * np.stack([samples.x, samples.y, samples.u, samples.v])
        by_rotation = [
            (-x * y / focal, -(focal + y * y / focal)),
            (focal + x * x / focal, x * y / focal),
            (-y, x),
        ]
        m = np.concatenate([[b, -a, y * a - x * b] for a, b in [(u, v), *by_rotation]])
        return Field(flow, (m @ m.T).reshape(4, 3, 4, 3), focal)


def objective(field: Field, rotation: FLOATS) -> tuple[float, FLOATS, FLOATS]:
    """F in pixels at a rotation vector (3,) in radians, its gradient (3,), and the unit heading (3,) nested in it."""
    cost, gradient, e = arc(field.flow, field.moments, field.focal, np.asarray(rotation, np.float64))
    heading = np.array([e[0] / field.focal, e[1] / field.focal, e[2]])
    return cost, gradient, heading / np.linalg.norm(heading)


@njit(cache=True, nogil=True, error_model="numpy")
def arc(flow: FLOATS, moments: FLOATS, focal: float, w: FLOATS) -> tuple[float, FLOATS, FLOATS]:
    """F, its gradient, and the nested translation in pixels, of the sign with which F is the mean of lesser angles."""
    e, turned = _nested(moments, w)
    total, length, angles = 0.0, 0.0, 0.0
    by_t, by_length, by_e = np.zeros(3), np.zeros(3), np.zeros(3)
    for k in range(flow.shape[1]):
        x, y = flow[0, k], flow[1, k]
        t_u, t_v = _without_rotation(flow[:, k], focal, w)
        r = np.sqrt(t_u * t_u + t_v * t_v)
        tau_x, tau_y = x * e[2] - e[0], y * e[2] - e[1]
        tau2 = tau_x * tau_x + tau_y * tau_y
        if r == 0 or tau2 == 0:
            continue
        cross = tau_x * t_v - tau_y * t_u
        angle = abs(np.arctan2(cross, tau_x * t_u + tau_y * t_v))
        side = np.sign(cross)
        total += r * angle
        length += r
        angles += angle
        _turn(by_t, x, y, focal, (angle * t_u - side * t_v) / r, (angle * t_v + side * t_u) / r)
        _turn(by_length, x, y, focal, t_u / r, t_v / r)
        share = side * r / tau2
        by_e[0] -= share * tau_y
        by_e[1] += share * tau_x
        by_e[2] -= share * (tau_x * y - tau_y * x)
    n = flow.shape[1]
    gradient = by_t + turned @ by_e
    if angles > n * np.pi / 2:  # the other way round all angles are pi less these
        return (np.pi * length - total) / n, (np.pi * by_length - gradient) / n, -e
    return total / n, gradient / n, e


@njit(cache=True, nogil=True, error_model="numpy")
def shortness(flow: FLOATS, focal: float, w: FLOATS) -> tuple[float, FLOATS]:
    """The mean length of ``t`` and its gradient: a convex function, without other minima."""
    length, by_length = 0.0, np.zeros(3)
    for k in range(flow.shape[1]):
        t_u, t_v = _without_rotation(flow[:, k], focal, w)
        r = np.sqrt(t_u * t_u + t_v * t_v)
        if r > 0:
            length += r
            _turn(by_length, flow[0, k], flow[1, k], focal, t_u / r, t_v / r)
    return length / flow.shape[1], by_length / flow.shape[1]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _without_rotation(flow: FLOATS, focal: float, w: FLOATS) -> tuple[float, float]:
    """Flow less that of the rotation (LABELS 1.1)."""
    x, y, common = flow[0], flow[1], (w[0] * flow[1] - w[1] * flow[0]) / focal
    return flow[2] - (common * x - focal * w[1] + y * w[2]), flow[3] - (common * y + focal * w[0] - x * w[2])


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _turn(total: FLOATS, x: float, y: float, focal: float, by_u: float, by_v: float) -> None:
    """Add the gradient by rotation of what changes so with the translational flow."""
    radial = (by_u * x + by_v * y) / focal
    total[0] -= radial * y + by_v * focal
    total[1] += radial * x + by_u * focal
    total[2] += by_v * x - by_u * y


@njit(cache=True, nogil=True, error_model="numpy")
def _nested(moments: FLOATS, w: FLOATS) -> tuple[FLOATS, FLOATS]:
    """The unit translation in pixels (3,), and how it turns with each part of the rotation, (3, 3)."""
    a = np.array([1.0, w[0], w[1], w[2]])
    G, turn = np.zeros((3, 3)), np.zeros((3, 3, 3))
    for j in range(4):
        for k in range(4):
            for p in range(3):
                for q in range(3):
                    value = moments[j, p, k, q]
                    G[p, q] += a[j] * a[k] * value
                    if j > 0:
                        turn[j - 1, p, q] += a[k] * value
                        turn[j - 1, q, p] += a[k] * value
    values, vectors = np.linalg.eigh(G)
    e = np.ascontiguousarray(vectors[:, 0])
    turned = np.zeros((3, 3))
    for j in range(3):
        pushed = turn[j] @ e
        for k in range(1, 3):
            other = np.ascontiguousarray(vectors[:, k])
            turned[j] -= other * (other @ pushed) / (values[k] - values[0])
    return e, turned
