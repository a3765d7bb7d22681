"""Growing the structured forest (LABELS section 5; Dollar and Zitnick 2013).

A node has patches with segments, which are no classes to split by. They are mapped to two: 256 random pairs of pixels
are "in the same segment?" or not, and the sign of the first principal component of these bits is the class. The
feature and the threshold that part the two classes best, by Gini impurity, make the split. Everything is seeded: the
same patches give the same forest.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.edge_features import COUNT, SIDE
from labels.edge_forest import Forest

_BITS = 256
"""Pairs of pixels compared at a node."""
_WITNESSES = 256
"""Most patches of a node that tell the principal component and the leaf."""
_BINS = 64
"""Thresholds tried of a feature."""


@dataclass(frozen=True)
class ForestParameters:
    """Size of the forest."""

    trees: int = 8
    depth: int = 64  # most questions on a way
    least: int = 8  # patches on each side of a split
    share: float = 0.25  # of the features that a tree may ask for


def chosen_features(parameters: ForestParameters, seed: int, tree: int) -> NDArray[np.int32]:
    """The features that a tree may ask for, (F,), rising."""
    number = round(COUNT * parameters.share)
    generator = np.random.default_rng((seed, tree))
    return np.sort(generator.permutation(COUNT)[:number]).astype(np.int32)


@dataclass(frozen=True)
class Tree:
    """Nodes as in ``Forest``, of one tree."""

    feature: NDArray[np.int32]
    threshold: NDArray[np.uint8]
    child: NDArray[np.int32]
    leaves: NDArray[np.uint8]


def grow(
    values: NDArray[np.uint8],
    chosen: NDArray[np.int32],
    segments: NDArray[np.uint8],
    parameters: ForestParameters,
    seed: int,
    tree: int,
) -> Tree:
    """A tree from the ``chosen`` features of patches, (N, F), and their ``segments``, (N, 16, 16)."""
    generator = np.random.default_rng((seed, tree, 1))
    flat = segments.reshape(len(segments), SIDE * SIDE)
    feature, threshold, child, leaves = [0], [0], [0], list[NDArray[np.uint8]]()
    waiting = [(0, np.arange(len(values)), 0)]
    while waiting:
        node, rows, depth = waiting.pop()
        pairs = _pairs(generator)
        witnesses = rows[generator.permutation(len(rows))[:_WITNESSES]]
        bits = _bits(flat[witnesses], pairs)
        question = None
        if depth < parameters.depth and len(rows) >= 2 * parameters.least:
            question = _question(values, flat, rows, pairs, bits, parameters.least)
        if question is None:
            child[node] = -1 - len(leaves)
            leaves.append(segments[witnesses[np.argmin(((bits - bits.mean(0)) ** 2).sum(1))]])
            continue
        column, limit = question
        feature[node], threshold[node], child[node] = int(chosen[column]), limit, len(child)
        left = values[rows, column] <= limit
        for part in (rows[left], rows[~left]):
            waiting.append((len(child), part, depth + 1))
            feature.append(0)
            threshold.append(0)
            child.append(0)
    return Tree(np.array(feature, np.int32), np.array(threshold, np.uint8), np.array(child, np.int32), np.stack(leaves))


def planted(trees: list[Tree]) -> Forest:
    """The forest of some trees."""
    nodes = np.cumsum([0, *(len(tree.child) for tree in trees)])
    leaves = np.cumsum([0, *(len(tree.leaves) for tree in trees)])
    children = [
        np.where(tree.child >= 0, tree.child + before, tree.child - fallen)
        for tree, before, fallen in zip(trees, nodes, leaves)
    ]
    return Forest(
        nodes[:-1].astype(np.int32),
        np.concatenate([tree.feature for tree in trees]),
        np.concatenate([tree.threshold for tree in trees]),
        np.concatenate(children).astype(np.int32),
        np.concatenate([tree.leaves for tree in trees]),
    )


def _pairs(generator: np.random.Generator) -> NDArray[np.int64]:
    """Random pairs of different pixels of a patch, (256, 2)."""
    first = generator.integers(0, SIDE * SIDE, _BITS)
    return np.stack([first, (first + generator.integers(1, SIDE * SIDE, _BITS)) % (SIDE * SIDE)], 1)


def _bits(flat: NDArray[np.uint8], pairs: NDArray[np.int64]) -> NDArray[np.float32]:
    """Of each patch, whether the pixels of each pair are in the same segment, (N, 256)."""
    return (flat[:, pairs[:, 0]] == flat[:, pairs[:, 1]]).astype(np.float32)


def _question(
    values: NDArray[np.uint8], flat: NDArray[np.uint8], rows: NDArray[np.int64], pairs: NDArray[np.int64],
    bits: NDArray[np.float32], least: int,
) -> tuple[int, int] | None:  # fmt: skip
    """The column of ``values`` and the threshold that part the patches best; None where nothing parts them."""
    component = _first_component(bits - bits.mean(0))
    if component is None:
        return None
    classes = _classes(flat, rows, pairs, component, float(bits.mean(0) @ component))
    column, limit = _best_split(values, rows, classes, least)
    return None if column < 0 else (int(column), int(limit))


def _first_component(centred: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """The direction of largest variance, (256,), by power iteration; None where all are alike."""
    direction = centred[np.argmax((centred**2).sum(1))]
    for _ in range(10):
        length = np.sqrt(direction @ direction)
        if length < 1e-6:
            return None
        direction = (centred @ (direction / length)) @ centred
    return direction


@njit(cache=True, nogil=True)
def _classes(
    flat: NDArray[np.uint8], rows: NDArray[np.int64], pairs: NDArray[np.int64], component: NDArray[np.float32],
    mean: float,
) -> NDArray[np.uint8]:  # fmt: skip
    """The side of the mean on which each patch lies along the component."""
    result = np.empty(len(rows), np.uint8)
    for k in range(len(rows)):
        patch, total = flat[rows[k]], 0.0
        for b in range(len(pairs)):
            if patch[pairs[b, 0]] == patch[pairs[b, 1]]:
                total += component[b]
        result[k] = total > mean
    return result


@njit(cache=True, nogil=True)
def _best_split(
    values: NDArray[np.uint8], rows: NDArray[np.int64], classes: NDArray[np.uint8], least: int
) -> tuple[int, int]:
    """Column and threshold of least Gini impurity over 64 thresholds; column -1 where none leaves ``least`` a side."""
    count = values.shape[1]
    histogram = np.zeros((count, _BINS, 2), np.int32)
    ones = 0
    for k in range(len(rows)):
        own, side = values[rows[k]], classes[k]
        ones += side
        for f in range(count):
            histogram[f, own[f] >> 2, side] += 1
    total = len(rows)
    # of what is not parted; a split must be better
    best = (ones * ones + (total - ones) * (total - ones)) / total + 1e-9
    column, limit = -1, 0
    for f in range(count):
        left0, left1 = 0, 0
        for b in range(_BINS - 1):
            left0 += histogram[f, b, 0]
            left1 += histogram[f, b, 1]
            left = left0 + left1
            if left < least or total - left < least:
                continue
            right0, right1 = total - ones - left0, ones - left1
            purity = (left0 * left0 + left1 * left1) / left + (right0 * right0 + right1 * right1) / (total - left)
            if purity > best:
                best, column, limit = purity, f, 4 * b + 3
    return column, limit
