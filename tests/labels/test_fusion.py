"""Depth carried from pair to pair: where it comes to lie, and how it is weighed against what the pair measures."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from labels.depth import InverseDepth, inverse_depth
from labels.egomotion import Egomotion
from labels.fusion import FusionParameters, Nearness, _averaged, _greatest, _moved, carried, fuse

Make = Callable[..., Any]
EXACT = FusionParameters(growth=1.0, relative=0.0)


def measured(scene: Any) -> InverseDepth:
    """What the exact flow of a corridor tells."""
    motion = Egomotion(R=scene.R, T=scene.heading)
    return inverse_depth(scene.flow(), scene.support(), motion, scene.focal, scene.centre, 0.4, 0.03)


def later(scene: Any, share: float) -> np.ndarray:
    """One over the true depth (H, W) from where the camera is after a share of its motion, in units of its step."""
    R = cv2.Rodrigues(cv2.Rodrigues(scene.R)[0] * share)[0]
    depth = ((scene.points(R, share * scene.T) - share * scene.T) @ R)[..., 2]
    return np.linalg.norm(scene.T) / depth


def flat(value: float, deviation: float, valid: bool = True, shape: tuple[int, int] = (80, 80)) -> InverseDepth:
    """The same everywhere."""
    rho = np.full(shape, value, np.float32)
    return InverseDepth(rho, np.full(shape, deviation, np.float32), np.full(shape, valid), value)


def nearness(value: float, deviation: float, shape: tuple[int, int] = (80, 80)) -> Nearness:
    return Nearness(np.full(shape, value, np.float32), np.full(shape, deviation, np.float32))


@pytest.mark.parametrize("elapsed", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("T", [(0.05, -0.02, 0.6), (0.1, 0.05, -0.5), (0.5, 0.0, 0.3)])
def test_depth_is_carried_to_where_the_camera_sees_it(corridor: Make, T: Any, elapsed: float) -> None:
    scene = corridor((0.3, 1.0, -0.4), T)
    depth = measured(scene)
    found = carried(depth, depth.valid, Egomotion(R=scene.R, T=scene.heading), elapsed, scene.focal, scene.centre)
    known = found.deviation > 0
    assert known.mean() > 0.5
    error = np.abs(found.value / later(scene, elapsed) - 1)[known]
    assert np.median(error) < 0.005 and np.quantile(error, 0.95) < 0.03
    assert not found.value[~known].any()


def test_no_place_rounds_to_the_last_row_or_column_which_has_no_neighbour() -> None:
    """All move left and up by three millionths of a pixel: in single precision, by nothing."""
    depth, focal = flat(0.5, 0.01, shape=(90, 160)), 400.0
    T = np.full(3, 3e-6 / (focal * 0.5)) * (1, 1, 0)
    u, v, _, _ = _moved(depth.inverse_depth, depth.deviation, depth.valid, np.eye(3), T, 1.0, focal, 79.5, 44.5)
    assert u.max() == 158 and v[u >= 0].max() == 88


def test_what_meets_at_a_pixel_is_weighed_by_how_near_it_lies() -> None:
    random, shape = np.random.default_rng(5), (40, 60)
    u, v = random.uniform(0, 58.9, shape).astype(np.float32), random.uniform(0, 38.9, shape).astype(np.float32)
    u[random.random(shape) < 0.3] = -1
    near, spread = random.uniform(0.1, 0.2, (2, *shape)).astype(np.float32)
    weights, values, spreads, greatest = np.zeros((4, *shape))
    seen = u >= 0
    left, top = u[seen].astype(int), v[seen].astype(int)
    corners = [(top + y, left + x) for y in (0, 1) for x in (0, 1)]
    for corner in corners:
        np.maximum.at(greatest, corner, near[seen])
    for rows, columns in corners:
        weight = (1 - np.abs(v[seen] - rows)) * (1 - np.abs(u[seen] - columns)) + 1e-3
        weight *= near[seen] >= 0.8 * greatest[rows, columns]
        for sums, told in ((weights, 1), (values, near[seen]), (spreads, spread[seen])):
            np.add.at(sums, (rows, columns), weight * told)
    known = weights > 0
    np.testing.assert_array_equal(_greatest(u, v, near), greatest.astype(np.float32))
    found = _averaged(u, v, near, spread, _greatest(u, v, near))
    for each, sums in zip(found, (values, spreads)):
        np.testing.assert_allclose(each[known], sums[known] / weights[known], rtol=1e-4)
        assert not each[~known].any()


def test_only_what_is_told_is_carried(corridor: Make) -> None:
    scene = corridor((0, 0, 0), (0, 0, 0.5))
    told = np.zeros((360, 640), bool)
    told[250:300, 100:200] = True
    found = carried(measured(scene), told, Egomotion(R=scene.R, T=scene.heading), 1.0, scene.focal, scene.centre)
    rows, columns = np.nonzero(found.deviation)
    assert rows.min() > 250 and rows.max() < 330 and columns.min() > 50 and columns.max() < 200
    assert len(rows) > told.sum(), "it comes nearer without gaps"


def test_what_is_near_hides_what_is_far() -> None:
    """A near strip that moves to the left over a far wall."""
    rho = np.full((80, 160), 0.01, np.float32)
    rho[:, 60:80] = 0.2
    depth = InverseDepth(rho, np.full_like(rho, 0.001), np.ones_like(rho, bool), 0.01)
    motion = Egomotion(R=np.eye(3), T=np.array([1.0, 0, 0]))
    found = carried(depth, depth.valid, motion, 1.0, 100.0, (79.5, 39.5))
    np.testing.assert_allclose(found.value[5:-5, 42:58], 0.2, rtol=1e-5)
    np.testing.assert_allclose(found.value[5:-5, 5:38], 0.01, rtol=1e-5)
    assert not found.deviation[5:-5, 62:76].any(), "what the strip hid is not known"


@pytest.mark.parametrize("T", [(0.05, -0.02, 0.6), (0.1, 0.05, -0.5)])
def test_the_pairs_before_fill_what_this_one_does_not_tell(corridor: Make, T: Any) -> None:
    scene = corridor((0.2, 0.5, -0.1), T)
    truth = np.linalg.norm(scene.T) / (scene.depth - scene.T[2])
    earlier = (7.0 / scene.depth).astype(np.float32)
    depth = replace(measured(scene), valid=measured(scene).valid.copy())
    depth.valid[200:, 400:] = False
    fused = fuse(depth, float(scene.heading[2]), Nearness(earlier, np.float32(0.01) * earlier))
    added = fused.valid & ~depth.valid
    assert added[220:300, 420:600].all()
    np.testing.assert_allclose(fused.inverse_depth[added], truth[added], rtol=0.02)
    assert fused.typical == depth.typical


def test_both_are_weighed_by_their_variance() -> None:
    rho = flat(1.0, 0.01)
    rho.inverse_depth[::8, ::8] = 1.02
    fused = fuse(rho, 0.0, nearness(3.0, 0.06), EXACT)  # three times as near in its own unit, twice as uncertain
    assert fused.inverse_depth[0, 0] == pytest.approx(1.02 - 0.02 / 5, rel=1e-4)
    assert fused.deviation[0, 0] == pytest.approx(0.01 * np.sqrt(4 / 5), rel=1e-4)


def test_where_they_contradict_this_pair_is_believed() -> None:
    rho = flat(1.0, 0.01)
    rho.inverse_depth[20:30, 20:30] = 1.5
    fused = fuse(rho, 0.0, nearness(1.0, 0.01), EXACT)
    assert (fused.inverse_depth[20:30, 20:30] == 1.5).all() and fused.valid.all()


def test_nothing_is_added_where_no_flow_tells_of_depth() -> None:
    rho = flat(1.0, 0.01)
    rho.valid[:, :20] = False
    rho.deviation[:10, :20] = 0.6
    fused = fuse(rho, 0.0, nearness(1.0, 0.01))
    assert not fused.valid[:10, :20].any() and fused.valid[10:].all()


def test_without_a_common_scale_nothing_is_taken() -> None:
    rho, earlier = flat(1.0, 0.01), nearness(1.0, 0.01)
    earlier.value[:] = np.random.default_rng(0).uniform(0.1, 4, earlier.value.shape)
    assert fuse(rho, 0.0, earlier) is rho
    assert fuse(rho, 0.0, nearness(0.0, 0.0)) is rho
    assert fuse(flat(1.0, 0.01, valid=False), 0.0, nearness(1.0, 0.01)).valid.sum() == 0


def test_what_lies_beside_the_second_camera_has_no_inverse_depth_there() -> None:
    rho, earlier = flat(1.0, 0.01), nearness(0.5, 0.005)  # Z = 2 is 1 from a camera one step ahead
    rho.valid[:10] = False
    earlier.value[:10] = 0.99
    fused = fuse(rho, 1.0, earlier)
    assert not fused.valid[:10].any() and fused.valid[10:].all()
    np.testing.assert_allclose(fused.inverse_depth[10:], 1.0, rtol=1e-3)
