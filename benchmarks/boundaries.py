"""True boundaries of things in a frame, and how well a map of edges finds them.

A boundary is where depth steps, and where what moves by itself meets what does not. On a plane inverse depth is linear
in the pixel, so that a step is what neither side's continuation reaches. Precision and recall are those of the
Berkeley benchmark of boundaries (Martin, Fowlkes and Malik 2004): pixels of the map, cut at a threshold, and pixels of
the boundary are matched one to one, no farther apart than a tolerance; so a thick edge is one hit and many misses.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

MASK = NDArray[np.bool_]
STEP = 1 / 11
"""Step of inverse depth over the greater one: the nearer of two depths is less than 1/1.1 of the other."""
THRESHOLDS = np.geomspace(0.02, 0.9, 16)


def boundaries(depth: NDArray[np.float32], moving: MASK, unknown: MASK) -> MASK:
    """The nearer pixel of each step of depth, and moving pixels beside still ones, (H, W).

    ``depth`` in metres, inf = sky. ``unknown`` is what is burnt into the picture; nothing is told within a pixel of it.
    """
    inverse = np.where(unknown, 0, 1 / np.maximum(depth, 1e-3)).astype(np.float64)
    found = _steps(inverse) | _steps(inverse.T).T
    for axis in (0, 1):
        for shift in (1, -1):
            beside = np.roll(moving, shift, axis)
            beside[(slice(None),) * axis + (0 if shift == 1 else -1,)] = True
            found |= moving & ~beside
    return found & ~binary_dilation(unknown, iterations=2)


def _steps(inverse: NDArray[np.float64]) -> MASK:
    """The nearer pixel of each step along the rows."""
    padded = np.pad(inverse, ((0, 0), (1, 1)), "reflect", reflect_type="odd")
    left, right = padded[:, 1:-2], padded[:, 2:-1]
    from_left, from_right = 2 * left - padded[:, :-3], 2 * right - padded[:, 3:]
    gap = np.minimum(np.abs(right - from_left), np.abs(left - from_right))
    step = (gap > STEP * np.maximum(left, right)) & (np.abs(right - left) > STEP * np.maximum(left, right))
    found = np.zeros(inverse.shape, bool)
    found[:, :-1] |= step & (left > right)
    found[:, 1:] |= step & (right > left)
    return found


def counts(edges: NDArray[np.float32], truth: MASK, ignored: MASK, tolerance: float) -> NDArray[np.int64]:
    """(thresholds, 3): pixels matched, pixels of the map and of the truth, outside what is ``ignored``."""
    result = np.zeros((len(THRESHOLDS), 3), np.int64)
    true = truth & ~ignored
    for number, threshold in enumerate(THRESHOLDS):
        found = (edges >= threshold) & ~ignored
        result[number] = matched(found, true, tolerance), np.count_nonzero(found), np.count_nonzero(true)
    return result


def matched(one: MASK, other: MASK, tolerance: float) -> int:
    """The most pairs of a pixel of ``one`` and one of ``other``, none twice, no farther apart than the tolerance."""
    reach = int(tolerance)
    rows, columns = np.nonzero(one)
    number = np.full((other.shape[0] + 2 * reach, other.shape[1] + 2 * reach), -1, np.int32)
    inner = number[reach : reach + other.shape[0], reach : reach + other.shape[1]]
    inner[other] = np.arange(np.count_nonzero(other))
    near = [
        number[rows + reach + dy, columns + reach + dx]
        for dy in range(-reach, reach + 1)
        for dx in range(-reach, reach + 1)
        if dy * dy + dx * dx <= tolerance * tolerance
    ]
    candidates = np.stack(near, 1)
    there = candidates >= 0
    starts = np.concatenate([[0], np.cumsum(there.sum(1))])
    size = len(rows), max(1, np.count_nonzero(other))
    graph = csr_matrix((np.ones(starts[-1], np.int8), candidates[there], starts), shape=size)
    return int(np.count_nonzero(maximum_bipartite_matching(graph, perm_type="column") >= 0))


def best(total: NDArray[np.int64]) -> dict[str, float]:
    """The largest F over the thresholds, with its threshold, precision and recall, of summed ``counts``."""
    hits, found, true = total.T
    precision, recall = hits / np.maximum(found, 1), hits / np.maximum(true, 1)
    f = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    at = int(f.argmax())
    return {
        "f": round(float(f[at]), 4),
        "threshold": round(float(THRESHOLDS[at]), 4),
        "precision": round(float(precision[at]), 4),
        "recall": round(float(recall[at]), 4),
    }
