from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labels.egomotion import Egomotion
from labels.motion_segmentation import SegmentationParameters
from labels.moving_things import ThingParameters
from labels.sequential_segmentation import MotionComponents, SequentialParameters

PARAMETERS = SequentialParameters(
    pair=SegmentationParameters(along_lines=False, thing=ThingParameters(gap_px=0), margin_px=0)
)


class Drive:
    """Pairs of a corridor in which a box moves by a fixed flow, box by box where it has got to."""

    def __init__(self, scene: Any, velocity: tuple[int, int]) -> None:
        self.scene, self.velocity = scene, velocity
        self.motion = Egomotion(R=scene.R, T=scene.heading)

    def box(self, number: int) -> tuple[slice, slice]:
        x, y = 300 + number * self.velocity[0], 220 + number * self.velocity[1]
        return np.s_[y : y + 60, x : x + 60]

    def step(self, state: MotionComponents, number: int, moves: bool = True, certain: bool = True) -> np.ndarray:
        flow, support = self.scene.flow(), self.scene.support()
        if moves:
            flow[self.box(number)] = self.velocity
        if not certain:
            support[self.box(number)] = 0
        return state.step(flow, support, self.motion, self.scene.focal, self.scene.centre, (0.3, 0.02))


@pytest.fixture
def drive(corridor: Callable[..., Any]) -> Drive:
    return Drive(corridor((0, 0, 0), (0, 0, 0.6)), (8, -4))


def test_a_mover_keeps_its_label_as_it_goes(drive: Drive) -> None:
    state = MotionComponents(PARAMETERS)
    for number in range(4):
        labels = drive.step(state, number)
        truth = np.zeros(labels.shape, bool)
        truth[drive.box(number)] = True
        assert (labels[truth] == 1).mean() > 0.9
        assert (labels[~truth] > 0).mean() < 0.02


def test_a_pair_that_says_nothing_leaves_what_was_believed(drive: Drive) -> None:
    state = MotionComponents(PARAMETERS)
    drive.step(state, 0)
    assert (drive.step(state, 1, certain=False)[drive.box(1)] == 1).mean() > 0.8
    assert not drive.step(MotionComponents(PARAMETERS), 1, certain=False).any()


def test_what_stops_becomes_still(drive: Drive) -> None:
    state = MotionComponents(PARAMETERS)
    drive.step(state, 0)
    for _ in range(3):
        labels = drive.step(state, 1, moves=False)
    assert (labels > 0).mean() < 0.005


def test_what_starts_becomes_a_component(drive: Drive) -> None:
    state = MotionComponents(PARAMETERS)
    assert not drive.step(state, 0, moves=False).any()
    assert (drive.step(state, 1)[drive.box(1)] > 0).mean() > 0.9


def test_a_reset_forgets(drive: Drive) -> None:
    state = MotionComponents(PARAMETERS)
    drive.step(state, 0)
    state.reset()
    assert not drive.step(state, 1, certain=False).any()
