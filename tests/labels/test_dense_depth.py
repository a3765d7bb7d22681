"""Depth beside what was measured: between matches, near the focus of expansion, under the ground."""

import cv2
import numpy as np
import pytest

from labels.dense_depth import (
    MEASURED,
    NONE,
    PLANE,
    PROPAGATED,
    SKY,
    DenseParameters,
    _bridged,
    _fill,
    complete,
)
from labels.depth import InverseDepth

HEIGHT, WIDTH, HORIZON, SLOPE = 120, 160, 40.0, 0.01
NOWHERE = np.zeros((HEIGHT, WIDTH), bool)
EVERYWHERE = ~NOWHERE


def ground() -> np.ndarray:
    """Inverse depth (H, W) of a ground that begins at the horizon, and of something far above it."""
    rows = np.arange(HEIGHT, dtype=np.float32)[:, None] - np.float32(HORIZON)
    return np.repeat(np.where(rows > 0, SLOPE * rows, 0.05), WIDTH, 1).astype(np.float32)


def measured(rho: np.ndarray, valid: np.ndarray, deviation: float = 0.01) -> InverseDepth:
    """What was measured, equally well everywhere."""
    return InverseDepth(rho, np.full_like(rho, deviation), valid, float(np.median(rho[valid])))


def test_surfaces_go_on_with_less_certainty_the_farther_they_go() -> None:
    valid = EVERYWHERE.copy()
    valid[60:90, 40:120] = False
    found = complete(measured(ground(), valid), NOWHERE, HORIZON, EVERYWHERE, NOWHERE)
    assert (found.origin[valid] == MEASURED).all() and (found.origin[~valid] == PROPAGATED).all()
    np.testing.assert_allclose(found.inverse_depth[45:], ground()[45:], rtol=0.05)
    assert found.deviation[75, 80] > found.deviation[62, 80] > found.deviation[58, 80]


def test_nothing_is_made_up_where_the_flow_does_not_go_on() -> None:
    valid = EVERYWHERE.copy()
    valid[60:90, 40:120] = False
    found = complete(measured(ground(), valid), NOWHERE, HORIZON, NOWHERE, NOWHERE)
    assert (found.origin[~valid] == NONE).all()


def test_what_moves_or_is_fixed_gets_no_depth() -> None:
    barred = NOWHERE.copy()
    barred[100:] = True
    found = complete(measured(ground(), EVERYWHERE), NOWHERE, HORIZON, EVERYWHERE, barred)
    assert (found.origin[barred] == NONE).all() and not found.ranked[barred].any()


def test_depth_edges_hide_what_is_not_measured() -> None:
    rho = ground()
    rho[50:110, 60:100] += 0.5
    valid = EVERYWHERE.copy()
    valid[60:90, 55:65] = False
    found = complete(measured(rho, valid), NOWHERE, HORIZON, EVERYWHERE, NOWHERE)
    assert (found.origin[65:85, 60] == NONE).all()


def test_asphalt_that_was_copied_is_put_on_the_ground() -> None:
    rho = ground()
    rho[80:100, 60:100] = 0.02
    found = complete(measured(rho, EVERYWHERE), NOWHERE, HORIZON, EVERYWHERE, NOWHERE)
    assert (found.origin[85:95, 65:95] == PLANE).all()
    np.testing.assert_allclose(found.inverse_depth[85:95, 65:95], ground()[85:95, 65:95], rtol=0.1)
    assert found.ground_slope == pytest.approx(SLOPE, rel=0.05)


def test_the_sky_is_farthest_and_has_no_place_in_the_order() -> None:
    above = NOWHERE.copy()
    above[:20] = True
    found = complete(measured(ground(), EVERYWHERE), above, HORIZON, EVERYWHERE, NOWHERE)
    assert (found.origin[above] == SKY).all() and (found.inverse_depth[above] == 0).all()
    assert not found.ranked[above].any() and found.ranked[~above].all()
    without = complete(
        measured(ground(), EVERYWHERE), above, HORIZON, EVERYWHERE, NOWHERE, DenseParameters(sky_far=False)
    )
    assert (without.origin[above] == NONE).all()


