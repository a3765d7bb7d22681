import numpy as np
import pytest

from labels.edge_targets import Bracket, targets

FOUR = Bracket(0.2, 0.8)


def taken(edges: np.ndarray, positives: int = 40, negatives: int = 30, bracket: Bracket = FOUR):
    return targets(edges.astype(np.float32), bracket, positives, negatives, np.random.default_rng(0))


def test_thresholds_are_a_geometric_row() -> None:
    np.testing.assert_allclose(Bracket(0.05, 0.4).thresholds(), [0.05, 0.1, 0.2, 0.4])


def test_a_line_cuts_patches_near_it_in_two_at_its_place() -> None:
    edges = np.zeros((96, 128))
    edges[:, 60] = 1
    found = taken(edges)
    near = found.segments.any((1, 2))
    assert 0 < near.sum() <= 40 and (~near).sum() == 30
    assert (np.abs(2 * found.corners[near, 1] - 60) <= 8).all()
    assert (np.abs(2 * found.corners[~near, 1] - 60) > 8).all()
    for (_, x), cut in zip(found.corners[near], found.segments[near]):
        left = 60 - (2 * x - 8)  # the line's column within the target
        assert len(np.unique(cut[:, :left])) == len(np.unique(cut[:, left + 1 :])) == 1
        assert cut[0, 0] != cut[0, -1]
        assert cut[0, left] in (cut[0, 0], cut[0, -1])  # the line itself goes to a side


def test_every_target_lies_in_the_image() -> None:
    edges = np.zeros((64, 80))
    edges[::7], edges[:, ::9] = 1, 1
    corners = taken(edges, 4000).corners
    assert corners.min() == 4
    assert (2 * corners + 8).max(0).tolist() == [64, 80]


def test_what_does_not_part_a_patch_gives_no_target() -> None:
    edges = np.zeros((96, 128))
    edges[40:44, 60] = 1  # one can walk round it
    found = taken(edges)
    assert not found.segments.any() and len(found.corners) == 30


def test_weak_edges_are_neither_edges_nor_surely_none() -> None:
    edges = np.zeros((96, 128))
    edges[:, 60] = 0.15
    found = taken(edges, negatives=10_000)
    assert not found.segments.any()
    assert (np.abs(2 * found.corners[:, 1] - 60) > 8).all()


def test_a_diagonal_line_is_no_gap() -> None:
    edges = np.eye(128)[:96]
    found = taken(edges)
    near = found.segments.any((1, 2))
    assert near.any()
    assert all(len(np.unique(cut)) == 2 for cut in found.segments[near])


@pytest.mark.parametrize("edges", [np.zeros((64, 64)), np.ones((64, 64))])
def test_nothing_and_everything_give_no_patch_with_an_edge(edges: np.ndarray) -> None:
    assert not taken(edges).segments.any()
