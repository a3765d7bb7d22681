"""At which edges interpolated flow breaks, as the parameters say."""

from typing import Any

import numpy as np
import pytest

from labels.edge_channels import Channels
from labels.edges import edge_map
from labels.flow import EDGES, FlowParameters, flow


def frames() -> tuple[np.ndarray, np.ndarray]:
    """A box that moves by (6, 0) before a wall that moves by (1, 0), 128x192, RGB."""
    generator = np.random.default_rng(3)
    wall = generator.integers(60, 120, (128, 200, 3), np.uint8)
    box = generator.integers(130, 220, (60, 70, 3), np.uint8)
    first, second = wall[:, 1:193].copy(), wall[:, :192].copy()
    first[30:90, 60:130], second[30:90, 66:136] = box, box
    return first, second


class Box:
    """A detector that knows the box; it counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, ...]] = []

    def edges(self, found: Channels) -> np.ndarray:
        self.asked.append(found.fine.shape)
        told = np.zeros((128, 192), np.float32)
        told[30:90, [60, 129]], told[[30, 89], 60:130] = 1, 1
        return told


def found(engine: str, edges: str, detector: Any = None) -> np.ndarray:
    return flow(*frames(), FlowParameters(engine=engine, edges=edges), detector=detector)[0]


@pytest.mark.parametrize("engine", ["census", "ric"])
def test_engines_that_interpolate_take_each_kind(engine: str) -> None:
    detector = Box()
    flows = {edges: found(engine, edges, detector) for edges in EDGES}
    assert detector.asked == [(13, 64, 96)]  # once, for learned edges alone
    different = {flows[edges].tobytes() for edges in EDGES}
    assert len(different) >= 3
    for told in flows.values():  # whatever the edges, the box moves and the wall does
        assert np.abs(told[45:75, 75:115, 0] - 6).mean() < 0.5
        assert np.abs(told[100:120, 20:170, 0] - 1).mean() < 0.5


def test_the_reference_s_own_edges_are_thinned_ones() -> None:
    np.testing.assert_array_equal(found("ric", "own"), found("ric", "thinned"))


def test_dis_has_no_edges() -> None:
    np.testing.assert_array_equal(found("dis", "own"), found("dis", "learned"))


def test_learned_edges_need_a_detector() -> None:
    with pytest.raises(ValueError, match="learned edges need a detector"):
        found("census", "learned")
    with pytest.raises(ValueError, match="unknown method 'canny'"):
        found("census", "canny")


def test_colour_reaches_the_detector() -> None:
    seen = []

    class Looking(Box):
        def edges(self, found: Channels) -> np.ndarray:
            seen.append(found.fine)
            return super().edges(found)

    first, _ = frames()
    first[..., 2] = 0
    flow(first, first, FlowParameters(edges="learned"), detector=Looking())
    assert np.abs(seen[0][2].astype(int) - 128).max() > 40
    assert edge_map(first, "learned", Looking()).shape == (128, 192)
