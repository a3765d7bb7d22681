"""Superpixels: small connected patches of like brightness (LABELS section 4.3, step 4; Achanta et al. 2012, SLIC).

Every pixel joins, of the centres less than a step away along both axes, the one that is nearest in lightness and place,
``(L - Lc)^2 + |p - pc|^2 (compactness / step)^2``; then the centres move to the means of theirs.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

_LIGHTNESS = cv2.cvtColor(np.repeat(np.arange(256, dtype=np.float32) / 255, 3).reshape(1, 256, 3), cv2.COLOR_RGB2LAB)
_LIGHTNESS = np.ascontiguousarray(_LIGHTNESS[0, :, 0])
"""CIE lightness, 0 to 100, of each grey level."""
NEIGHBOURS = 32
"""Neighbours of a superpixel that are kept at most."""


@dataclass(frozen=True)
class SuperpixelParameters:
    """Size and shape of superpixels."""

    step: int = 10
    """Distance of the centres at the start, px: the area is about its square."""
    compactness: float = 15.0
    """Difference of lightness that weighs as much as a step of distance."""
    iterations: int = 5


@dataclass
class Superpixels:
    """A partition of an image into N connected regions."""

    labels: NDArray[np.int32]
    """(H, W), the region of each pixel, in raster order of first pixels."""
    centres: NDArray[np.float32]
    """(N, 2), mean x and y, px."""
    neighbours: NDArray[np.int32]
    """(N, NEIGHBOURS), regions that share a border, -1 behind the last one."""


def superpixels(grey: NDArray[np.uint8], parameters: SuperpixelParameters | None = None) -> Superpixels:
    """Superpixels of ``grey``, (H, W) ``uint8``; pieces of up to a quarter of a step's square join what came before."""
    parameters = parameters or SuperpixelParameters()
    step = parameters.step
    labels = _assigned(_LIGHTNESS[grey], step, (parameters.compactness / step) ** 2, parameters.iterations)
    labels, count = _connected(labels, step * step // 4)
    return Superpixels(labels, _centres(labels, count), _adjacent(labels, count))


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _assigned(lightness: NDArray[np.float32], step: int, nearness: float, iterations: int) -> NDArray[np.int32]:
    """The nearest centre of each pixel, (H, W)."""
    height, width = lightness.shape
    rows, columns = max(height // step, 1), max(width // step, 1)
    centres = np.empty((rows * columns, 3), np.float32)  # lightness, x, y
    for j in range(rows):
        for i in range(columns):
            y, x = (j + 0.5) * height / rows - 0.5, (i + 0.5) * width / columns - 0.5
            centre = centres[j * columns + i]
            centre[0], centre[1], centre[2] = lightness[int(y), int(x)], x, y
    factor = np.float32(nearness)
    labels = np.zeros((height, width), np.int32)
    squares = np.empty((height, width), np.float32)
    sums = np.empty((rows * columns, 4))
    for number in range(iterations):
        squares[:] = np.float32(1e30)
        for k in range(rows * columns):
            light, xc, yc = centres[k, 0], centres[k, 1], centres[k, 2]
            left, right = max(int(xc) - step, 0), min(int(xc) + step + 2, width)
            for y in range(max(int(yc) - step, 0), min(int(yc) + step + 2, height)):
                down = factor * (np.float32(y) - yc) * (np.float32(y) - yc)
                own, best, owner = lightness[y, left:right], squares[y, left:right], labels[y, left:right]
                start = np.float32(left) - xc
                for x in range(right - left):
                    across, gap = start + np.float32(x), own[x] - light
                    square = gap * gap + factor * across * across + down
                    owner[x] = k if square < best[x] else owner[x]
                    best[x] = min(square, best[x])
        if number == iterations - 1:
            break
        sums[:] = 0
        for y in range(height):
            for x in range(width):
                own_sums = sums[labels[y, x]]
                own_sums[0] += lightness[y, x]
                own_sums[1] += x
                own_sums[2] += y
                own_sums[3] += 1
        for k in range(rows * columns):
            if sums[k, 3] > 0:
                for c in range(3):
                    centres[k, c] = sums[k, c] / sums[k, 3]
    return labels


@njit(cache=True, nogil=True)
def _connected(labels: NDArray[np.int32], smallest: int) -> tuple[NDArray[np.int32], int]:
    """Number the 4-connected pieces of ``labels``; those of up to ``smallest`` pixels join one on their left or above.

    Returns the pieces (H, W) and how many there are.
    """
    height, width = labels.shape
    pieces = np.full((height, width), np.int32(-1), np.int32)
    queue = np.empty((height * width, 2), np.int32)
    count = 0
    for y0 in range(height):
        for x0 in range(width):
            if pieces[y0, x0] >= 0:
                continue
            before = pieces[y0, x0 - 1] if x0 > 0 else pieces[y0 - 1, x0] if y0 > 0 else np.int32(-1)
            own = labels[y0, x0]
            queue[0, 0], queue[0, 1], pieces[y0, x0] = y0, x0, count
            first, last = 0, 1
            while first < last:
                y, x = queue[first, 0], queue[first, 1]
                first += 1
                for side in range(4):
                    ny = y + (0 if side < 2 else 2 * side - 5)
                    nx = x + (2 * side - 1 if side < 2 else 0)
                    if ny < 0 or nx < 0 or ny >= height or nx >= width:
                        continue
                    if pieces[ny, nx] < 0 and labels[ny, nx] == own:
                        pieces[ny, nx] = count
                        queue[last, 0], queue[last, 1] = ny, nx
                        last += 1
            if last <= smallest and before >= 0:
                for k in range(last):
                    pieces[queue[k, 0], queue[k, 1]] = before
            else:
                count += 1
    return pieces, count


@njit(cache=True, nogil=True)
def _centres(labels: NDArray[np.int32], count: int) -> NDArray[np.float32]:
    """Mean x and y of each region, (count, 2)."""
    sums, areas = np.zeros((count, 2)), np.zeros(count)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            own = labels[y, x]
            sums[own, 0] += x
            sums[own, 1] += y
            areas[own] += 1
    return (sums / areas.reshape(-1, 1)).astype(np.float32)


@njit(cache=True, nogil=True)
def _adjacent(labels: NDArray[np.int32], count: int) -> NDArray[np.int32]:
    """Regions that have a pixel beside one of each region's, (count, NEIGHBOURS), in the order met."""
    result = np.full((count, NEIGHBOURS), np.int32(-1), np.int32)
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            own = labels[y, x]
            if x + 1 < width and labels[y, x + 1] != own:
                _enter(result[own], labels[y, x + 1])
                _enter(result[labels[y, x + 1]], own)
            if y + 1 < height and labels[y + 1, x] != own:
                _enter(result[own], labels[y + 1, x])
                _enter(result[labels[y + 1, x]], own)
    return result


@njit(inline="always")
def _enter(row, value):  # type: ignore[no-untyped-def]
    """Put ``value`` behind what stands in ``row``, unless it is there or the row is full."""
    for k in range(row.shape[0]):
        if row[k] == value:
            break
        if row[k] < 0:
            row[k] = value
            break
