import numpy as np
import pytest

from benchmarks.boundaries import THRESHOLDS, best, boundaries, counts, matched

NOWHERE = np.zeros((60, 80), bool)


def road() -> np.ndarray:
    """Depth of a plane that comes up to its horizon at row 20, beyond it sky."""
    rows = np.arange(60)[:, None] - 20.0
    return np.where(rows > 0, 300 / np.maximum(rows, 1e-3), np.inf) * np.ones((1, 80))


def test_a_plane_has_no_boundary_but_its_nearer_things_do() -> None:
    depth = road().astype(np.float32)
    found = boundaries(depth, NOWHERE, NOWHERE)
    assert not found[23:].any()
    depth[10:40, 30:50] = 7.0  # stands on the road at row 40 or so: nearer above, level with it below
    found = boundaries(depth, NOWHERE, NOWHERE)
    assert found[12:38, 30].all() and found[12:38, 49].all() and found[10, 30:50].all()
    assert not found[:, 51:].any() or not found[23:, 51:].any()
    assert not found[12:38, 32:48].any()


def test_a_pole_of_one_pixel_is_a_boundary() -> None:
    depth = np.full((60, 80), 30, np.float32)
    depth[:, 40] = 10
    rows, columns = np.nonzero(boundaries(depth, NOWHERE, NOWHERE))
    assert len(rows) == 60 and set(columns) == {40}


def test_what_moves_has_a_boundary_where_depth_is_level() -> None:
    depth, moving = np.full((60, 80), 20, np.float32), NOWHERE.copy()
    moving[20:40, 30:50] = True
    found = boundaries(depth, moving, NOWHERE)
    assert found.sum() == 2 * 20 + 2 * 18 and found[20:40, 30].all() and not found[21:39, 31:49].any()
    moving[:] = True
    assert not boundaries(depth, moving, NOWHERE).any()


def test_nothing_is_told_at_what_is_burnt_in() -> None:
    depth, unknown = np.full((60, 80), 20, np.float32), NOWHERE.copy()
    depth[40:], unknown[40:] = 0, True
    assert not boundaries(depth, NOWHERE, unknown).any()


def line(*columns: int) -> np.ndarray:
    drawn = NOWHERE.copy()
    drawn[:20, list(columns)] = True
    return drawn


def test_pixels_are_matched_one_to_one() -> None:
    assert matched(line(10), line(10), 2) == 20
    assert matched(line(12), line(10), 2) == matched(line(8), line(10), 2) == 20
    assert matched(line(13), line(10), 2) == 0
    assert matched(line(10, 11), line(10), 2) == 20  # the other half finds no partner
    assert matched(line(), line(10), 2) == matched(line(10), line(), 2) == 0
    assert matched(line(0), line(79), 2) == 0  # nothing reaches round the picture
    # the nearest first would leave one alone
    one, other = NOWHERE.copy(), NOWHERE.copy()
    one[5, [4, 6]], other[5, [5, 7]] = True, True
    assert matched(one, other, 1) == 2


def test_f_is_one_for_the_truth_and_two_thirds_for_it_twice_as_thick() -> None:
    truth = NOWHERE.copy()
    truth[:, 40] = True
    once = counts(truth.astype(np.float32), truth, NOWHERE, 2)
    assert best(once) == {"f": 1.0, "threshold": round(float(THRESHOLDS[0]), 4), "precision": 1.0, "recall": 1.0}
    thick = truth | np.roll(truth, 1, 1)
    assert best(counts(thick.astype(np.float32), truth, NOWHERE, 2))["f"] == pytest.approx(2 / 3, abs=1e-4)


def test_the_best_threshold_leaves_the_weak_false_edges_out() -> None:
    truth = NOWHERE.copy()
    truth[:, 40] = True
    edges = 0.5 * truth.astype(np.float32)
    edges[:, 10:20] = 0.1
    found = best(counts(edges, truth, NOWHERE, 2))
    assert found["f"] == 1 and 0.1 < found["threshold"] <= 0.5
    ignored = NOWHERE.copy()
    ignored[:, :20] = True
    assert best(counts(edges, truth, ignored, 2))["threshold"] == round(float(THRESHOLDS[0]), 4)
