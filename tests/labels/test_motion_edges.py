import numpy as np
import pytest

from labels.edges import edge_map
from labels.motion_edges import edge_distance, flow_picture, half_size, motion_edges, telling


def moving_box() -> tuple[np.ndarray, np.ndarray]:
    """Flow and frame, 128x192: a box that moves by (9, 0) before a wall that moves by (2, 0); paint on the wall."""
    flow = np.zeros((128, 192, 2), np.float32)
    flow[..., 0] = 2
    image = np.full((128, 192, 3), 90, np.uint8)
    image[:, 20:24] = 230
    flow[40:100, 80:140, 0] = 9
    image[40:100, 80:140] = 160
    return flow, image


def test_the_flow_picture_is_the_colour_wheel() -> None:
    flow = np.zeros((8, 8, 2), np.float32)
    flow[0, :4] = [(5, 0), (0, 5), (-5, 0), (0, -5)]
    picture = flow_picture(flow, 1.0)
    assert picture[4, 4].tolist() == [255, 255, 255]
    assert picture[0, 0].tolist() == [255, 0, 0]  # to the right: red, and then round the wheel
    assert picture[0, 2].tolist() == [0, 255, 255]
    assert picture[0, 1, 1] == 255 and picture[0, 1, 2] == 0
    flow[1, 0] = (np.sqrt(6) - 1, 0)  # half the logarithm of the longest
    assert flow_picture(flow, 1.0)[1, 0, 1] == pytest.approx(127.5, abs=1)


def test_motion_edges_are_borders_of_motion_and_not_of_colour() -> None:
    flow, image = moving_box()
    edges = motion_edges(flow, image)
    assert edges is not None and edges.shape == (64, 96) and edges.dtype == np.float32
    y, x = np.nonzero(edges > 0.2)
    outside = np.maximum(np.maximum(20 - y, y - 49), np.maximum(40 - x, x - 69))
    assert len(y) > 100 and (np.abs(outside) <= 2).all() and np.mean(np.abs(outside) <= 1) > 0.9
    assert edge_map(half_size(image), "thinned")[10:50, 8:14].any()
    assert not edges[:, 5:20].any()


def test_motion_edges_lie_near_edges_of_the_frame() -> None:
    flow, image = moving_box()
    shifted = np.roll(flow, 20, axis=1)  # flow that bleeds far beyond what moves
    near = motion_edges(flow, image)
    far = motion_edges(shifted, image)
    assert near is not None
    lost = 0 if far is None else np.count_nonzero(far[22:48, 75:85] > 0.2)
    assert lost < 0.1 * np.count_nonzero(near[22:48, 65:75] > 0.2)


@pytest.mark.parametrize(
    ("flow", "tells"),
    [
        (np.zeros((64, 64, 2)), False),  # nothing moves
        (np.full((64, 64, 2), 5.0), False),  # all moves alike
        (np.dstack([np.linspace(0, 9, 64) * np.ones((64, 1)), np.zeros((64, 64))]), True),
        (np.dstack([np.linspace(30, 60, 64) * np.ones((64, 1)), np.zeros((64, 64))]), False),  # all is fast
    ],
)
def test_flows_that_tell_nothing_are_left_out(flow: np.ndarray, tells: bool) -> None:
    assert telling(flow.astype(np.float32)) == tells
    if not tells:
        assert motion_edges(flow.astype(np.float32), np.zeros((64, 64), np.uint8)) is None


def test_how_far_edges_of_the_frame_are() -> None:
    image = np.full((60, 100), 60, np.uint8)
    image[:, 43:] = 180
    distance = edge_distance(image, 0.1)
    np.testing.assert_allclose(distance[30, [10, 20, 60, 80]], [32, 22, 17, 37], atol=1)
    assert np.isinf(edge_distance(image, 0.9)).all()
