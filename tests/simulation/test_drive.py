"""The truth that comes with a frame is exact: depth, flow, motion, what moves and what is hidden."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from simulation import DriveParameters, Frame, images, render

from .conftest import DRIVE, SMALL, in_next_view, pixels, points

SKY, ROAD, CAR, PEDESTRIAN, BICYCLIST = 0, 3, 8, 9, 10


def static(frame: Frame) -> NDArray[np.bool_]:
    """Pixels of known depth that stand still and lie before the next camera."""
    return np.isfinite(frame.depth) & ~frame.moving & np.isfinite(frame.flow[..., 0])


def test_the_same_seed_gives_the_same_bytes(drive: list[Frame]) -> None:
    again = next(iter(render(DRIVE)))
    for name in ("image", "depth", "flow", "visible", "moving", "classes", "R", "T", "pose"):
        assert getattr(again, name).tobytes() == getattr(drive[0], name).tobytes(), name
    assert again.boxes == drive[0].boxes
    for frame, image in zip(drive, images(DRIVE), strict=True):
        assert np.array_equal(frame.image, image)


def test_another_seed_gives_another_street(drive: list[Frame]) -> None:
    other = next(iter(render(DriveParameters(seed=2, frames=2, **SMALL))))
    assert np.abs(other.image.astype(int) - drive[0].image).mean() > 10


def test_shapes_and_values(drive: list[Frame]) -> None:
    assert len(drive) == 4 and [frame.cut for frame in drive] == [False, False, False, True]
    for number, frame in enumerate(drive):
        assert frame.image.shape == (108, 192, 3) and frame.image.dtype == np.uint8
        assert frame.depth.min() > 0 and np.array_equal(np.isinf(frame.depth), frame.classes == SKY)
        assert np.allclose(frame.K, [[0.8 * 192, 0, 95.5], [0, 0.8 * 192, 53.5], [0, 0, 1]])
        assert np.allclose(frame.R.T @ frame.R, np.eye(3), atol=1e-12) and np.linalg.det(frame.R) > 0
        assert frame.time_s == pytest.approx(number / 10)
    assert np.isnan(drive[-1].flow).all() and not drive[-1].visible.any()


def test_the_road_lies_where_the_height_of_the_camera_says() -> None:
    parameters = DriveParameters(frames=1, bumps=0, curves=0, traffic=0, speed=0, **SMALL)
    (frame,) = render(parameters)
    # the camera looks one degree down, 1.45 m over the road
    down = points(frame)[frame.classes == ROAD] @ [0, np.cos(np.deg2rad(1)), np.sin(np.deg2rad(1))]
    assert len(down) > 3000
    assert np.abs(down - 1.45).max() < 1e-4


def test_the_camera_moves_at_its_speed(drive: list[Frame]) -> None:
    pose = np.eye(4)
    for frame in drive[:-1]:
        assert np.allclose(frame.pose, pose, atol=1e-12)
        step = np.linalg.norm(frame.T)
        assert 10 * 2 / 3 < 10 * step < 10 * 4 / 3
        assert frame.T[2] > 0.99 * step
        pose = pose @ np.vstack([np.column_stack([frame.R, frame.T]), [0, 0, 0, 1]])


def test_flow_of_what_stands_still_is_the_projection_of_its_depth(drive: list[Frame]) -> None:
    for frame in drive[:-1]:
        ends, _ = in_next_view(frame)
        error = np.linalg.norm(ends - pixels(frame) - frame.flow, axis=-1)[static(frame)]
        assert len(error) > 15_000
        assert error.max() < 1e-3


def test_translational_flow_gives_the_depth_back(drive: list[Frame]) -> None:
    # |tau| / |t| = Z - W, with t the flow less the rotation and tau = (-f U + x W, -f V + y W)
    for frame in drive[:-1]:
        chosen = static(frame)
        start = pixels(frame)
        end = np.concatenate([start + frame.flow, np.ones((*start.shape[:2], 1))], -1)
        turned = end @ (frame.K @ frame.R @ np.linalg.inv(frame.K)).T
        t = turned[..., :2] / turned[..., 2:] - start
        tau = -frame.K[0, 0] * frame.T[:2] + (start - frame.K[:2, 2]) * frame.T[2]
        chosen &= np.linalg.norm(t, axis=-1) > 0.05
        cross = (t[..., 0] * tau[..., 1] - t[..., 1] * tau[..., 0])[chosen] / np.linalg.norm(tau, axis=-1)[chosen]
        assert np.abs(cross).max() < 1e-3
        ratio = np.linalg.norm(tau, axis=-1)[chosen] / np.linalg.norm(t, axis=-1)[chosen]
        assert np.allclose(ratio, frame.depth[chosen] - frame.T[2], rtol=1e-3)


def test_the_sky_turns_with_the_camera(drive: list[Frame]) -> None:
    frame = drive[0]
    sky = frame.classes == SKY
    start = np.concatenate([pixels(frame), np.ones((*sky.shape, 1))], -1)
    end = start @ (frame.K @ frame.R.T @ np.linalg.inv(frame.K)).T
    expected = end[..., :2] / end[..., 2:] - start[..., :2]
    assert sky.sum() > 500
    assert np.abs(expected - frame.flow)[sky].max() < 1e-3


def warped(frame: Frame, following: Frame, flow: NDArray[np.floating]) -> NDArray[np.float64]:
    """(H, W): mean absolute difference of the frame and the following one brought back along the flow."""
    x, y = np.moveaxis((pixels(frame) + np.nan_to_num(flow)).astype(np.float32), -1, 0)
    back = cv2.remap(following.image, x, y, cv2.INTER_LINEAR)
    return np.abs(back.astype(float) - frame.image).mean(-1)


def test_the_next_frame_brought_back_along_the_flow_is_this_frame(drive: list[Frame]) -> None:
    for frame, following in pairwise(drive):
        along = warped(frame, following, frame.flow)[frame.visible].mean()
        nowhere = warped(frame, following, np.zeros_like(frame.flow))[frame.visible].mean()
        # what is left is aliasing: a tenth of a second of driving, with textures near the size of the pixels
        assert along < 4 and along < nowhere / 4


def test_what_moves_does_not_follow_the_rigid_flow_and_its_own_flow_is_right(drive: list[Frame]) -> None:
    for frame, following in pairwise(drive):
        rigid = in_next_view(frame)[0] - pixels(frame)
        moving = frame.moving & frame.visible
        assert moving.sum() > 500
        assert set(np.unique(frame.classes[frame.moving])) <= {CAR, PEDESTRIAN, BICYCLIST}
        difference = np.linalg.norm(rigid - frame.flow, axis=-1)[moving]
        assert np.percentile(difference, 2) > 0.02 and np.median(difference) > 1
        assert warped(frame, following, frame.flow)[moving].mean() < warped(frame, following, rigid)[moving].mean() / 2


def test_parked_cars_stand_still_and_nothing_moves_without_traffic() -> None:
    frame = next(iter(render(DriveParameters(seed=1, frames=2, traffic=0, **SMALL))))
    assert (frame.classes == CAR).sum() > 500
    assert not frame.moving.any()


def test_what_hides_a_point_is_nearer_and_what_shows_it_is_as_far(drive: list[Frame]) -> None:
    for frame, following in pairwise(drive):
        ends, depth = in_next_view(frame)
        height, width = depth.shape
        chosen = static(frame) & (ends >= 0).all(-1) & (ends[..., 0] <= width - 1) & (ends[..., 1] <= height - 1)
        x, y = np.rint(ends[chosen]).astype(int).T
        nearest = cv2.erode(following.depth, np.ones((3, 3)))[y, x]
        farthest = cv2.dilate(following.depth, np.ones((3, 3)))[y, x]
        shown, z = frame.visible[chosen], depth[chosen]
        assert (~shown).sum() > 100
        assert (nearest < z)[~shown].all()
        # solids thinner than a pixel may lie between the pixels around the end point
        agrees = (nearest <= 1.02 * z + 0.05) & (farthest >= 0.98 * z - 0.05)
        assert agrees[shown].mean() > 0.995


def test_what_leaves_the_picture_is_not_visible(drive: list[Frame]) -> None:
    frame = drive[0]
    ends = pixels(frame) + frame.flow
    outside = (ends < 0).any(-1) | (ends[..., 0] > 191) | (ends[..., 1] > 107)
    assert outside.sum() > 100
    assert not frame.visible[outside].any()


def test_a_car_that_stops_stands() -> None:
    parameters = DriveParameters(frames=21, fps=4, stops=1, speed=8, width=64, height=64)
    steps = [np.linalg.norm(frame.T) for frame in render(parameters)][:-1]
    assert min(steps) < 1e-9 and max(steps) > 1
