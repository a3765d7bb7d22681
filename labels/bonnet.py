"""The bonnet or dashboard: what is fixed to the car and reaches down to the lower border (LABELS section 12)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labels.fixed_evidence import Evidence


@dataclass(frozen=True)
class BonnetParameters:
    """How the upper edge of a bonnet is looked for; lengths in pixels at a working width of 640."""

    highest: float = 0.5  # share of the height above which no bonnet reaches
    edge_weight: float = 8.0  # of the edge, against the evidence of a pixel below it
    usual_constancy: float = 0.25  # that edges of a scene may have along a path
    edge_inside: float = 0.3  # evidence of a constant edge below
    votes: float = 0.3  # of a vote of flow for what is fixed; against it half as much again
    still: float = 0.15  # of grey levels that stay
    doubt: float = 0.035  # against every pixel
    steepest: int = 2  # rows by which the edge may rise or fall from a column to the next
    bend: float = 1.0  # cost of each of these rows
    min_constancy: float = 0.38  # median along the edge
    min_width: float = 0.8  # share of the columns that it must span without a gap
    contrast: float = 1.5  # grey levels per pixel of an edge that counts fully
    crossing_px: float = 3.0  # displacement of the scene across it, likewise


def bonnet(evidence: Evidence, min_constancy: float, parameters: BonnetParameters) -> NDArray[np.bool_]:
    """(H, W): all below the upper edge of a bonnet; nothing where there is none.

    The edge is the path from the left border to the right one along which edges stay most and below which most speaks
    for something fixed: dynamic programming over its row in each column, the last row but one standing for no bonnet.
    ``min_constancy`` is the least median constancy along the path.
    """
    height, width = evidence.constancy.shape
    seen = np.minimum(evidence.contrast / parameters.contrast, 1) * np.minimum(
        evidence.crossing / parameters.crossing_px, 1
    )
    edge = evidence.constancy * evidence.steepness * seen
    inside = (
        parameters.edge_inside * np.clip((evidence.constancy - 0.45) / 0.15, 0, 1) * seen
        + parameters.votes * (evidence.fixed - 1.5 * evidence.scene)
        + parameters.still * evidence.still
        - parameters.doubt
    ) * (640 / width)
    gain = np.zeros((height + 1, width), np.float32)
    gain[:height] = np.cumsum(inside[::-1], axis=0)[::-1]
    gain[:height] += parameters.edge_weight * (edge - parameters.usual_constancy)
    gain[: round(parameters.highest * height)] = -np.inf
    rows = best_path(gain, parameters.steepest, parameters.bend)
    # it may end before the sides of the frame, but not go on after a gap
    stretches = np.split(np.arange(width), np.flatnonzero(np.diff(rows < height)) + 1)
    columns = max(stretches, key=len)
    if rows[columns[0]] == height or len(columns) < parameters.min_width * width:
        return np.zeros((height, width), bool)
    if np.median(edge[rows[columns], columns]) < min_constancy:
        return np.zeros((height, width), bool)
    return np.arange(height)[:, None] >= rows


def best_path(gain: NDArray[np.float32], steepest: int, bend: float) -> NDArray[np.int64]:
    """The row in each column, (W,), that together gain most, ``gain`` (H, W).

    From a column to the next it changes by ``steepest`` at most, each row of it for ``bend``.
    """
    height, width = gain.shape
    steps = np.arange(-steepest, steepest + 1)
    reached = np.full(height + 2 * steepest, -np.inf, np.float32)
    reached[steepest : steepest + height] = gain[:, 0]
    came_by = np.zeros((width, height), np.int64)
    costs = (bend * np.abs(steps)).astype(np.float32)[:, None]
    for column in range(1, width):
        before = np.stack([reached[steepest + step : steepest + step + height] for step in steps]) - costs
        best = before.argmax(axis=0)
        came_by[column] = steps[best]
        reached[steepest : steepest + height] = before[best, np.arange(height)] + gain[:, column]
    rows = np.empty(width, np.int64)
    row = int(reached[steepest : steepest + height].argmax())
    for column in range(width - 1, -1, -1):
        rows[column] = row
        row += came_by[column, row]
    return rows
