"""Coarse-to-fine PatchMatch with dense descriptors (LABELS section 4.2; Hu, Song, Li 2016, "CPM").

The same grid of seeds is matched on every level of a pyramid, so that on coarse levels many seeds share a pixel and
serve as further random starts. Scans over the grid spread good displacements to neighbouring seeds, random trials
around the best one find new ones; what a level found, doubled, starts the next finer one. Everything is seeded.
"""

from dataclasses import dataclass

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic
from numpy.typing import NDArray

from labels.descriptors import BYTES
from labels.matching import Grid, clamp, next_state, offset, scatter, spread


@dataclass(frozen=True)
class PatchParameters:
    """Effort of the search; lengths in pixels of the image at hand."""

    step: int = 3
    """Distance of the seeds."""
    passes: int = 8
    """Scans of a level at most."""
    least_change: float = 0.05
    """A level is done when a scan changes a smaller share of the seeds."""
    least_drop: float = 0.01
    """A level is done when that share falls by less than this from one scan to the next."""
    range: float = 0.3
    """Largest displacement the coarsest level is started with, as a share of the image's longer side."""


def match(
    descriptors1: list[NDArray[np.uint8]], descriptors2: list[NDArray[np.uint8]], parameters: PatchParameters
) -> tuple[Grid, NDArray[np.int32]]:
    """Match a grid of seeds of image 1 in image 2.

    ``descriptors1``, ``descriptors2``: what ``labels.descriptors`` makes of the pyramid levels, finest first. Returns
    the grid and the matches, (rows, columns, 3) int32: displacement to the right, downwards, px, and the sum of
    absolute differences of the descriptors.
    """
    height, width = descriptors1[0].shape[:2]
    grid = Grid.over(height, width, parameters.step)
    coarsest = len(descriptors1) - 1
    range_px = parameters.range * max(height, width)
    # farther out than half the image a start finds only its border
    radius = max(1, min(round(range_px * 0.5**coarsest), max(descriptors1[coarsest].shape[:2]) // 2))
    matches = np.zeros((grid.rows, grid.columns, 3), np.int32)
    radii = np.full((grid.rows, grid.columns), radius, np.int32)
    scatter(matches, radius)
    stop = (parameters.passes, parameters.least_change, parameters.least_drop)
    for level in range(coarsest, -1, -1):
        if level < coarsest:
            radii = spread(matches, max(1, min(32, round(range_px * 0.5 ** (level + 1)))))
            matches *= 2
        _search(descriptors1[level], descriptors2[level], *grid.place, level, matches, radii, *stop)
    return grid, matches


@intrinsic
def _difference(typingctx, first, i, second, j):  # type: ignore[no-untyped-def]
    """Sum of absolute differences of the i-th and the j-th descriptor of two flat uint8 arrays, in vector registers."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        byte, number = ir.IntType(8), ir.IntType(32)
        bytes_, numbers = ir.VectorType(byte, BYTES), ir.VectorType(number, BYTES)
        loaded = []
        for kind, array, index in zip(signature.args[::2], arguments[::2], arguments[1::2]):
            data = context.make_array(kind)(context, builder, array).data
            place = builder.gep(data, [builder.mul(index, ir.Constant(ir.IntType(64), BYTES))])
            vector = builder.load(builder.bitcast(place, bytes_.as_pointer()))
            vector.align = 1
            loaded.append(builder.zext(vector, numbers))
        gap = builder.sub(*loaded)
        zero = ir.Constant(numbers, None)
        length = builder.select(builder.icmp_signed("<", gap, zero), builder.sub(zero, gap), gap)
        kind = ir.FunctionType(number, [numbers])
        total = get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.add.v{BYTES}i32")
        return builder.sext(builder.call(total, [length]), ir.IntType(64))

    array = types.Array(types.uint8, 1, "C")
    return types.int64(array, types.int64, array, types.int64), generate


@njit(cache=True, nogil=True)
def _search(
    descriptors1: NDArray[np.uint8],
    descriptors2: NDArray[np.uint8],
    step: int,
    x0: int,
    y0: int,
    level: int,
    matches: NDArray[np.int32],
    radii: NDArray[np.int32],
    passes: int,
    least_change: float,
    least_drop: float,
) -> None:
    """Improve ``matches`` in place by propagation and random search, scanning forth and back until little changes."""
    rows, columns = matches.shape[:2]
    bottom, right = descriptors1.shape[0] - 1, descriptors1.shape[1] - 1
    width = descriptors2.shape[1]
    flat1, flat2 = descriptors1.reshape(-1), descriptors2.reshape(-1)
    state = np.uint64(88172645463325252 + level + 1)
    before = 1.0
    for number in range(passes):
        forth = number % 2 == 0
        back = -1 if forth else 1  # where the seeds visited before lie
        changed = 0
        for jj in range(rows):
            j = jj if forth else rows - 1 - jj
            y = min((y0 + j * step) >> level, bottom)
            for ii in range(columns):
                i = ii if forth else columns - 1 - ii
                x = min((x0 + i * step) >> level, right)
                own = y * width + x
                u, v = np.int64(matches[j, i, 0]), np.int64(matches[j, i, 1])
                old_u, old_v = u, v
                if number == 0:
                    best = _difference(flat1, own, flat2, clamp(y + v, bottom) * width + clamp(x + u, right))
                else:
                    best = np.int64(matches[j, i, 2])
                for neighbour in range(4):
                    ni = i + (back if neighbour < 2 else 0 if neighbour == 2 else -back)
                    nj = j + (0 if neighbour == 0 else back)
                    if ni < 0 or ni >= columns or nj < 0 or nj >= rows:
                        continue
                    tu, tv = np.int64(matches[nj, ni, 0]), np.int64(matches[nj, ni, 1])
                    if tu == u and tv == v:
                        continue
                    cost = _difference(flat1, own, flat2, clamp(y + tv, bottom) * width + clamp(x + tu, right))
                    if cost < best:
                        best, u, v = cost, tu, tv
                radius = np.int64(radii[j, i])
                while radius >= 1:
                    state = next_state(state)
                    tu, tv = u + offset(state, radius), v + offset(state >> np.uint64(32), radius)
                    radius >>= 1
                    cost = _difference(flat1, own, flat2, clamp(y + tv, bottom) * width + clamp(x + tu, right))
                    if cost < best:
                        best, u, v = cost, tu, tv
                changed += u != old_u or v != old_v
                matches[j, i, 0], matches[j, i, 1], matches[j, i, 2] = u, v, best
        share = changed / (rows * columns)
        if share < least_change or (number > 0 and before - share < least_drop):
            break
        before = share
