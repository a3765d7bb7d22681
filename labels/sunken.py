"""The ground in a frame's inverse depth: its slope, what would lie under it, and whether it was told wrongly.

Nothing lies under the ground, and what stands there is nearer than the ground at its row (LABELS 17.5, 19). Asphalt
that a coder copied from the frame before comes out as the farthest thing, and a network must not learn that.
"""

from dataclasses import dataclass

import numpy as np
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
    rows, columns = np.nonzero(measured[::4, ::4])
    depth, found = 4 * rows - horizon, rho[4 * rows, 4 * columns]
    asked = (depth > parameters.rows * len(rho)) & (found > 0)
    if np.count_nonzero(asked) < parameters.least:
        return None
    return lower_edge(found[asked] / depth[asked], np.ones(np.count_nonzero(asked)))


def lift(
    rho: NDArray[np.float32], deviation: NDArray[np.float32], measured: NDArray[np.bool_], guessed: NDArray[np.bool_],
    slope: float, horizon: float, parameters: SunkenParameters,
) -> NDArray[np.bool_]:  # fmt: skip
    """Put on the ground, in place, what of ``measured`` and ``guessed`` (H, W) lies under it; returns where that was.

    A pixel that was measured must lie deep and clearly below.
    """
    ground = np.float32(slope) * np.maximum(np.arange(len(rho), dtype=np.float32) - np.float32(horizon), 0)[:, None]
    clear = ground - rho > parameters.sigma * np.minimum(deviation, ground)
    sunken = measured & (rho < parameters.measured * ground) & clear
    sunken |= guessed & (rho < parameters.guessed * ground)
    np.copyto(rho, ground, where=sunken)
    np.copyto(deviation, np.float32(parameters.deviation) * ground, where=sunken)
    return sunken


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
