import numpy as np
import pytest

from labels.robust_interpolation import RobustParameters, interpolate
from labels.superpixels import Superpixels, superpixels

HEIGHT, WIDTH = 120, 160


def grid(step: int = 3) -> np.ndarray:
    rows, columns = np.mgrid[2 : HEIGHT - 2 : step, 2 : WIDTH - 2 : step]
    return np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.int32)


def affine(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([3 + 0.05 * x - 0.02 * y, -2 + 0.01 * x + 0.04 * y], axis=-1).astype(np.float32)


def flat() -> tuple[Superpixels, np.ndarray]:
    return superpixels(np.full((HEIGHT, WIDTH), 90, np.uint8)), np.zeros((HEIGHT, WIDTH), np.float32)


def lengths(difference: np.ndarray) -> np.ndarray:
    return np.hypot(difference[..., 0], difference[..., 1])


ROWS, COLUMNS = np.indices((HEIGHT, WIDTH))


def test_an_affine_flow_is_found_everywhere() -> None:
    places = grid()
    flow, trusted = interpolate(*flat(), places, affine(*places.T))
    assert flow.shape == (HEIGHT, WIDTH, 2) and flow.dtype == np.float32
    assert lengths(flow - affine(COLUMNS, ROWS)).max() < 1e-3
    assert trusted.all()


def test_a_third_of_wrong_matches_does_no_harm() -> None:
    places, generator = grid(), np.random.default_rng(0)
    displacements = affine(*places.T)
    wrong = generator.random(len(places)) < 0.33
    displacements[wrong] += generator.uniform(-60, 60, (wrong.sum(), 2)).astype(np.float32)
    flow, _ = interpolate(*flat(), places, displacements)
    error = lengths(flow - affine(COLUMNS, ROWS))
    assert np.median(error) < 0.05 and (error < 1).mean() > 0.98
    # what the sweeps bring: without them a superpixel whose nearest match is wrong has little to start from
    alone, _ = interpolate(*flat(), places, displacements, RobustParameters(sweeps=0))
    assert (lengths(alone - affine(COLUMNS, ROWS)) > 1).mean() > 5 * (error > 1).mean()


def test_flow_steps_where_the_image_does() -> None:
    image, edges = np.full((HEIGHT, WIDTH), 60, np.uint8), np.zeros((HEIGHT, WIDTH), np.float32)
    image[:, 70:84] = 200
    edges[:, 69:71] = edges[:, 83:85] = 0.5
    places = grid()
    truth = np.where((image == 60)[..., None], affine(COLUMNS, ROWS), np.array((-20, 9), np.float32))
    displacements = truth[places[:, 1], places[:, 0]].astype(np.float32)
    flow, _ = interpolate(superpixels(image), edges, places, displacements)
    assert lengths(flow - truth).max() < 0.05
    # without edges those of the bar are outvoted
    without, _ = interpolate(superpixels(image), np.zeros_like(edges), places, displacements)
    assert lengths(without - truth).max() > 1


def test_what_lies_far_from_all_matches_is_not_trusted() -> None:
    places = grid()
    places = places[places[:, 0] < 60]
    _, trusted = interpolate(*flat(), places, affine(*places.T))
    assert trusted[:, :60].all() and not trusted[:, 80:].any()


def test_matches_that_contradict_each_other_are_not_trusted() -> None:
    places, generator = grid(), np.random.default_rng(1)
    _, trusted = interpolate(*flat(), places, generator.uniform(-90, 90, (len(places), 2)).astype(np.float32))
    assert trusted.mean() < 0.05


@pytest.mark.parametrize("count", [1, 2, 3, 29])
def test_few_matches_are_taken(count: int) -> None:
    places = grid()[np.random.default_rng(2).permutation(len(grid()))[:count]]
    flow, _ = interpolate(*flat(), places, np.full((count, 2), (7, -3), np.float32))
    np.testing.assert_allclose(flow, np.broadcast_to((7.0, -3.0), flow.shape), atol=1e-3)


def test_beyond_the_cap_the_nearest_match_counts() -> None:
    places = grid()
    flow, _ = interpolate(*flat(), places, affine(*places.T), RobustParameters(cap_px=5.0))
    over = np.abs(affine(COLUMNS, ROWS)).max(axis=-1) > 5.01
    assert over.any() and not over.all()
    gap = lengths(flow - affine(COLUMNS, ROWS))
    assert gap[np.abs(affine(COLUMNS, ROWS)).max(axis=-1) < 4.99].max() < 1e-3
    assert gap[over].max() > 0.1


def test_the_same_matches_give_the_same_flow() -> None:
    places, generator = grid(), np.random.default_rng(3)
    displacements = affine(*places.T) + generator.normal(0, 3, (len(places), 2)).astype(np.float32)
    once = interpolate(*flat(), places, displacements)
    again = interpolate(*flat(), places, displacements)
    assert [each.tobytes() for each in once] == [each.tobytes() for each in again]
