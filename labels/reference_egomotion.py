"""The camera motion as the paper's line of work finds it, for comparison only (LABELS section 6).

A quasi-Newton method minimises ``labels.reference_objective`` over the rotation. As in later code of that line of work
the search starts three times: from the rotation that is given, from none, and from the one that leaves the least flow;
one alone may end in a local minimum, a heading tens of degrees off. Known weaknesses, measured on real drives: weights
that grow with the distance from the focus of expansion and with the flow, and mixed units.
"""

import numpy as np
from numpy.typing import NDArray

from labels.egomotion_refinement import rotation_matrix
from labels.flow_samples import Samples
from labels.reference_descent import descended
from labels.reference_objective import Field, objective

FLOATS = NDArray[np.float64]
NOTHING_PX = 1e-7
"""What is no descent any more."""
ROUNDS, SMALL = 4, 1e-6
"""How often the flow is turned anew at most, and the rotation in radians that needs no other round."""


def reference_motion(samples: Samples, focal: float, start: FLOATS) -> tuple[FLOATS, FLOATS]:
    """R (3, 3) and the unit T (3,) of the least F found from ``start``, a rotation vector in radians, or elsewhere."""
    still = Field.of(samples, focal)
    starts = [np.zeros(3), _minimised(still, shortest=True), np.asarray(start, np.float64)]
    ends = [found(samples, focal, rotation_matrix(each)) for each in starts[: 2 + bool(starts[2].any())]]
    _, R, T = min(ends, key=lambda end: end[0])
    return R, T


def found(samples: Samples, focal: float, R: FLOATS) -> tuple[float, FLOATS, FLOATS]:
    """F in pixels, R (3, 3) and the unit T (3,) where the search from a rotation ``R`` ends."""
    for _ in range(ROUNDS):
        rest = _minimised(Field.of(samples, focal, R))
        R = rotation_matrix(rest) @ R
        if np.abs(rest).max() < SMALL:
            break
    cost, _, T = objective(Field.of(samples, focal, R), np.zeros(3))
    return cost, R, T


def _minimised(field: Field, shortest: bool = False) -> FLOATS:
    """The rest of the rotation, a vector (3,)."""
    return descended(field.places, field.moments, field.focal, shortest, NOTHING_PX)
