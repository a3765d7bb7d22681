"""The camera motion as the paper's line of work finds it, for comparison only (LABELS section 6).

Over the rotation w = (A, B, C), with a quasi-Newton method and numeric gradients,

    F(w) = mean |t| dtheta        t = flow - rotational flow        dtheta = angle between t and tau, in [0, pi]

is minimised: the length of the arc by which the translational flow misses the direction of a pure translation. That
translation is nested: the eigenvector of the least eigenvalue of ``sum m m^T``, ``m = (t_v, -t_u, y t_u - x t_v)`` in
pixels. As in later code of that line of work the search starts three times: from the rotation that is given, from none,
and from the one that leaves the least flow; one alone may end in a local minimum, a heading tens of degrees off. Known
weaknesses, measured on real drives: weights that grow with the distance from the focus of expansion and with the flow,
mixed units, a rotation that is only instantaneous.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from labels.egomotion_refinement import rotation_matrix
from labels.flow_samples import Samples

PER_RADIAN = 100.0
"""The minimiser sees rotations in hundredths of a radian, of the size of one."""


def reference_motion(
    samples: Samples, focal: float, start: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """R (3, 3) and the unit T (3,) of the least F found from ``start``, a rotation vector in radians, or elsewhere."""
    given = np.asarray(start, np.float64)
    starts = [given, _least_flow(samples)] + ([np.zeros(3)] if given.any() else [])
    ends = [_minimised(lambda w: objective(samples, focal, w)[0], each) for each in starts]
    rotation = min(ends, key=lambda w: objective(samples, focal, w)[0])
    return rotation_matrix(rotation), objective(samples, focal, rotation)[1]


def _least_flow(samples: Samples) -> NDArray[np.float64]:
    """The rotation vector that leaves the shortest flow on the mean; it has no other minimum."""
    return _minimised(lambda w: float(np.hypot(*_translational(samples, w)).mean()) * PER_RADIAN, np.zeros(3))


def _minimised(cost: Callable[[NDArray[np.float64]], float], start: NDArray[np.float64]) -> NDArray[np.float64]:
    return minimize(lambda w: cost(w / PER_RADIAN), start * PER_RADIAN, method="BFGS").x / PER_RADIAN


def objective(samples: Samples, focal: float, rotation: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """F in pixels at a rotation vector (3,) in radians, and the unit heading (3,) nested in it."""
    x, y = focal * samples.x, focal * samples.y
    u, v = _translational(samples, rotation)
    u, v = focal * u, focal * v
    m = np.stack([v, -u, y * u - x * v], 1)
    e = np.linalg.eigh(m.T @ m)[1][:, 0]
    tau_x, tau_y = x * e[2] - e[0], y * e[2] - e[1]
    angle = np.abs(np.arctan2(tau_x * v - tau_y * u, tau_x * u + tau_y * v))
    if angle.mean() > np.pi / 2:
        angle, e = np.pi - angle, -e
    heading = np.array([e[0] / focal, e[1] / focal, e[2]])
    return float(np.mean(np.hypot(u, v) * angle)), heading / np.linalg.norm(heading)


def _translational(samples: Samples, rotation: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Flow less that of the rotation, normalised (LABELS 1.1)."""
    (A, B, C), x, y = rotation, samples.x, samples.y
    return (
        samples.u - (x * y * A - (1 + x * x) * B + y * C),
        samples.v - ((1 + y * y) * A - x * y * B - x * C),
    )