def test_near_the_focus_of_expansion_depth_is_that_around() -> None:
    rho, y, x = ground(), *np.mgrid[:HEIGHT, :WIDTH]
    blind = np.hypot(y - 80, x - 80) < 12
    noise = np.random.default_rng(3).uniform(0, 5, rho.shape).astype(np.float32)
    depth = InverseDepth(
        np.where(blind, noise, rho), np.where(blind, 5.0, 0.002).astype(np.float32), ~blind, float(np.median(rho))
    )
    found = complete(depth, NOWHERE, HORIZON, EVERYWHERE, NOWHERE)
    assert np.abs(found.inverse_depth - rho)[blind].mean() < 0.1 * rho[80, 80]


def test_what_earlier_pairs_told_counts_as_propagated() -> None:
    own = EVERYWHERE.copy()
    own[60:90, 40:120] = False
    found = complete(measured(ground(), EVERYWHERE), NOWHERE, HORIZON, NOWHERE, NOWHERE, own=own)
    assert (found.origin[own] == MEASURED).all() and (found.origin[~own] == PROPAGATED).all()
    np.testing.assert_allclose(found.inverse_depth[60:90], ground()[60:90], rtol=0.05)


def rough(random: np.random.Generator, low: float, high: float) -> np.ndarray:
    """Numbers (H, W) of which each tells nothing of the next."""
    return random.uniform(low, high, (HEIGHT, WIDTH)).astype(np.float32)


def test_pixels_lean_on_the_blocks_around_them_by_their_weights() -> None:
    """Pull and push in double precision, with steps from one pixel of a row to the next but one."""
    random = np.random.default_rng(7)
    depth = measured(rough(random, 0, 2), random.random((HEIGHT, WIDTH)) < 0.6)
    known = random.random((HEIGHT, WIDTH)) < 0.7
    depth.deviation[:] = rough(random, 0.001, 3)
    weight = known / (depth.deviation.astype(float) + 0.01 * depth.typical) ** 2
    levels = [(weight, weight * depth.inverse_depth)]
    while min(levels[-1][0].shape) > 4:
        half = tuple((side + 1) // 2 for side in levels[-1][0].shape[::-1])
        levels.append(tuple(4 * cv2.resize(each, half, interpolation=cv2.INTER_AREA) for each in levels[-1]))
    prior = 1 / (0.25 * depth.typical) ** 2
    mean = levels[-1][1] / levels[-1][0]
    for total, sums in levels[-2::-1]:
        mean = (sums + prior * cv2.resize(mean, total.shape[::-1])) / (total + prior)
    rho, deviation, steps = _bridged(depth, known, 0.25)
    np.testing.assert_allclose(rho, np.where(known, mean, depth.inverse_depth), rtol=1e-4)
    limited = np.where(known, np.minimum(depth.deviation, np.float32(0.5 * depth.typical)), depth.deviation)
    np.testing.assert_array_equal(deviation, limited)
    wanted = np.abs(rho[:, 2:] - rho[:, :-2]) / (2 * np.maximum(rho[:, 1:-1], 0.25 * depth.typical))
    np.testing.assert_allclose(steps, np.pad(wanted, ((0, 0), (1, 1)), mode="edge"), rtol=1e-5)


def test_what_is_filled_is_asked_for_and_smooth_and_doubtful_by_its_distance() -> None:
    random = np.random.default_rng(8)
    rho, known, distance, changes = rough(random, 0, 2), rough(random, 0, 1), rough(random, 0, 40), rough(random, 0, 1)
    asked, origin = random.random(rho.shape) < 0.5, random.integers(0, 2, rho.shape, np.uint8)
    deviation, filled = known.copy(), asked & (changes < 0.3)
    found = origin.copy()
    _fill(deviation, found, rho, distance, changes, asked, np.float32(0.05), np.float32(0.3))
    np.testing.assert_array_equal(found, np.where(filled, PROPAGATED, origin))
    np.testing.assert_allclose(deviation, np.where(filled, np.hypot(known, 0.05 * distance * rho), known), rtol=1e-5)
