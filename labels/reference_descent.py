"""A quasi-Newton search over three angles, as the reference's camera motion needs it."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.reference_objective import arc, shortness

FLOATS = NDArray[np.float64]
PER_RADIAN = 100.0
"""The search sees rotations in hundredths of a radian, of the size of one."""
MOST_STEPS, MOST_TRIALS = 100, 20
PROMISED = 1e-4
"""The share of the descent that its slope promises which a step must bring."""


@njit(cache=True, nogil=True)
def descended(places: FLOATS, moments: FLOATS, focal: float, shortest: bool, nothing_px: float) -> FLOATS:
    """The rotation vector (3,) in radians where BFGS from none ends: at the least F, or at the shortest flow.

    ``places``, ``moments`` and ``focal`` are those of ``labels.reference_objective.Field``. Steps are cut back until
    they bring what their slope promises, and end where they bring less than ``nothing_px``.
    """
    w = np.zeros(3)
    value, gradient = _cost(places, moments, focal, w, shortest)
    inverse, fresh = np.eye(3) / max(1.0, np.abs(gradient).sum()), True
    for _ in range(MOST_STEPS):
        step = -inverse @ gradient
        slope = gradient @ step
        length, trial, next_value, next_gradient = 1.0, w, value, gradient
        for _ in range(MOST_TRIALS):
            trial = w + length * step
            next_value, next_gradient = _cost(places, moments, focal, trial, shortest)
            if next_value <= value + PROMISED * length * slope:
                break
            lowest = -slope * length**2 / (2 * (next_value - value - slope * length))  # of the parabola
            length = min(max(lowest, 0.1 * length), 0.5 * length)
        gained = value - next_value
        if gained < nothing_px and fresh:
            return (trial if gained > 0 else w) / PER_RADIAN
        if gained <= 0:
            inverse, fresh = np.eye(3) / max(1.0, np.abs(gradient).sum()), True
            continue
        s, y = trial - w, next_gradient - gradient
        w, value, gradient, bend = trial, next_value, next_gradient, s @ y
        if gained < nothing_px or bend <= 0:
            inverse, fresh = np.eye(3) / max(1.0, np.abs(gradient).sum()), True
            continue
        if fresh:
            inverse = np.eye(3) * bend / (y @ y)
        left = np.eye(3) - np.outer(s, y) / bend
        inverse, fresh = left @ inverse @ left.T + np.outer(s, s) / bend, False
    return w / PER_RADIAN


@njit(cache=True, nogil=True)
def _cost(places: FLOATS, moments: FLOATS, focal: float, w: FLOATS, shortest: bool) -> tuple[float, FLOATS]:
    if shortest:
        value, gradient = shortness(places, focal, w / PER_RADIAN)
    else:
        value, gradient, _ = arc(places, moments, focal, w / PER_RADIAN)
    return value, gradient / PER_RADIAN
