from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labels.egomotion import Egomotion
from labels.motion_peeling import peeled
from labels.sequential_segmentation import (
    Components,
    SequentialParameters,
    background,
    carried,
    components,
    projection_error,
)

PARAMETERS = SequentialParameters()


class Drive:
    """Pairs of a corridor in which a box moves by a fixed flow, box by box where it has got to."""

    def __init__(self, scene: Any, velocity: tuple[int, int]) -> None:
        self.scene, self.velocity = scene, velocity
        self.motion = Egomotion(R=scene.R, T=scene.heading)
        self.camera = scene.focal, scene.centre, (0.3, 0.02)

    def box(self, number: int) -> tuple[slice, slice]:
        x, y = 300 + number * self.velocity[0], 220 + number * self.velocity[1]
        return np.s_[y : y + 60, x : x + 60]

    def flow(self, number: int, moves: bool = True) -> np.ndarray:
        flow = self.scene.flow()
        if moves:
            flow[self.box(number)] = self.velocity
        return flow

    def step(self, number: int, before: Components | None = None, moves: bool = True, known: bool = True) -> Components:
        expected = None if before is None else carried(before, self.flow(number - 1), 1.0, PARAMETERS)
        flow = self.flow(number, moves)
        if not known:
            flow[self.box(number)] = np.nan
        return components(flow, self.motion, *self.camera, expected, PARAMETERS)


@pytest.fixture
def drive(corridor: Callable[..., Any]) -> Drive:
    return Drive(corridor((0, 0, 0), (0, 0, 0.6)), (8, -4))


def test_a_mover_keeps_its_label_as_it_goes(drive: Drive) -> None:
    found = None
    for number in range(4):
        found = drive.step(number, found)
        truth = np.zeros(found.labels.shape, bool)
        truth[drive.box(number)] = True
        assert (found.labels[truth] == 1).mean() > 0.95
        assert (found.labels[~truth] > 0).mean() < 0.005


def test_the_first_pair_is_weighed_too(drive: Drive) -> None:
    """Noise hides a small thing from the threshold; by its direction it is told all the same."""
    flow = drive.flow(0, moves=False)
    flow += np.random.default_rng(0).normal(0, 0.3, flow.shape).astype(np.float32)
    thing = np.s_[250:270, 100:120]
    flow[thing] += np.float32([0, -3])
    error = projection_error(flow, drive.motion, drive.scene.focal, drive.scene.centre)
    assert not peeled(error, 23, PARAMETERS.effectiveness, PARAMETERS.most_components).any()
    found = components(flow, drive.motion, *drive.camera, None, PARAMETERS)
    assert (found.labels[thing] > 0).mean() > 0.8
    found.labels[thing] = 0
    assert (found.labels > 0).mean() < 0.01


def test_where_flow_says_nothing_what_was_believed_stays(drive: Drive) -> None:
    expected = carried(drive.step(0), drive.flow(0), 1.0, PARAMETERS)
    flow = drive.flow(1)
    rows, columns = drive.box(1)
    flow[rows.start : rows.start + 30, columns] = np.nan
    found = components(flow, drive.motion, *drive.camera, expected, PARAMETERS)
    assert (found.labels[rows.start + 4 : rows.start + 30, columns] == 1).mean() > 0.95


def test_a_component_without_flow_is_dropped(drive: Drive) -> None:
    found = drive.step(1, drive.step(0), known=False)
    assert not found.labels.any() and len(found.posteriors) == 0


def test_what_starts_becomes_a_component(drive: Drive) -> None:
    still = drive.step(0, moves=False)
    assert not still.labels.any() and len(still.posteriors) == 0
    assert (drive.step(1, still).labels[drive.box(1)] == 1).mean() > 0.95


def test_a_thing_is_expected_where_its_flow_leads(drive: Drive) -> None:
    for elapsed in (1.0, 2.0):
        expected = carried(drive.step(0), drive.flow(0), elapsed, PARAMETERS)
        there = np.zeros(expected.shape[1:], bool)
        there[drive.box(int(elapsed))] = True
        # but for its rim, and some of the still scene that was carried along
        assert np.count_nonzero(there & background(expected)) < 0.15 * there.sum()
        assert np.count_nonzero(~there & ~background(expected)) < 0.1 * there.sum()


def test_it_starts_anew_where_no_background_is_left(drive: Drive) -> None:
    everything = np.ones((1, *drive.flow(0).shape[:2]), np.float32)
    flow = np.zeros_like(drive.flow(0)) + np.float32([9, -5])
    flow[:2] = drive.flow(0, moves=False)[:2]
    found = components(flow, drive.motion, *drive.camera, everything, PARAMETERS)
    fresh = components(flow, drive.motion, *drive.camera, None, PARAMETERS)
    np.testing.assert_array_equal(found.labels, fresh.labels)


def test_beliefs_of_frames_of_another_size_are_forgotten(drive: Drive) -> None:
    other = np.ones((1, 10, 10), np.float32)
    found = components(drive.flow(0), drive.motion, *drive.camera, other, PARAMETERS)
    np.testing.assert_array_equal(found.labels, drive.step(0).labels)


def test_the_error_is_the_distance_from_the_epipolar_line_or_the_length_against_it(drive: Drive) -> None:
    focal, centre = drive.scene.focal, drive.scene.centre
    flow = drive.flow(0, moves=False)
    x, y = round(centre[0]) + 100, round(centre[1])
    flow[y, x], flow[y, x + 1] = (5, 3), (-4, 3)
    error = projection_error(flow, drive.motion, focal, centre)
    assert error[y, x] == pytest.approx(3, abs=0.05)
    assert error[y, x + 1] == pytest.approx(5, abs=0.05)
    error[y, x : x + 2] = 0
    assert error.max() < 1e-3


def test_an_unknown_likelihood_is_refused(drive: Drive) -> None:
    with pytest.raises(ValueError, match="unknown likelihood 'best'"):
        components(
            drive.flow(0), drive.motion, *drive.camera, np.zeros((0, *drive.flow(0).shape[:2]), np.float32),
            SequentialParameters(moving_likelihood="best"),
        )  # fmt: skip
