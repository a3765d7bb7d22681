"""What the reference's camera motion minimises, and its gradient (LABELS section 6).

Over the rotation R

    F(R) = mean |t| dtheta        t = flow without R        dtheta = angle between t and tau, in [0, pi]

is the length of the arc by which the translational flow misses the direction of a pure translation. That translation
is nested: the eigenvector ``e`` of the least eigenvalue of ``G = sum m m^T``, ``m = (t_v, -t_u, y t_u - x t_v)`` in
pixels.

``R = exp([w]x) R0``: the flow's ends are turned by R0 exactly, as later code of that line of work does, and by the
rest ``w`` to the first order. So ``t`` is linear in ``w``, ``G`` a quadratic form of ``(1, w)`` whose coefficients are
summed once, and with

    d e = -sum over the other eigenvectors k of  k (k . dG e) / (lambda_k - lambda)

the gradient takes one pass over the flow, where differences of F take three more. F and its gradient are exact at
``w = 0``.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.flow_samples import Samples, derotated

FLOATS = NDArray[np.float64]


@dataclass(frozen=True)
class Field:
    """Flow without a rotation R0, as a function of the rest ``w`` of the rotation.

    ``places`` (4, N) are start and end in pixels from the principal point, ``m`` (12, N) the coefficients of ``m`` in
    ``(1, w)``, ``moments`` (4, 3, 4, 3) those of ``G``.
    """

    places: FLOATS
    m: FLOATS
    moments: FLOATS
    focal: float

    @staticmethod
    def of(samples: Samples, focal: float, R: FLOATS | None = None) -> "Field":
        """The field of samples less the rotation ``R`` (3, 3), none without; ``focal`` in pixels."""
        x, y = start = focal * np.stack([samples.x, samples.y])
        u, v = t = focal * derotated(samples, np.eye(3) if R is None else R).T
        p, q = end = start + t
        by_rotation = [
            (-p * q / focal, -(focal + q * q / focal)),
            (focal + p * p / focal, p * q / focal),
            (-q, p),
        ]
        m = np.concatenate([[b, -a, y * a - x * b] for a, b in [(u, v), *by_rotation]])
        return Field(np.concatenate([start, end]), m, (m @ m.T).reshape(4, 3, 4, 3), focal)


def objective(field: Field, rotation: FLOATS) -> tuple[float, FLOATS, FLOATS]:
    """F in pixels at a rotation vector (3,) in radians, its gradient (3,), and the unit heading (3,) nested in it."""
    cost, gradient, e = arc(field.places, field.moments, field.focal, np.asarray(rotation, np.float64))
    return cost, gradient, heading(e, field.focal)


def heading(e: FLOATS, focal: float) -> FLOATS:
    """The unit heading (3,) of a translation in pixels."""
    result = np.array([e[0] / focal, e[1] / focal, e[2]])
    return result / np.linalg.norm(result)


@njit(cache=True, nogil=True, error_model="numpy")
def arc(places: FLOATS, moments: FLOATS, focal: float, w: FLOATS) -> tuple[float, FLOATS, FLOATS]:
    """F, its gradient, and the nested translation in pixels, of the sign with which F is the mean of lesser angles."""
    e, turned = _nested(moments, w)
    total, length, angles = 0.0, 0.0, 0.0
    by_t, by_length, by_e = np.zeros(3), np.zeros(3), np.zeros(3)
    for k in range(places.shape[1]):
        x, y = places[0, k], places[1, k]
        t_u, t_v = translational(places[:, k], focal, w)
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
        _turn(by_t, places[:, k], focal, (angle * t_u - side * t_v) / r, (angle * t_v + side * t_u) / r)
        _turn(by_length, places[:, k], focal, t_u / r, t_v / r)
        share = side * r / tau2
        by_e[0] -= share * tau_y
        by_e[1] += share * tau_x
        by_e[2] -= share * (tau_x * y - tau_y * x)
    n = places.shape[1]
    gradient = by_t + turned @ by_e
    if angles > n * np.pi / 2:  # the other way round all angles are pi less these
        return (np.pi * length - total) / n, (np.pi * by_length - gradient) / n, -e
    return total / n, gradient / n, e


@njit(cache=True, nogil=True, error_model="numpy")
def shortness(places: FLOATS, focal: float, w: FLOATS) -> tuple[float, FLOATS]:
    """The mean length of ``t`` and its gradient: a convex function, without other minima."""
    length, by_length = 0.0, np.zeros(3)
    for k in range(places.shape[1]):
        t_u, t_v = translational(places[:, k], focal, w)
        r = np.sqrt(t_u * t_u + t_v * t_v)
        if r > 0:
            length += r
            _turn(by_length, places[:, k], focal, t_u / r, t_v / r)
    return length / places.shape[1], by_length / places.shape[1]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def translational(place: FLOATS, focal: float, w: FLOATS) -> tuple[float, float]:
    """Flow less that of the rotation ``w`` of its end (LABELS 7.4)."""
    p, q = place[2], place[3]
    common = (w[0] * q - w[1] * p) / focal
    u, v = common * p - focal * w[1] + q * w[2], common * q + focal * w[0] - p * w[2]
    return p - place[0] - u, q - place[1] - v


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _turn(total: FLOATS, place: FLOATS, focal: float, by_u: float, by_v: float) -> None:
    """Add the gradient by rotation of what changes so with the translational flow."""
    p, q = place[2], place[3]
    radial = (by_u * p + by_v * q) / focal
    total[0] -= radial * q + by_v * focal
    total[1] += radial * p + by_u * focal
    total[2] += by_v * p - by_u * q


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
