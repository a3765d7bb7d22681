"""The forest learns what it is shown, tells it at its place, and is the same each time."""

from dataclasses import replace

import numpy as np
import pytest

from labels.edge_channels import channels
from labels.edge_forest import Forest
from labels.edge_rounds import EdgeTrainingParameters, from_arrays, to_arrays, trained
from labels.edge_training import ForestParameters
from labels.edges import edge_map

SMALL = EdgeTrainingParameters(
    patches=3000, rounds=1, last_factor=1, low=0.5, high=0.9,
    forest=ForestParameters(trees=4, share=0.05),
)  # fmt: skip


def scene(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Discs in front of a wall, (96, 160, 3), and their outlines; lines painted on both are no edges of things."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0:96, 0:160]
    image = np.full((96, 160, 3), (120, 130, 140), np.uint8)
    edges = np.zeros((96, 160), np.float32)
    things = np.zeros((96, 160), int)
    for number in range(1, 5):
        row, column, radius = generator.integers(15, 80), generator.integers(15, 145), generator.integers(12, 26)
        disc = np.hypot(y - row, x - column) < radius
        things[disc] = number
        image[disc] = (210, 120, 60)
    edges[:, 1:] = things[:, 1:] != things[:, :-1]
    edges[1:] = np.maximum(edges[1:], things[1:] != things[:-1])
    image[(y + seed) % 13 < 2] -= np.uint8(50)  # paint, as strong as the outlines
    return image + generator.integers(0, 6, image.shape, np.uint8), edges


@pytest.fixture(scope="module")
def forest() -> Forest:
    pairs = [scene(seed) for seed in range(8)]
    found = trained(pairs, len(pairs), SMALL, 1)
    assert found is not None
    return found


def contrast(edges: np.ndarray, truth: np.ndarray) -> float:
    """Mean strength near true edges over that elsewhere."""
    near = np.zeros(truth.shape, bool)
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            near |= np.roll(truth > 0, (dy, dx), (0, 1))
    return float(edges[near].mean() / (edges[~near].mean() + 1e-6))


def test_outlines_are_told_from_paint_in_scenes_not_seen(forest: Forest) -> None:
    for seed in (100, 101, 102):
        image, truth = scene(seed)
        told = edge_map(image, "learned", forest)
        assert told.shape == truth.shape and told.dtype == np.float32
        assert told.min() >= 0 and 0.3 < told.max() <= 1
        assert contrast(told, truth) > 5 * contrast(edge_map(image, "thinned"), truth)


def test_edges_lie_where_they_are(forest: Forest) -> None:
    image, truth = scene(103)
    told = edge_map(image, "learned", forest)
    rows, columns = np.nonzero(truth)
    near = [np.abs(rows - y) + np.abs(columns - x) for y, x in np.argwhere(told > 0.4)]
    assert len(near) > 50
    assert np.mean([distance.min() <= 2 for distance in near]) > 0.9


def test_the_same_patches_give_the_same_forest() -> None:
    tiny = replace(SMALL, patches=300, forest=replace(SMALL.forest, trees=2))
    pairs = [scene(seed) for seed in range(2)]
    one, again = (to_arrays(trained(iter(pairs), 2, tiny, 1)) for _ in range(2))
    other = to_arrays(trained(pairs, 2, replace(tiny, seed=1), 1))
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not np.array_equal(one["feature"], other["feature"])


def test_trees_stop_where_they_are_told(forest: Forest) -> None:
    pairs = [scene(0)]
    stump = trained(pairs, 1, replace(SMALL, forest=replace(SMALL.forest, trees=1, depth=1)), 1)
    assert len(stump.child) == 3 and (stump.child[1:] < 0).all()
    # all leaves are patches that were shown: of one segment or more, the first of which is 0
    assert forest.leaves.min() == 0 and forest.leaves.max() >= 1


def test_frames_without_an_edge_teach_nothing() -> None:
    image, edges = scene(0)
    assert trained([(image, np.zeros_like(edges))], 1, SMALL, 1) is None
    assert trained([], 0, SMALL, 1) is None


def test_a_stored_forest_tells_the_same(forest: Forest) -> None:
    found = channels(scene(104)[0])
    np.testing.assert_array_equal(from_arrays(to_arrays(forest)).edges(found), forest.edges(found))


@pytest.mark.parametrize(
    "harm",
    [
        lambda arrays: arrays | {"child": arrays["child"] * 0},
        lambda arrays: arrays | {"child": arrays["child"] - 100_000},
        lambda arrays: arrays | {"feature": arrays["feature"] + 10_000},
        lambda arrays: arrays | {"roots": arrays["roots"] - 1},
        lambda arrays: arrays | {"roots": arrays["roots"][:0]},
        lambda arrays: arrays | {"leaves": arrays["leaves"][:, :8]},
        lambda arrays: arrays | {"threshold": arrays["threshold"].astype(np.float32)},
        lambda arrays: {name: array for name, array in arrays.items() if name != "leaves"},
    ],
)
def test_what_is_no_forest_is_refused(forest: Forest, harm) -> None:
    with pytest.raises(ValueError, match=r"no structured forest|no edge detector has the arrays"):
        from_arrays(harm(to_arrays(forest)))
