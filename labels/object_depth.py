"""Depth of moving things from their own focus of expansion, scaled where they touch the road (LABELS 8.4). An option:

labels leave moving things out, for the scale of a thing that moves by itself is unknown but for its foot.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labels.ground_contact import RoadPlane

LOWEST = 0.1
"""Share of a thing's pixels that are its foot."""


@dataclass(frozen=True)
class ObjectParameters:
    """When a thing's own motion can be told."""

    min_pixels: int = 200
    min_snr: float = 6.0  # median translational flow over its noise


def translational(
    flow: NDArray[np.float32], where: NDArray[np.bool_], R: NDArray[np.float64], focal: float,
    principal_point: tuple[float, float],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """Positions and translational flow (N, 2) of the pixels ``where``, pixels from the principal point."""
    rows, columns = np.nonzero(where)
    start = np.stack([columns - principal_point[0], rows - principal_point[1]], 1)
    ends = np.column_stack([start + flow[rows, columns], np.full(len(rows), focal)]) @ R.T
    return start, focal * ends[:, :2] / ends[:, 2:] - start


def own_heading(
    flow: NDArray[np.float32], where: NDArray[np.bool_], R: NDArray[np.float64], focal: float,
    principal_point: tuple[float, float], least: int = 20,
) -> NDArray[np.float64] | None:  # fmt: skip
    """Unit translation (3,) of the camera relative to a region, whose flow it explains; None for too few pixels.

    Least squares of ``t x tau = 0``, linear in the translation; the sign that most pixels have.
    """
    start, t = translational(flow, where, R, focal, principal_point)
    sound = np.isfinite(t).all(axis=1)
    start, t = start[sound], t[sound]
    if len(t) < least:
        return None
    M = np.column_stack([-focal * t[:, 1], focal * t[:, 0], start[:, 0] * t[:, 1] - start[:, 1] * t[:, 0]])
    heading = np.linalg.eigh(M.T @ M)[1][:, 0]
    tau = start * heading[2] - focal * heading[:2]
    ahead = np.count_nonzero((t * tau).sum(axis=1) >= 0)
    return heading if 2 * ahead >= len(t) else -heading


def object_inverse_depth(
    flow: NDArray[np.float32], region: NDArray[np.bool_], R: NDArray[np.float64], focal: float,
    principal_point: tuple[float, float], noise: tuple[float, float], road: RoadPlane,
    parameters: ObjectParameters | None = None,
) -> NDArray[np.float32] | None:  # fmt: skip
    """Inverse depth (H, W) of one moving region, zero elsewhere, in the units of ``road``; None if it cannot be told.

    ``region`` (H, W) with ``flow`` (H, W, 2) px, ``noise`` its floor in px and relative part. The scale is that at
    which the lowest tenth of the pixels is as far as the road there.
    """
    parameters = parameters or ObjectParameters()
    heading = own_heading(flow, region, R, focal, principal_point, parameters.min_pixels)
    if heading is None:
        return None
    start, t = translational(flow, region, R, focal, principal_point)
    length = np.hypot(*flow[region].T)
    if np.median(np.hypot(*t.T) / np.hypot(noise[0], noise[1] * length)) < parameters.min_snr:
        return None
    tau = start * heading[2] - focal * heading[:2]
    rho = np.maximum((t * tau).sum(axis=1), 0) / ((tau**2).sum(axis=1) + 1e-6)
    rows, columns = np.nonzero(region)
    foot = rows >= np.quantile(rows, 1 - LOWEST)
    own, there = float(np.median(rho[foot])), float(np.median(road.at(columns[foot], rows[foot])))
    if own <= 0 or there <= 0:
        return None
    result = np.zeros(region.shape, np.float32)
    result[region] = rho * (there / own)
    return result
