"""Cuts jump to another street, duplicates repeat the frame before."""

from itertools import pairwise

import numpy as np
import pytest

from simulation import DriveParameters, Frame, render
from simulation.timeline import make_timeline

from .conftest import SMALL

PARAMETERS = DriveParameters(seed=5, frames=14, fps=10, cuts=2, duplicates=3, noise=2, **SMALL)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return list(render(PARAMETERS))


def test_the_timeline_has_as_many_cuts_and_duplicates_as_asked_for() -> None:
    for seed in range(50):
        timeline = make_timeline(DriveParameters(seed=seed, frames=14, cuts=2, duplicates=3))
        parts = np.array([moment.part for moment in timeline])
        sources = np.array([moment.source for moment in timeline])
        assert len(timeline) == 14 and sorted(set(parts)) == [0, 1, 2]
        assert np.count_nonzero(np.diff(parts) == 1) == 2 and (np.diff(parts) >= 0).all()
        assert np.count_nonzero(np.diff(sources) == 0) == 3
        # what is no duplicate shows its own moment
        assert all(source in (index, before) for index, (before, source) in enumerate(pairwise(sources), 1))


def test_a_cut_shows_another_street(frames: list[Frame]) -> None:
    cuts = [index for index, frame in enumerate(frames) if frame.cut]
    assert len(cuts) == 3 and cuts[-1] == 13
    for index in cuts:
        frame = frames[index]
        assert np.isnan(frame.flow).all() and not frame.visible.any() and not frame.moving.any()
        assert np.allclose(frame.R, np.eye(3), atol=1e-12) and not frame.T.any()
    steps = [np.abs(a.image.astype(int) - b.image).mean() for a, b in pairwise(frames)]
    across = [step for index, step in enumerate(steps) if index in cuts]
    assert min(across) > 2 * max(step for index, step in enumerate(steps) if index not in cuts)


def test_a_duplicate_repeats_the_frame_to_the_bit(frames: list[Frame]) -> None:
    same = [index for index in range(13) if np.array_equal(frames[index].image, frames[index + 1].image)]
    assert len(same) == 3
    for index in same:
        frame = frames[index]
        assert not frame.T.any() and np.allclose(frame.R, np.eye(3), atol=1e-12)
        assert np.abs(frame.flow).max() < 1e-4
        assert not frame.moving.any() and frame.visible.all()
