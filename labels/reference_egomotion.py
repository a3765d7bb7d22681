"""The camera motion as the paper's line of work finds it, for comparison only (LABELS section 6).

A quasi-Newton method minimises ``labels.reference_objective`` over the rotation. As in later code of that line of work
the search starts three times: from the rotation that is given, from none, and from the one that leaves the least flow;
one alone may end in a local minimum, a heading tens of degrees off. Known weaknesses, measured on real drives: weights
that grow with the distance from the focus of expansion and with the flow, mixed units, a rotation that is only
instantaneous.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.egomotion_refinement import rotation_matrix
from labels.flow_samples import Samples
from labels.reference_objective import Field, arc, objective, shortness

FLOATS = NDArray[np.float64]
PER_RADIAN = 100.0
"""The minimiser sees rotations in hundredths of a radian, of the size of one."""
MOST_STEPS, MOST_TRIALS = 100, 20
PROMISED, NOTHING_PX = 1e-4, 1e-7
"""The share of the descent that its slope promises which a step must bring; and what is no descent any more."""


def reference_motion(samples: Samples, focal: float, start: FLOATS) -> tuple[FLOATS, FLOATS]:
    """R (3, 3) and the unit T (3,) of the least F found from ``start``, a rotation vector in radians, or elsewhere."""
    field, given = Field.of(samples, focal), np.asarray(start, np.float64)
    starts = [given, _minimised(field, np.zeros(3), shortest=True)] + ([np.zeros(3)] if given.any() else [])
    ends = [_minimised(field, each) for each in starts]
    rotation = min(ends, key=lambda w: objective(field, w)[0])
    return rotation_matrix(rotation), objective(field, rotation)[2]


def _minimised(field: Field, start: FLOATS, shortest: bool = False) -> FLOATS:
    return _descended(field.flow, field.moments, field.focal, start * PER_RADIAN, shortest) / PER_RADIAN


@njit(cache=True, nogil=True)
def _descended(flow: FLOATS, moments: FLOATS, focal: float, start: FLOATS, shortest: bool) -> FLOATS:
    """Where BFGS ends, in hundredths of a radian: at the least F, or at the shortest flow.

    Steps are cut back until they bring what their slope promises, and end where they bring next to nothing.
    """
    w = start.copy()
    value, gradient = _cost(flow, moments, focal, w, shortest)
    inverse, fresh = np.eye(3) / max(1.0, np.abs(gradient).sum()), True
    for _ in range(MOST_STEPS):
        step = -inverse @ gradient
        slope = gradient @ step
        length, trial, next_value, next_gradient = 1.0, w, value, gradient
        for _ in range(MOST_TRIALS):
            trial = w + length * step
            next_value, next_gradient = _cost(flow, moments, focal, trial, shortest)
            if next_value <= value + PROMISED * length * slope:
                break
            lowest = -slope * length**2 / (2 * (next_value - value - slope * length))  # of the parabola
            length = min(max(lowest, 0.1 * length), 0.5 * length)
        gained = value - next_value
        if gained < NOTHING_PX and fresh:
            return trial if gained > 0 else w
        if gained <= 0:
            inverse, fresh = np.eye(3) / max(1.0, np.abs(gradient).sum()), True
            continue
        s, y = trial - w, next_gradient - gradient
        w, value, gradient, bend = trial, next_value, next_gradient, s @ y
        if gained < NOTHING_PX or bend <= 0:
            inverse, fresh = np.eye(3) / max(1.0, np.abs(gradient).sum()), True
            continue
        if fresh:
            inverse = np.eye(3) * bend / (y @ y)
        left = np.eye(3) - np.outer(s, y) / bend
        inverse, fresh = left @ inverse @ left.T + np.outer(s, s) / bend, False
    return w


@njit(cache=True, nogil=True)
def _cost(flow: FLOATS, moments: FLOATS, focal: float, w: FLOATS, shortest: bool) -> tuple[float, FLOATS]:
    if shortest:
        value, gradient = shortness(flow, focal, w / PER_RADIAN)
    else:
        value, gradient, _ = arc(flow, moments, focal, w / PER_RADIAN)
    return value, gradient / PER_RADIAN
