"""The camera motion as the paper's line of work finds it, for comparison only (LABELS section 6).

Over the rotation w = (A, B, C), with a quasi-Newton method and numeric gradients,

    F(w) = mean |t| dtheta        t = flow - rotational flow        dtheta = angle between t and tau, in [0, pi]

is minimised: the length of the arc by which the translational flow misses the direction of a pure translation. That
translation is nested: the eigenvector of the least eigenvalue of ``sum m m^T``, ``m = (t_v, -t_u, y t_u - x t_v)`` in
pixels. Known weaknesses, measured on real drives: weights that grow with the distance from the focus of expansion and
with the flow, mixed units, a rotation that is only instantaneous, and local minima away from where it starts.
"""

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
    """R (3, 3) and the unit T (3,) that minimise F from the rotation vector ``start``, radians."""
    found = minimize(
        lambda w: objective(samples, focal, w / PER_RADIAN)[0], np.asarray(start) * PER_RADIAN, method="BFGS"
    )
    rotation = found.x / PER_RADIAN
    return rotation_matrix(rotation), objective(samples, focal, rotation)[1]


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
