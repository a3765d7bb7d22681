"""Coarse-to-fine PatchMatch over a grid of seeds with census descriptors (LABELS sections 4.2, 4.8; Hu et al., CPM).

A match is an integer displacement of a seed; its cost is the number of differing descriptor bits summed over 3x3
pixels, two pixels apart. Scans over the grid spread good matches to neighbouring seeds, random trials around the best
one find new ones; the result of a pyramid level, doubled, starts the next finer one. Everything is seeded: the same
bytes give the same matches.
"""

from dataclasses import dataclass

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import njit, types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic
from numpy.typing import NDArray

from labels.census import MARGIN

SPACING = 2
"""Pixels between the 3x3 descriptors of a match; at most ``census.MARGIN``."""


@dataclass(frozen=True)
class Grid:
    """Seeds at ``(x0 + i step, y0 + j step)``, i < columns, j < rows, in pixels of a pyramid level."""

    step: int
    columns: int
    rows: int
    x0: int
    y0: int

    @property
    def place(self) -> tuple[int, int, int]:
        """Step and origin, as the kernels take them."""
        return self.step, self.x0, self.y0

    def turned(self) -> "Grid":
        """The grid with rows and columns exchanged."""
        return Grid(self.step, self.rows, self.columns, self.y0, self.x0)

    @classmethod
    def over(cls, height: int, width: int, step: int) -> "Grid":
        """A grid centred in a (height, width) image."""
        columns, rows = max(width // step, 1), max(height // step, 1)
        return cls(step, columns, rows, (width - 1 - (columns - 1) * step) // 2, (height - 1 - (rows - 1) * step) // 2)


@dataclass(frozen=True)
class MatchingParameters:
    """Effort of the search. Lengths in pixels of the image at hand."""

    step: int = 4
    """Distance of the seeds at full resolution."""
    coarse_step: int = 3
    """Least distance of the seeds at coarser levels, in pixels of the level."""
    passes: int = 4
    """Scans of the grid at all levels but the finest."""
    last_passes: int = 2
    """Scans at the finest level searched."""
    finest: int = 0
    """The finest pyramid level searched: 0 is full resolution."""
    range: float = 0.3
    """Largest displacement the coarsest level is started with, as a share of the longer side of the image."""


def levels(height: int, width: int) -> int:
    """Pyramid levels such that the coarsest is 24 pixels high or more."""
    return max(1, int(np.floor(np.log2(min(height, width) / 24))) + 1)


def match(
    census1: list[NDArray[np.uint64]], census2: list[NDArray[np.uint64]], parameters: MatchingParameters
) -> tuple[Grid, NDArray[np.int32]]:
    """Match a grid of seeds of image 1 in image 2.

    ``census1``, ``census2``: descriptors (``census.descriptors``) of the pyramid levels, finest first. Returns the grid
    in full-resolution pixels and the matches, (rows, columns, 3) int32: displacement to the right, downwards, cost in
    bits (0 to 558).
    """
    coarsest = len(census1) - 1
    range_px = parameters.range * max(census1[0].shape)
    # a start farther out than half the image finds only its border, and random trials do not come back from there
    half = max(census1[coarsest].shape) // 2 - MARGIN
    radius = max(1, min(round(range_px * 0.5**coarsest), half))
    grid, matches, radii = None, None, None
    for level in range(coarsest, parameters.finest - 1, -1):
        height, width = (side - 2 * MARGIN for side in census1[level].shape)
        step = max(parameters.step >> level, parameters.coarse_step)
        finer = Grid.over(height, width, step)
        shape = (finer.rows, finer.columns)
        if grid is None or matches is None or radii is None:
            matches, radii = np.zeros((*shape, 3), np.int32), np.full(shape, radius, np.int32)
            scatter(matches, radius)
        else:
            spreads = spread(matches, max(1, min(32, radius)))
            matches, radii = _descend(matches, spreads, *grid.place, *finer.place, *shape)
        grid = finer
        passes = parameters.last_passes if level == parameters.finest else parameters.passes
        _search(census1[level], census2[level], *grid.place, matches, radii, passes, level + 1)
        radius = round(range_px * 0.5 ** (level - 1)) if level else radius
    assert grid is not None and matches is not None
    return grid, matches


_WORDS = 8
"""Descriptors of a row that are compared at once: all but the first, third and fifth count for nothing."""


COUNTS_VECTORS = bool(get_host_cpu_features().get("avx512vpopcntdq"))
"""Whether this processor counts the bits of vectors, which makes a comparison a fifth quicker; else it is slower."""


@intrinsic
def _count_bits(typingctx, word):  # type: ignore[no-untyped-def]
    """Number of set bits of a uint64: one instruction."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


@intrinsic
def _differing(typingctx, census1, place1, stride1, census2, place2, stride2):  # type: ignore[no-untyped-def]
    """Differing bits of three rows of ``census1`` and ``census2`` from flat indices on, ``stride`` words apart."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        word, words = ir.IntType(64), ir.VectorType(ir.IntType(64), _WORDS)
        mask = ir.Constant(words, [-1 if lane in (0, SPACING, 2 * SPACING) else 0 for lane in range(_WORDS)])
        count = get_or_insert_function(builder.module, ir.FunctionType(words, [words]), f"llvm.ctpop.v{_WORDS}i64")
        sum_ = get_or_insert_function(
            builder.module, ir.FunctionType(word, [words]), f"llvm.vector.reduce.add.v{_WORDS}i64"
        )
        total = ir.Constant(words, [0] * _WORDS)
        for row in range(3):
            rows = []
            for first in (0, 3):
                data = context.make_array(signature.args[first])(context, builder, arguments[first]).data
                index = builder.add(arguments[first + 1], builder.mul(arguments[first + 2], ir.Constant(word, row)))
                pointer = builder.bitcast(builder.gep(data, [index]), words.as_pointer())
                rows.append(builder.load(pointer, align=8))
            differing = builder.and_(builder.xor(*rows), mask)
            total = builder.add(total, builder.call(count, [differing]))
        return builder.call(sum_, [total])

    return types.int64(census1, types.int64, types.int64, census2, types.int64, types.int64), generate


@njit(inline="always")
def clamp(value, upper):  # type: ignore[no-untyped-def]
    """The value, or the nearer of 0 and ``upper`` where it lies beyond."""
    return min(max(value, 0), upper)


@njit(inline="always")
def cost_at(census1, y1, x1, census2, y2, x2):  # type: ignore[no-untyped-def]
    """Differing bits of the nine descriptors around (y1, x1) and (y2, x2), coordinates of the images without margin."""
    if COUNTS_VECTORS:
        stride1, stride2 = census1.shape[1], census2.shape[1]
        # what counts for nothing may lie beyond the row, but never beyond the last one: the margin is wider
        place1 = (y1 + MARGIN - SPACING) * stride1 + x1 + MARGIN - SPACING
        place2 = (y2 + MARGIN - SPACING) * stride2 + x2 + MARGIN - SPACING
        rows1, rows2 = np.int64(SPACING * stride1), np.int64(SPACING * stride2)
        return _differing(census1, np.int64(place1), rows1, census2, np.int64(place2), rows2)
    total = 0
    for row in range(-SPACING, SPACING + 1, SPACING):
        for column in range(-SPACING, SPACING + 1, SPACING):
            own = census1[y1 + MARGIN + row, x1 + MARGIN + column]
            total += _count_bits(own ^ census2[y2 + MARGIN + row, x2 + MARGIN + column])
    return total


@njit(inline="always")
def next_state(state):  # type: ignore[no-untyped-def]
    """One step of xorshift64."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    return state


@njit(inline="always")
def offset(bits, radius):  # type: ignore[no-untyped-def]
    """Uniform integer of [-radius, radius] from 31 random bits, without division."""
    return np.int64((bits & np.uint64(0x7FFFFFFF)) * np.uint64(2 * radius + 1) >> np.uint64(31)) - radius


@njit(cache=True, nogil=True)
def scatter(matches: NDArray[np.int32], radius: int) -> None:
    """Random start: uniform displacements within ``radius``."""
    state = np.uint64(88172645463325252)
    for j in range(matches.shape[0]):
        for i in range(matches.shape[1]):
            state = next_state(state)
            matches[j, i, 0] = offset(state, radius)
            matches[j, i, 1] = offset(state >> np.uint64(32), radius)


@njit(cache=True, nogil=True)
def _search(
    census1: NDArray[np.uint64],
    census2: NDArray[np.uint64],
    step: int,
    x0: int,
    y0: int,
    matches: NDArray[np.int32],
    radii: NDArray[np.int32],
    passes: int,
    seed: int,
) -> None:
    """Improve ``matches`` in place by propagation and random search, scanning forth and back."""
    rows, columns = matches.shape[:2]
    bottom, right = census2.shape[0] - 2 * MARGIN - 1, census2.shape[1] - 2 * MARGIN - 1
    state = np.uint64(88172645463325252 + seed)
    for number in range(passes):
        forth = number % 2 == 0
        back = -1 if forth else 1  # where the seeds visited before lie
        for jj in range(rows):
            j = jj if forth else rows - 1 - jj
            y = y0 + j * step
            for ii in range(columns):
                i = ii if forth else columns - 1 - ii
                x = x0 + i * step
                u, v = np.int64(matches[j, i, 0]), np.int64(matches[j, i, 1])
                if number == 0:
                    best = cost_at(census1, y, x, census2, clamp(y + v, bottom), clamp(x + u, right))
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
                    cost = cost_at(census1, y, x, census2, clamp(y + tv, bottom), clamp(x + tu, right))
                    if cost < best:
                        best, u, v = cost, tu, tv
                radius = np.int64(radii[j, i])
                while radius >= 1:
                    state = next_state(state)
                    tu = u + offset(state, radius)
                    tv = v + offset(state >> np.uint64(32), radius)
                    radius >>= 1
                    cost = cost_at(census1, y, x, census2, clamp(y + tv, bottom), clamp(x + tu, right))
                    if cost < best:
                        best, u, v = cost, tu, tv
                matches[j, i, 0], matches[j, i, 1], matches[j, i, 2] = u, v, best


@njit(cache=True, nogil=True)
def spread(matches: NDArray[np.int32], limit: int) -> NDArray[np.int32]:
    """Search radius of the next level: the diagonal of the box around the displacements of the 3x3 seeds, px."""
    rows, columns = matches.shape[:2]
    radii = np.empty((rows, columns), np.int32)
    for j in range(rows):
        for i in range(columns):
            low_u = high_u = matches[j, i, 0]
            low_v = high_v = matches[j, i, 1]
            for nj in range(max(j - 1, 0), min(j + 2, rows)):
                for ni in range(max(i - 1, 0), min(i + 2, columns)):
                    u, v = matches[nj, ni, 0], matches[nj, ni, 1]
                    low_u, high_u, low_v, high_v = min(low_u, u), max(high_u, u), min(low_v, v), max(high_v, v)
            diagonal = np.sqrt(np.float32((high_u - low_u) ** 2 + (high_v - low_v) ** 2))
            radii[j, i] = np.int32(min(max(diagonal, 2.0), 2.0 * limit) + 0.5)
    return radii


@njit(cache=True, nogil=True)
def _descend(
    matches: NDArray[np.int32],
    spread: NDArray[np.int32],
    step: int,
    x0: int,
    y0: int,
    finer_step: int,
    finer_x0: int,
    finer_y0: int,
    rows: int,
    columns: int,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Seeds of the finer level start from twice the match of the nearest seed of the coarser one."""
    result = np.empty((rows, columns, 3), np.int32)
    radii = np.empty((rows, columns), np.int32)
    for j in range(rows):
        parent_j = clamp(((finer_y0 + j * finer_step) // 2 - y0 + step // 2) // step, matches.shape[0] - 1)
        for i in range(columns):
            parent_i = clamp(((finer_x0 + i * finer_step) // 2 - x0 + step // 2) // step, matches.shape[1] - 1)
            result[j, i, 0] = 2 * matches[parent_j, parent_i, 0]
            result[j, i, 1] = 2 * matches[parent_j, parent_i, 1]
            result[j, i, 2] = 0
            radii[j, i] = spread[parent_j, parent_i]
    return result, radii


@njit(cache=True, nogil=True)
def agreement(
    matches: NDArray[np.int32],
    step: int,
    x0: int,
    y0: int,
    backward: NDArray[np.int32],
    backward_step: int,
    backward_x0: int,
    backward_y0: int,
    height: int,
    width: int,
    limit: float,
    border: int,
) -> NDArray[np.bool_]:
    """Which matches a backward match near their target leads back, within ``limit`` px; False near the border."""
    rows, columns = matches.shape[:2]
    kept = np.zeros((rows, columns), np.bool_)
    for j in range(rows):
        y = y0 + j * step
        for i in range(columns):
            x = x0 + i * step
            u, v = np.int64(matches[j, i, 0]), np.int64(matches[j, i, 1])
            x2, y2 = x + u, y + v
            if x < border or x2 < border or y < border or y2 < border:
                continue
            if x >= width - border or x2 >= width - border or y >= height - border or y2 >= height - border:
                continue
            bi = clamp((x2 - backward_x0 + backward_step // 2) // backward_step, backward.shape[1] - 1)
            bj = clamp((y2 - backward_y0 + backward_step // 2) // backward_step, backward.shape[0] - 1)
            du, dv = u + backward[bj, bi, 0], v + backward[bj, bi, 1]
            kept[j, i] = du * du + dv * dv <= limit * limit
    return kept


@njit(cache=True, nogil=True)
def without_isolated(displacements: NDArray[np.float32], kept: NDArray[np.bool_], step: int) -> NDArray[np.float32]:
    """Weight 1 for each kept match that enough of its neighbours (7x7 seeds) support, else 0; (rows, columns) float32.

    A neighbour supports where its displacement differs by less than a pixel plus 0.3 px for every pixel of distance;
    needed are eight of them and three tenths of the kept ones.
    """
    rows, columns = kept.shape
    weights = np.zeros((rows, columns), np.float32)
    slope, one = np.float32(0.3 * step), np.float32(1)
    # three columns of nothing to both sides; what is not kept is NaN, which neither is there nor supports
    u = np.full((rows, columns + 6), np.float32(np.nan))
    v = u.copy()
    for j in range(rows):
        for i in range(columns):
            if kept[j, i]:
                u[j, i + 3], v[j, i + 3] = displacements[j, i, 0], displacements[j, i, 1]
    found, support = np.empty(columns, np.int32), np.empty(columns, np.int32)
    for j in range(rows):
        found[:], support[:] = 0, 0
        own_u, own_v = u[j, 3 : 3 + columns], v[j, 3 : 3 + columns]
        for nj in range(max(j - 3, 0), min(j + 4, rows)):
            for shift in range(7):  # neighbours in one direction: the seeds of a row are lanes
                other_u, other_v = u[nj, shift : shift + columns], v[nj, shift : shift + columns]
                limit = one + slope * np.float32(abs(shift - 3) + abs(nj - j))
                for i in range(columns):
                    gap = abs(other_u[i] - own_u[i]) + abs(other_v[i] - own_v[i])
                    found[i] += np.int32(other_u[i] == other_u[i])
                    support[i] += np.int32(gap < limit)
        for i in range(columns):
            if support[i] > 8 and 10 * support[i] >= 3 * found[i]:
                weights[j, i] = 1
    return weights
