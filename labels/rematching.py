"""A second search for seeds without a match: along their epipolar lines, over all depths (LABELS section 4.8).

Coarse-to-fine search loses what is thin and moves far: a pole is gone at the coarse levels. Once the camera's motion
is known, all places where a still point can be lie on one short line, and each of them is tried at full resolution.
Near equals are decided for the place that the surface around the seed predicts, which tells repeated texture apart. A
match counts only if the same search leads back from it.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.census import MARGIN
from labels.epipolar import Epipolar, on_plane, parallax_at, point_at
from labels.matching import Grid, cost_at


@dataclass(frozen=True)
class RematchingParameters:
    """Costs are differing bits of 558, as in ``labels.matching``."""

    prior_bits_per_px: float = 1.0
    """What distance from the predicted place costs,"""
    prior_bits: float = 40.0
    """at most."""
    max_cost: int = 140
    """Matches that differ more are none."""
    mover_margin: int = 20
    """How much more a place on the line may cost than the match off the line of a seed that seems to move."""
    agreement_px: int = 3
    """Distance within which the search back must end at the seed."""
    border_px: int = 5
    texture_grey: int = 6
    """Range of grey levels around a seed below which there is nothing to match."""
    longest: float = 0.6
    """At most so many places are tried on a line, as a share of the width."""


def limits(parallaxes: NDArray[np.float64], good: NDArray[np.bool_], margin: float = 0.3) -> tuple[float, float]:
    """Least and greatest parallax that a still point may have: the range of the good matches, widened by ``margin``."""
    some = np.flatnonzero(good)[::3]  # a third of them tells
    if not len(some):
        return 0.0, 0.0
    k, gain = parallaxes[..., 0].take(some), parallaxes[..., 1].take(some)
    low, high = np.quantile(k[gain >= 0.3 * np.median(gain)], [0.005, 0.995])
    return float(low - margin * (high - low)), float(high + margin * (high - low))


def rematch(
    census1: NDArray[np.uint64],
    census2: NDArray[np.uint64],
    guide: NDArray[np.uint8],
    matches: NDArray[np.int32],
    most: NDArray[np.int32],
    predicted: NDArray[np.float32],
    grid: Grid,
    line: Epipolar,
    line_back: Epipolar,
    range_: tuple[float, float],
    range_back: tuple[float, float],
    parameters: RematchingParameters,
) -> NDArray[np.bool_]:
    """Search again for the seeds whose cost may be ``most``, (rows, columns), or less; -1 leaves a seed as it is.

    Those found are written into ``matches`` and returned, (rows, columns) bool.
    ``census1``, ``census2``: descriptors at full resolution; ``guide``: (H, W) uint8 frame 1; ``predicted``:
    displacements (rows, columns, 2) px; ``line``, ``line_back``: geometry from frame 1 to 2 and back; ``range_``,
    ``range_back``: their least and greatest parallax.
    """
    return _rematch(
        census1, census2, guide, matches, most, predicted, *grid.place, line, line_back, *range_,
        *range_back, parameters.prior_bits_per_px, parameters.prior_bits, parameters.agreement_px,
        parameters.border_px, parameters.texture_grey, int(parameters.longest * guide.shape[1]),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def _rematch(
    census1: NDArray[np.uint64], census2: NDArray[np.uint64], guide: NDArray[np.uint8], matches: NDArray[np.int32],
    most: NDArray[np.int32], predicted: NDArray[np.float32], step: int, x0: int, y0: int, line: Epipolar,
    line_back: Epipolar, least: float, greatest: float, least_back: float, greatest_back: float, prior_slope: float,
    prior_most: float, agreement: int, border: int, texture: int, longest: int,
) -> NDArray[np.bool_]:  # fmt: skip
    rows, columns = most.shape
    height, width = guide.shape
    found = np.zeros((rows, columns), np.bool_)
    for j in range(rows):
        for i in range(columns):
            x, y = x0 + i * step, y0 + j * step
            if most[j, i] < 0 or min(x, y) < border or x >= width - border or y >= height - border:
                continue
            if _grey_range(guide, x, y) < texture:
                continue
            u, v = predicted[j, i, 0], predicted[j, i, 1]
            x2, y2, cost = _scan(
                census1, census2, line, x, y, least, greatest, x + u, y + v, prior_slope, prior_most, longest
            )
            if cost > most[j, i] or min(x2, y2) < border or x2 >= width - border or y2 >= height - border:
                continue
            back_x, back_y, _ = _scan(
                census2, census1, line_back, x2, y2, least_back, greatest_back, x2 - u, y2 - v, prior_slope, prior_most,
                longest,
            )  # fmt: skip
            if abs(back_x - x) + abs(back_y - y) <= agreement:
                found[j, i] = True
                matches[j, i, 0], matches[j, i, 1], matches[j, i, 2] = x2 - x, y2 - y, cost
    return found


@njit(inline="always")
def _grey_range(guide, x, y):  # type: ignore[no-untyped-def]
    """Range of grey levels over 9x9 pixels around one that lies 5 px or more from the border."""
    low, high = np.int64(255), np.int64(0)
    for dy in range(-4, 5, 2):
        for dx in range(-4, 5, 2):
            grey = np.int64(guide[y + dy, x + dx])
            low, high = min(low, grey), max(high, grey)
    return high - low


@njit(nogil=True, error_model="numpy")
def _scan(census1, census2, line, x, y, least, greatest, guess_x, guess_y, slope, most, longest):  # type: ignore[no-untyped-def]
    """(x2, y2, cost) of the place on the line of (x, y) with the least cost and distance from the guess."""
    height, width = census2.shape[0] - 2 * MARGIN, census2.shape[1] - 2 * MARGIN
    plane = on_plane(line, float(x), float(y))
    x_from, y_from = point_at(line, plane, least)
    x_to, y_to = point_at(line, plane, greatest)
    count = min(int(np.sqrt((x_to - x_from) ** 2 + (y_to - y_from) ** 2)) + 1, longest)
    step_x, step_y = (x_to - x_from) / count, (y_to - y_from) / count
    best, best_x, best_y, best_cost = 1e9, -1, -1, 1 << 20
    for number in range(count + 1):
        px, py = x_from + number * step_x + 0.5, y_from + number * step_y + 0.5
        if px < 0 or py < 0 or px >= width or py >= height:
            continue
        qx, qy = int(px), int(py)
        cost = cost_at(census1, y, x, census2, qy, qx)
        total = cost + min(most, slope * np.sqrt((qx - guess_x) ** 2 + (qy - guess_y) ** 2))
        if total < best:
            best, best_x, best_y, best_cost = total, qx, qy, cost
    return best_x, best_y, best_cost


@njit(cache=True, nogil=True, error_model="numpy")
def parallaxes_back(
    displacements: NDArray[np.float32], step: int, x0: int, y0: int, line_back: Epipolar
) -> NDArray[np.float64]:
    """``epipolar.parallaxes`` of the same matches seen from frame 2, (rows, columns, 3)."""
    rows, columns = displacements.shape[:2]
    result = np.empty((rows, columns, 3))
    for j in range(rows):
        for i in range(columns):
            x, y = float(x0 + i * step), float(y0 + j * step)
            plane = on_plane(line_back, x + displacements[j, i, 0], y + displacements[j, i, 1])
            result[j, i, 0], result[j, i, 1], result[j, i, 2] = parallax_at(line_back, plane, x, y)
    return result
