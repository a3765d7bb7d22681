"""What moves by itself: matches that agree among each other but lie off the epipolar lines of the camera's motion."""

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels import edge_filter, interpolation
from labels.interpolation import AffineParameters
from labels.seeds import GREY, Pair, Seeds, agreeing

CLIP_PX = 6.0
"""Distances from the line beyond this count as this: one stray match does not make its neighbours move."""
AGREED = 0.7
"""Share of the distances from the line that must be left when those to both sides cancel."""


@dataclass(frozen=True)
class MoverParameters:
    """What counts as moving."""

    off_line_px: float = 0.8
    """Matches whose neighbourhood lies farther off its lines than this, all to one side, move."""
    least_share: float = 0.005
    """Share of the matches that must move for moving things to be drawn."""
    affine: AffineParameters = field(default_factory=AffineParameters)


def moving(seeds: Seeds, parallaxes: NDArray[np.float64], parameters: MoverParameters) -> NDArray[np.bool_]:
    """Matches that lie off their epipolar line as their neighbours do, (rows, columns)."""
    off = np.clip(parallaxes[..., 2], -CLIP_PX, CLIP_PX)
    sums = np.stack([np.ones_like(off), off, np.abs(off)], -1) * seeds.weights[..., None].astype(np.float64)
    edge_filter.accumulate(sums, seeds.along)
    mean = sums[..., 1] / (sums[..., 0] + 1e-100)
    agreed = np.abs(sums[..., 1]) > AGREED * sums[..., 2]
    own = off * np.sign(mean) > 0.5 * parameters.off_line_px
    return (seeds.weights > 0) & (np.abs(mean) > parameters.off_line_px) & agreed & own


def draw(
    pair: Pair, seeds: Seeds, parallaxes: NDArray[np.float64], robust: NDArray[np.float32],
    flow: NDArray[np.float32], likeness: NDArray[np.float32], parameters: MoverParameters,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:  # fmt: skip
    """Write affine fits into ``flow`` (H, W, 2) where things move; returns these pixels and the seeds they stand on.

    ``parallaxes`` (rows, columns, 3) and ``robust`` weights (rows, columns) are those of the still scene.
    """
    weights = np.where(moving(seeds, parallaxes, parameters), seeds.weights, np.float32(0))
    if np.count_nonzero(weights) < parameters.least_share * np.count_nonzero(seeds.weights):
        return np.zeros(flow.shape[:2], np.bool_), np.zeros(weights.shape, np.bool_)
    models, own_robust = interpolation.fit_affine(seeds.displacements, weights, seeds.along, parameters.affine)
    shares = np.stack([robust, own_robust], -1).astype(np.float64)
    edge_filter.accumulate(shares, seeds.along)
    share = (shares[..., 1] / (shares.sum(-1) + 1e-100)).astype(np.float32)
    pixels = _vote(share, pair.guide, *seeds.place, likeness)
    interpolation.interpolate(models, pair.guide, seeds.grid, likeness, flow, pixels)
    return pixels, agreeing(own_robust, weights)


@njit(cache=True, nogil=True, error_model="numpy")
def _vote(
    share: NDArray[np.float32], guide: GREY, step: int, x0: int, y0: int, likeness: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Pixels where the four seeds around, weighted by nearness and likeness of grey level, share more than half."""
    height, width = guide.shape
    rows, columns = share.shape
    result = np.zeros((height, width), np.bool_)
    for y in range(height):
        j = (y - y0 + step) // step - 1
        top, bottom = min(max(j, 0), rows - 1), min(max(j + 1, 0), rows - 1)
        down = (y - y0 - j * step) / step
        for i in range(-((x0 + step - 1) // step), (width - 1 - x0) // step + 1):
            left, right = min(max(i, 0), columns - 1), min(max(i + 1, 0), columns - 1)
            s00, s01, s10, s11 = share[top, left], share[top, right], share[bottom, left], share[bottom, right]
            if max(s00, s01, s10, s11) < 0.5:
                continue
            g00, g01 = (
                np.int64(guide[y0 + top * step, x0 + left * step]),
                np.int64(guide[y0 + top * step, x0 + right * step]),
            )
            g10, g11 = (
                np.int64(guide[y0 + bottom * step, x0 + left * step]),
                np.int64(guide[y0 + bottom * step, x0 + right * step]),
            )
            for x in range(max(x0 + i * step, 0), min(x0 + (i + 1) * step, width)):
                grey = np.int64(guide[y, x])
                across = (x - x0 - i * step) / step
                w00 = ((1 - across) * (1 - down) + 0.02) * likeness[abs(grey - g00)]
                w01 = (across * (1 - down) + 0.02) * likeness[abs(grey - g01)]
                w10 = ((1 - across) * down + 0.02) * likeness[abs(grey - g10)]
                w11 = (across * down + 0.02) * likeness[abs(grey - g11)]
                votes = w00 * s00 + w01 * s01 + w10 * s10 + w11 * s11
                result[y, x] = votes > 0.5 * (w00 + w01 + w10 + w11)
    return result
