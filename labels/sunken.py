"""The ground in a frame's inverse depth: its slope, what would lie under it, and whether it was told wrongly.

Nothing lies under the ground, and what stands there is nearer than the ground at its row (LABELS 17.5, 19). Asphalt
that a coder copied from the frame before comes out as the farthest thing, and a network must not learn that.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.ground_slope import lower_edge


@dataclass(frozen=True)
class SunkenParameters:
    """Where the ground is looked for, and what lies under it."""

    rows: float = 0.06  # of the height: the ground is asked from so far below the horizon
    least: int = 200  # so many measured pixels, of every fourth row and column, must tell of the ground
    measured: float = 0.5  # share of the ground's inverse depth below which a measured pixel would lie under it,
    sigma: float = 2.0  # by so many standard deviations
    guessed: float = 0.9  # the same share for a pixel that was not measured
    deviation: float = 0.3  # of inverse depth on the ground, relative
    max_upside_down: float = 0.3  # share of what is above the horizon that may be nearer than the ground below


def ground_slope(
    rho: NDArray[np.float32], measured: NDArray[np.bool_], horizon: float, parameters: SunkenParameters
) -> float | None:
    """Growth of the ground's inverse depth with each pixel row; None where too little tells of it.

    ``rho`` (H, W) is inverse depth, known where ``measured`` (H, W), ``horizon`` the row of the focus of expansion.
    """
    slopes = _slopes(rho, measured, horizon, parameters.rows * len(rho))
    return lower_edge(slopes, np.ones(len(slopes))) if len(slopes) >= parameters.least else None


@njit(cache=True, nogil=True, error_model="numpy")
def _slopes(rho: NDArray[np.float32], measured: NDArray[np.bool_], horizon: float, least: float) -> NDArray[np.float64]:
    """Inverse depth over rows below the horizon, if at ``least`` so many, of every fourth measured row and column."""
    height, width = rho.shape
    result, count = np.empty(((height + 3) // 4) * ((width + 3) // 4)), 0
    for y in range(0, height, 4):
        below = y - horizon
        for x in range(0, width if below > least else 0, 4):
            if measured[y, x] and rho[y, x] > 0:
                result[count] = rho[y, x] / below
                count += 1
    return result[:count]


def lift(
    rho: NDArray[np.float32], deviation: NDArray[np.float32], measured: NDArray[np.bool_], guessed: NDArray[np.bool_],
    slope: float, horizon: float, parameters: SunkenParameters,
) -> NDArray[np.bool_]:  # fmt: skip
    """Put on the ground, in place, what of ``measured`` and ``guessed`` (H, W) lies under it; returns where that was.

    A pixel that was measured must lie deep and clearly below.
    """
    shares = parameters.sigma, parameters.measured, parameters.guessed, parameters.deviation
    return _lift(rho, deviation, measured, guessed, *(np.float32(each) for each in (slope, horizon, *shares)))


@njit(cache=True, nogil=True, error_model="numpy")
def _lift(
    rho: NDArray[np.float32], deviation: NDArray[np.float32], measured: NDArray[np.bool_], guessed: NDArray[np.bool_],
    slope: np.float32, horizon: np.float32, sigma: np.float32, share: np.float32, share_guessed: np.float32,
    spread: np.float32,
) -> NDArray[np.bool_]:  # fmt: skip
    result = np.empty(rho.shape, np.bool_)
    for y in range(rho.shape[0]):
        ground = slope * max(np.float32(y) - horizon, np.float32(0))
        deep, before, doubt = share * ground, share_guessed * ground, spread * ground
        for x in range(rho.shape[1]):
            near, known = rho[y, x], deviation[y, x]
            clear = ground - near > sigma * min(known, ground)
            sunken = (measured[y, x] & (near < deep) & clear) | (guessed[y, x] & (near < before))
            rho[y, x], deviation[y, x] = ground if sunken else near, doubt if sunken else known
            result[y, x] = sunken
    return result


def upside_down(
    rho: NDArray[np.float32], ranked: NDArray[np.bool_], horizon: float, parameters: SunkenParameters | None = None
) -> float:
    """Share of the ``ranked`` (H, W) pixels above the horizon that would be nearer than the ground at the lower border.

    What stands there has its foot on the ground in sight, mostly. More than a third are nearer only where the ground
    was told wrongly: by asphalt that a coder copied from frame to frame. 0 where too little is known.
    """
    parameters = parameters or SunkenParameters()
    height, width = rho.shape
    end = int(np.clip(horizon, 0, height))
    before = np.s_[int(0.7 * height) : int(0.95 * height), width // 4 : 3 * width // 4]
    rows = np.arange(height, dtype=np.float32)[:, None] - np.float32(horizon)
    ahead = ranked[before] & (rows[before[0]] > parameters.rows * height)
    ground = (rho[before] / np.maximum(rows[before[0]], 1))[ahead]
    above = rho[:end][ranked[:end]]
    if min(ground.size, above.size) < 0.005 * ranked.size:
        return 0.0
    return float(np.mean(above > np.median(ground) * (height - horizon)))
