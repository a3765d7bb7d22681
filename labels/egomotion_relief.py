"""Whether a scene has any relief: a wall that fills the view shows depth nowhere but in its noise (LABELS 11.16)."""

import numpy as np
from numpy.typing import NDArray

from labels.flow_samples import Samples, derotated


def relief(samples: Samples, R: NDArray[np.float64], T: NDArray[np.float64]) -> float:
    """Median deviation of the samples' inverse depths from their median, in units of their own noise.

    2/3 for a wall across the view, whatever the motion: what normal noise alone gives. 1.4 and more on real streets.
    """
    t = derotated(samples, R)
    tau = np.stack([samples.x * T[2] - T[0], samples.y * T[2] - T[1]], 1)
    length = np.linalg.norm(tau, axis=1) + 1e-9
    inverse_depth, certainty = (t * tau).sum(axis=1) / length**2, length * samples.inverse_sigma
    order = np.argsort(inverse_depth)
    shares = np.cumsum(certainty[order])
    middle = inverse_depth[order[np.searchsorted(shares, shares[-1] / 2)]]
    return float(np.median(np.abs(inverse_depth - middle) * certainty))
