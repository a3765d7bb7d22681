"""Whether a scene has any relief: a wall that fills the view shows depth nowhere but in its noise (LABELS 11.16)."""

import numpy as np
from numpy.typing import NDArray

from labels.flow_samples import Samples, epipolar_directions


def relief(samples: Samples, translational: NDArray[np.float64], T: NDArray[np.float64]) -> float:
    """Median deviation of the samples' inverse depths from their median, in units of their own noise.

    ``translational`` (N, 2) is their derotated flow, ``T`` the unit heading.
    2/3 for a wall across the view, whatever the motion: what normal noise alone gives. 1.4 and more on real streets.
    """
    tau = epipolar_directions(samples, T)
    length = np.linalg.norm(tau, axis=1) + 1e-9
    inverse_depth, certainty = (translational * tau).sum(axis=1) / length**2, length * samples.inverse_sigma
    order = np.argsort(inverse_depth)
    shares = np.cumsum(certainty[order])
    middle = inverse_depth[order[np.searchsorted(shares, shares[-1] / 2)]]
    return float(np.median(np.abs(inverse_depth - middle) * certainty))
