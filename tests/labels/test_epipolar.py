from collections.abc import Callable

import cv2
import numpy as np
import pytest

from labels.epipolar import (
    FOCAL,
    CameraMotion,
    camera_motion,
    geometry,
    normals,
    on_plane,
    parallax_at,
    parallaxes,
    point_at,
    refitted,
)

HEIGHT, WIDTH = 360, 640
CENTRE = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
MOTIONS = {
    "ahead": ((0.1, 0.3, -0.1), (0.02, -0.01, 1.0)),
    "turning": ((0.5, 6.0, 1.0), (0.1, 0.0, 1.0)),
    "back": ((0.0, -0.5, 0.2), (0.1, 0.0, -1.0)),
    "aside": ((0.2, 0.5, 0.0), (1.0, 0.05, 0.1)),
    "other side": ((0.0, -1.0, 0.3), (-1.0, 0.0, 0.2)),
}
Angle = Callable[[np.ndarray, np.ndarray], float]


def motion(
    rotation_deg: tuple[float, float, float], T: tuple[float, float, float], share: float = FOCAL
) -> CameraMotion:
    R = cv2.Rodrigues(np.deg2rad(np.array(rotation_deg)))[0]
    return CameraMotion(R, np.array(T) / np.linalg.norm(T), share * WIDTH, 1.0)


