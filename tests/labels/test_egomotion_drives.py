"""The camera's motion in simulated drives, of which it is known exactly."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest

from labels.egomotion import Egomotion, EgomotionParameters, fit
from labels.flow import flow
from simulation import DriveParameters, Frame, render

Angle = Callable[..., float]


@dataclass(frozen=True)
class Pair:
    """Two frames, the flow between them as the engine finds it, and the true motion."""

    images: tuple[np.ndarray, np.ndarray]
    flow: np.ndarray
    support: np.ndarray
    R: np.ndarray
    T: np.ndarray
    focal: float
    centre: tuple[float, float]

    @property
    def heading(self) -> np.ndarray:
        return self.T / np.linalg.norm(self.T)

    def fit(self, parameters: EgomotionParameters | None = None, images: bool = True, **more: Any) -> Egomotion:
        shown = self.images if images else None
        return fit(self.flow, self.support, self.focal, self.centre, parameters, images=shown, **more)


def pair(first: Frame, second: np.ndarray, R: np.ndarray, T: np.ndarray) -> Pair:
    K = first.K
    return Pair((first.image, second), *flow(first.image, second), R, T, float(K[0, 0]), (K[0, 2], K[1, 2]))


def frames(**drive: Any) -> list[Frame]:
    return list(render(DriveParameters(fps=10, **drive)))


@pytest.fixture(scope="module")
def driven() -> list[Frame]:
    return frames(seed=31, frames=5, noise=2, blur=0.6, traffic=1.5, curves=0.6)


@pytest.fixture(scope="module")
def drive(driven: list[Frame]) -> list[Pair]:
    return [pair(first, second.image, first.R, first.T) for first, second in pairwise(driven)]


@pytest.fixture(scope="module")
def reversing(driven: list[Frame]) -> list[Pair]:
    return [pair(second, first.image, first.R.T, -first.R.T @ first.T) for first, second in pairwise(driven[:4])]


@pytest.fixture(scope="module")
def standing() -> list[Frame]:
    return frames(seed=5, frames=5, speed=0, bumps=0, traffic=4, noise=2)


def errors(pairs: list[Pair], found: list[Egomotion], angle_deg: Angle) -> tuple[np.ndarray, np.ndarray]:
    headings = [angle_deg(motion.T, each.heading) for motion, each in zip(found, pairs, strict=True)]
    rotations = [angle_deg(motion.R, each.R) for motion, each in zip(found, pairs, strict=True)]
    return np.array(headings), np.array(rotations)


def test_the_motion_of_a_drive_in_traffic(drive: list[Pair], angle_deg: Angle) -> None:
    found = [each.fit() for each in drive]
    assert [motion.reason for motion in found] == [""] * len(drive)
    headings, rotations = errors(drive, found, angle_deg)
    assert np.median(headings) < 0.12
    assert headings.max() < 0.4
    assert rotations.max() < 0.02


def test_the_frames_tell_more_than_their_flow(drive: list[Pair], angle_deg: Angle) -> None:
    with_frames, without = (
        errors(drive, [each.fit(images=shown) for each in drive], angle_deg) for shown in (True, False)
    )
    assert with_frames[0].mean() < 0.7 * without[0].mean()
    assert with_frames[1].mean() < 0.8 * without[1].mean()
    never = replace(EgomotionParameters(), photometric_samples=0)
    np.testing.assert_array_equal(drive[0].fit(never).T, drive[0].fit(images=False).T)


def test_the_focus_is_as_far_off_as_it_says(drive: list[Pair]) -> None:
    ratios = []
    for each in drive:
        motion = each.fit()
        focus = np.array(motion.focus_of_expansion(each.focal, each.centre))
        true = np.array(Egomotion(T=each.heading).focus_of_expansion(each.focal, each.centre))
        ratios.append(np.linalg.norm(focus - true) / motion.focus_sd_px)
    assert 0.1 < np.median(ratios) < 3


def test_tracking_with_frames_ends_where_a_search_does(drive: list[Pair], angle_deg: Angle) -> None:
    previous, tracked = None, []
    for each in drive:
        previous = each.fit(previous=previous)
        tracked.append(previous)
    assert [motion.tracked_pairs for motion in tracked] == [0, 1, 2, 3]
    for motion, each in zip(tracked, drive, strict=True):
        assert angle_deg(motion.T, each.fit().T) < 0.05


def test_reversing_is_seen_as_such(reversing: list[Pair], angle_deg: Angle) -> None:
    found = [each.fit() for each in reversing]
    assert [motion.reason for motion in found] == [""] * len(reversing)
    assert all(motion.T[2] < 0 for motion in found)
    assert errors(reversing, found, angle_deg)[0].max() < 0.5


def test_swapped_frames_invert_the_motion(drive: list[Pair], reversing: list[Pair], angle_deg: Angle) -> None:
    for ahead, back in zip(drive, reversing, strict=False):
        forward, backward = ahead.fit(), back.fit()
        assert angle_deg(backward.T, -forward.R.T @ forward.T) < 0.5
        assert angle_deg(backward.R, forward.R.T) < 0.02


def test_cars_that_pass_a_standing_camera_are_no_motion_of_it(standing: list[Frame]) -> None:
    assert any(frame.moving.mean() > 0.01 for frame in standing)
    for first, second in pairwise(standing):
        assert pair(first, second.image, np.eye(3), np.zeros(3)).fit().reason == "no_parallax"


@pytest.mark.parametrize("rotation_deg", [(0.0, 2.0, 0.0), (0.4, -1.0, 0.3)])
def test_a_camera_that_only_turns_among_cars_has_no_parallax(standing: list[Frame], rotation_deg: Any) -> None:
    R = cv2.Rodrigues(np.deg2rad(np.array(rotation_deg)))[0]
    first, second = standing[:2]
    homography = first.K @ R.T @ np.linalg.inv(first.K)
    size = first.image.shape[1::-1]
    turned = cv2.warpPerspective(second.image, homography, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    assert pair(first, turned, R, np.zeros(3)).fit().reason == "no_parallax"


def test_the_paper_s_objective_errs_more(drive: list[Pair], angle_deg: Angle) -> None:
    reference = replace(EgomotionParameters(), method="reference")
    ours, theirs = (errors(drive, [each.fit(which) for each in drive], angle_deg) for which in (None, reference))
    assert theirs[0].mean() > 2 * ours[0].mean()
    assert theirs[0].max() < 10
