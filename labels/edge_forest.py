"""The structured forest: trees that tell the segments of a patch from its features (LABELS section 5).

Every tree asks of a patch one feature after another and ends at a patch of segments it learned; the borders between
those segments are votes for edges. Patches overlap, so that a pixel has some hundred votes.
"""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.edge_channels import Channels, blurred
from labels.edge_features import COUNT, SIDE, TABLE, padded, value

_GAIN = 1.66
"""Of the votes: a straight edge, on which all patches agree, has about 1."""


@dataclass(frozen=True)
class Forest:
    """Trees in one list of nodes. Raises ``ValueError`` where the arrays are no forest."""

    roots: NDArray[np.int32]
    """(T,): the first node of each tree."""
    feature: NDArray[np.int32]
    """(N,): what a node asks for; ``threshold``, (N,) ``uint8``: up to it the left child is next."""
    threshold: NDArray[np.uint8]
    child: NDArray[np.int32]
    """(N,): the left child, the right one follows it; or -1 - k at the end that holds leaf k."""
    leaves: NDArray[np.uint8]
    """(L, 16, 16): segments, numbered from 0."""

    def __post_init__(self) -> None:
        nodes, leaves = len(self.child), len(self.leaves)
        inner = np.flatnonzero(self.child >= 0)
        sound = (
            self.feature.shape == self.threshold.shape == self.child.shape == (nodes,)
            and self.leaves.shape == (leaves, SIDE, SIDE)
            and len(self.roots) > 0
            and all(getattr(self, item.name).dtype == _TYPES[item.name] for item in fields(self))
            and ((self.roots >= 0) & (self.roots < nodes)).all()
            # a child lies behind its parent, so that every way ends
            and ((self.child[inner] > inner) & (self.child[inner] + 1 < nodes)).all()
            and (self.child >= -leaves).all()
            and ((self.feature >= 0) & (self.feature < COUNT)).all()
        )
        if not sound:
            raise ValueError("these arrays are no structured forest; train it anew")

    def edges(self, found: Channels) -> NDArray[np.float32]:
        """How sure each pixel is to be an edge, (2 h, 2 w) in [0, 1], from channels (13, h, w)."""
        around = padded(found)
        votes = np.zeros((2 * found.fine.shape[1] + 2 * SIDE, 2 * found.fine.shape[2] + 2 * SIDE), np.float32)
        asked = max(1, len(self.roots) // 2)
        starts, pixels = self._borders
        nodes = self.roots, self.feature, self.threshold, self.child
        _vote(around.fine, around.coarse, TABLE, *nodes, asked, starts, pixels, votes)
        # a location each two pixels, each with the votes of ``asked`` trees
        sure = votes[SIDE:-SIDE, SIDE:-SIDE] * np.float32(_GAIN * 4 / (SIDE * SIDE * asked))
        return np.minimum(blurred(sure, 1), np.float32(1))

    @cached_property
    def _borders(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Pixels of each leaf beside another segment: where each leaf's begin, (L + 1,), and 16 row + column."""
        border = np.zeros(self.leaves.shape, bool)
        for axis in (1, 2):
            differs = np.diff(self.leaves.astype(np.int16), axis=axis) != 0
            for shift in (slice(None, -1), slice(1, None)):
                border[(slice(None),) * axis + (shift,)] |= differs
        leaf, row, column = np.nonzero(border)
        starts = np.searchsorted(leaf, np.arange(len(self.leaves) + 1))
        return starts, (SIDE * row + column).astype(np.int32)


_TYPES = {"roots": np.int32, "feature": np.int32, "threshold": np.uint8, "child": np.int32, "leaves": np.uint8}


@njit(cache=True, nogil=True)
def _vote(
    fine: NDArray[np.uint8], coarse: NDArray[np.uint8], table: NDArray[np.int32], roots: NDArray[np.int32],
    feature: NDArray[np.int32], threshold: NDArray[np.uint8], child: NDArray[np.int32], asked: int,
    starts: NDArray[np.int64], pixels: NDArray[np.int32], votes: NDArray[np.float32],
) -> None:  # fmt: skip
    """Add the votes of all patches. Neighbouring places ask different trees, in a checkerboard."""
    for y in range(fine.shape[1] - SIDE + 1):
        for x in range(fine.shape[2] - SIDE + 1):
            first = ((y + x) % 2) * (len(roots) - asked)
            for tree in range(first, first + asked):
                node = roots[tree]
                while child[node] >= 0:
                    more = value(fine, coarse, y, x, table[feature[node]]) > threshold[node]
                    node = child[node] + np.int32(more)
                leaf = -1 - child[node]
                # the target's first pixel, in votes that begin 16 pixels outside the image
                top, left = 2 * y + SIDE // 2, 2 * x + SIDE // 2
                for k in range(starts[leaf], starts[leaf + 1]):
                    votes[top + pixels[k] // SIDE, left + pixels[k] % SIDE] += np.float32(1)
