"""Shifts of rows that no motion of the camera explains: a rolling shutter on a mount that vibrates (LABELS 11.13)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.flow_samples import Samples, epipolar_directions

BANDS = 8
FEWEST_SAMPLES = 20
"""A band with fewer tells nothing."""
ANNEALING = (64.0, 16.0, 4.0, 1.0)
"""Of the scale of the weights: what is shifted must not pass for wrong."""
EXPLAINED = 0.4
"""Share of the cost that the shifts must take away."""
PRIOR = 1.0
"""Weight of no shift, in samples: a row through the focus of expansion does not show a shift along itself."""


def row_shifts(
    samples: Samples, translational: NDArray[np.float64], T: NDArray[np.float64], robust_scale: float
) -> NDArray[np.float64]:
    """By how much each of eight bands of rows, from the top, is displaced against the motion: (8, 2), normalised.

    ``translational`` (N, 2) is the flow of the samples, derotated, ``T`` the unit heading.
    Robust least squares over the distances of the samples from their epipolar lines; a shift along the lines is none
    that could be told from depth. Zero where a band has too few samples, and everywhere where shifts are not what is
    wrong: flow that errs here and there, or what moves, leaves as much with them.
    """
    tau = epipolar_directions(samples, T)
    h = tau / (np.linalg.norm(tau, axis=1, keepdims=True) + 1e-18)
    ahead = (h * translational).sum(axis=1) > 0
    n, inverse_sigma = np.stack([-h[:, 1], h[:, 0]], 1)[ahead], samples.inverse_sigma[ahead]
    off, y = (n * translational[ahead]).sum(axis=1), samples.y[ahead]
    if not len(y):
        return np.zeros((BANDS, 2))
    band = np.minimum((BANDS * (y - y.min()) / max(float(np.ptp(y)), 1e-9)).astype(np.int64), BANDS - 1)
    shifts: NDArray[np.float64] = np.zeros((BANDS, 2))
    costs = [_cost(off * inverse_sigma, robust_scale)]
    for factor in ANNEALING:
        shifts = _reweighted(n, off, band, inverse_sigma, shifts, factor * robust_scale**2)
    shifts[np.bincount(band, minlength=BANDS) < FEWEST_SAMPLES] = 0.0
    costs.append(_cost((off - (n * shifts[band]).sum(axis=1)) * inverse_sigma, robust_scale))
    return shifts if costs[1] <= (1 - EXPLAINED) * costs[0] else np.zeros((BANDS, 2))


def _cost(left: NDArray[np.float64], robust_scale: float) -> float:
    return float(np.mean(left * left / (left * left + robust_scale**2)))


@njit(cache=True, nogil=True, error_model="numpy")
def _reweighted(
    n: NDArray[np.float64], off: NDArray[np.float64], band: NDArray[np.int64], inverse_sigma: NDArray[np.float64],
    shifts: NDArray[np.float64], scale2: float,
) -> NDArray[np.float64]:  # fmt: skip
    """The shift of each band (BANDS, 2) that explains the distances ``off`` along the normals ``n`` best.

    Samples weigh what the ``shifts`` before leave them, by Geman and McClure.
    """
    xx, xy, yy = np.full(BANDS, PRIOR), np.zeros(BANDS), np.full(BANDS, PRIOR)
    right, down = np.zeros(BANDS), np.zeros(BANDS)
    for k in range(len(off)):
        b, nx, ny = band[k], n[k, 0], n[k, 1]
        left = (off[k] - (nx * shifts[b, 0] + ny * shifts[b, 1])) * inverse_sigma[k]
        share = scale2 / (left * left + scale2)
        wx, wy = share * share * nx, share * share * ny
        xx[b], xy[b], yy[b] = xx[b] + wx * nx, xy[b] + wx * ny, yy[b] + wy * ny
        right[b], down[b] = right[b] + wx * off[k], down[b] + wy * off[k]
    determinant = xx * yy - xy * xy
    result = np.empty((BANDS, 2))
    result[:, 0], result[:, 1] = (yy * right - xy * down) / determinant, (xx * down - xy * right) / determinant
    return result