def matches(
    camera: CameraMotion, count: int = 800, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Start and end pixels (N, 2) and depths in both frames (N,) of random still points, seen from both places."""
    generator = np.random.default_rng(seed)
    starts = generator.uniform((0, 0), (WIDTH - 1, HEIGHT - 1), (count, 2))
    depth = 1 / generator.uniform(1 / 60, 1 / 4, count)
    rays = np.column_stack([(starts - CENTRE) / camera.focal, np.ones(count)])
    second = (depth[:, None] * rays - camera.T) @ camera.R
    return starts, second[:, :2] / second[:, 2:] * camera.focal + CENTRE, depth, second[:, 2]


def off_line(found: CameraMotion, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Distance of the ends from the lines of their starts, px."""
    line = geometry(found, HEIGHT, WIDTH)
    return np.array([abs(parallax_at(line, on_plane(line, *a), *b)[2]) for a, b in zip(starts, ends)])


@pytest.mark.parametrize("name", MOTIONS)
def test_exact_matches_give_the_motion(name: str, angle_deg: Angle) -> None:
    true = motion(*MOTIONS[name])
    starts, ends, _, _ = matches(true)
    found = camera_motion(starts, ends, HEIGHT, WIDTH)
    assert angle_deg(found.T, true.T) < 1e-3
    assert angle_deg(found.R, true.R) < 1e-4
    assert off_line(found, starts, ends).max() < 1e-3
    assert found.near == 1.0


@pytest.mark.parametrize("name", MOTIONS)
def test_forty_percent_of_outliers_do_not_move_the_lines(name: str) -> None:
    true = motion(*MOTIONS[name])
    starts, ends, _, _ = matches(true)
    generator = np.random.default_rng(1)
    wrong = generator.random(len(starts)) < 0.4
    spoilt = np.where(wrong[:, None], ends + generator.uniform(-80, 80, ends.shape), ends)
    spoilt += generator.normal(0, 0.1, ends.shape)
    found = camera_motion(starts, spoilt, HEIGHT, WIDTH)
    assert np.median(off_line(found, starts, ends)) < 0.05
    assert 0 <= found.near - (~wrong).mean() < 0.08


@pytest.mark.parametrize("share", [0.58, 0.7, 1.1])
def test_a_wrong_focal_length_hardly_moves_the_lines_of_a_camera_that_drives_ahead(share: float) -> None:
    starts, ends, _, _ = matches(motion((0.2, 0.8, 0.1), (0.03, -0.01, 1.0), share))
    assert np.median(off_line(camera_motion(starts, ends, HEIGHT, WIDTH), starts, ends)) < 0.05


def test_a_fit_to_known_noise_counts_each_match_by_its_own(angle_deg: Angle) -> None:
    true = motion(*MOTIONS["ahead"])
    starts, ends, _, _ = matches(true)
    generator = np.random.default_rng(3)
    sigma = np.where(np.arange(len(starts)) % 2, 0.02, 2.0)
    noisy = ends + generator.normal(0, 1, ends.shape) * sigma[:, None]
    start = motion((0.1, 0.5, -0.1), (0.06, -0.03, 1.0))
    found = refitted(start, starts, noisy, sigma, HEIGHT, WIDTH)
    blind = refitted(start, starts, noisy, np.full(len(starts), 0.5), HEIGHT, WIDTH)
    assert angle_deg(found.T, true.T) < 0.02
    assert angle_deg(blind.T, true.T) > 3 * angle_deg(found.T, true.T)
    assert (found.focal, found.near) == (start.focal, start.near)


def test_matches_without_a_motion_are_not_near_any_line() -> None:
    generator = np.random.default_rng(2)
    starts, ends = (generator.uniform((0, 0), (WIDTH, HEIGHT), (500, 2)) for _ in range(2))
    assert camera_motion(starts, ends, HEIGHT, WIDTH).near < 0.2


@pytest.mark.parametrize("name", MOTIONS)
def test_parallax_is_inverse_depth(name: str) -> None:
    true = motion(*MOTIONS[name])
    line = geometry(true, HEIGHT, WIDTH)
    for start, end, depth, _ in zip(*matches(true, 50)):
        plane = on_plane(line, *start)
        k, _, off = parallax_at(line, plane, *end)
        assert k == pytest.approx(1 / depth, abs=1e-9)
        assert off == pytest.approx(0, abs=1e-6)
        np.testing.assert_allclose(point_at(line, plane, k), end, atol=1e-6)


@pytest.mark.parametrize("name", MOTIONS)
def test_the_way_back_has_the_same_points_on_its_lines(name: str) -> None:
    true = motion(*MOTIONS[name])
    back = geometry(true.back(), HEIGHT, WIDTH)
    for start, end, _, depth in zip(*matches(true, 50)):
        k, _, off = parallax_at(back, on_plane(back, *end), *start)
        assert k == pytest.approx(1 / depth, abs=1e-9)
        assert off == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", MOTIONS)
def test_gain_is_the_speed_along_the_line_and_off_the_distance_from_it(name: str) -> None:
    true = motion(*MOTIONS[name])
    line = geometry(true, HEIGHT, WIDTH)
    for start, end, depth, _ in zip(*matches(true, 50)):
        plane = on_plane(line, *start)
        step = (np.array(point_at(line, plane, 1 / depth + 1e-6)) - point_at(line, plane, 1 / depth - 1e-6)) / 2e-6
        speed = float(np.linalg.norm(step))
        gain = parallax_at(line, plane, *end)[1]
        assert gain == pytest.approx(speed, rel=1e-5)
        normal = np.array([-step[1], step[0]]) / speed
        off = parallax_at(line, plane, *(end + 2.0 * normal))[2]
        assert abs(off) == pytest.approx(2.0, rel=0.05)  # exact where the line is not foreshortened


def test_parallax_is_linear_on_a_plane() -> None:
    """On n . X = d inverse depth is n . K^-1 x / d."""
    true = motion(*MOTIONS["turning"])
    line, n, d = geometry(true, HEIGHT, WIDTH), np.array([0.1, 0.9, 0.05]), 3.0
    y, x = np.mgrid[4:HEIGHT:8, 4:WIDTH:8].astype(float)
    rays = np.stack([(x - CENTRE[0]) / true.focal, (y - CENTRE[1]) / true.focal, np.ones_like(x)], -1)
    inverse_depth = rays @ n / d
    second = (rays - true.T * inverse_depth[..., None]) @ true.R
    ends = second[..., :2] / second[..., 2:] * true.focal + CENTRE
    seen = (inverse_depth > 0.01) & (second[..., 2] > 0.1)
    assert np.count_nonzero(seen) > 1000
    displacements = (ends - np.stack([x, y], -1)).astype(np.float32)
    found = parallaxes(displacements, 8, 4, 4, line)
    # the displacements are rounded to float32, whose error in parallax the gain tells
    error = np.abs(found[..., 0] - inverse_depth) * found[..., 1]
    assert error[seen].max() < 1e-4
    assert np.abs(found[..., 2])[seen].max() < 1e-4


def test_without_rotation_the_plane_at_infinity_stays() -> None:
    line = geometry(motion((0, 0, 0), (0.3, -0.1, 0.9)), HEIGHT, WIDTH)
    np.testing.assert_allclose(line.H, np.eye(3), atol=1e-12)
    assert point_at(line, on_plane(line, 100.0, 50.0), 0.0) == pytest.approx((100.0, 50.0))


def test_points_that_the_camera_passes_stay_finite() -> None:
    line = geometry(motion((0, 0, 0), (0, 0, 1)), HEIGHT, WIDTH)
    for k in (0.99, 1.0, 1.01, 50.0):
        x, y = point_at(line, on_plane(line, 639.0, 359.0), k)
        assert np.isfinite([x, y]).all()
        assert max(abs(x), abs(y)) < 25 * WIDTH


@pytest.mark.parametrize("name", ["ahead", "aside"])
def test_normals_stand_on_the_lines(name: str) -> None:
    true = motion(*MOTIONS[name])
    line, weight = geometry(true, HEIGHT, WIDTH), 100.0
    flow, free = np.full((HEIGHT, WIDTH, 2), (3.0, -2.0), np.float32), np.zeros((HEIGHT, WIDTH), bool)
    free[100:120, 200:240] = True
    found = normals(flow, free, line, weight)
    assert not found[100:120, :, 200:240].any()
    epipole = line.e[:2] / line.e[2] * line.scale + CENTRE
    for y in range(3, HEIGHT, 40):
        for x in range(5, WIDTH, 40):
            towards = epipole - (x + 3, y - 2)
            if free[y, x] or np.linalg.norm(towards) < 60:
                continue
            assert found[y, :, x] @ towards / np.linalg.norm(towards) == pytest.approx(0, abs=1e-3 * weight)
            assert np.linalg.norm(found[y, :, x]) == pytest.approx(weight, rel=0.01)


def test_normals_fade_at_the_epipole() -> None:
    line = geometry(motion((0, 0, 0), (0, 0, 1)), HEIGHT, WIDTH)
    found = normals(np.zeros((HEIGHT, WIDTH, 2), np.float32), np.zeros((HEIGHT, WIDTH), bool), line, 1.0)
    lengths = np.hypot(found[:, 0], found[:, 1])
    assert lengths[180, 320] < 0.3
    assert lengths[180, 340] > 0.9
