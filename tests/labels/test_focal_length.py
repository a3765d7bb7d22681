from dataclasses import replace

import numpy as np
import pytest

from labels.egomotion import Egomotion, Samples
from labels.egomotion_refinement import rotation_matrix
from labels.focal_length import FocalLengthParameters, estimate, observe, sensitivity, undistort
from labels.focal_refinement import refine_with_infinity

WIDTH, HEIGHT, ASSUMED = 640, 360, 0.8
FEWER = FocalLengthParameters(min_pairs=12)


def pair(
    random: np.random.Generator, ratio: float, yaw_px: float, noise_px: float = 0.1, radial: float = 0.0
) -> tuple[Samples, Egomotion]:
    """A view of a scene, a third of it far away, by a camera of ``ratio``, as one who assumes 0.8 W sees it."""
    focal = ratio * WIDTH
    x = random.uniform(-310, 310, 500) / focal
    y = random.uniform(-170, 170, 500) / focal
    inverse_depth = np.where(random.uniform(size=500) < 0.3, 0.0, random.uniform(0.01, 0.2, 500))
    w = np.array([random.normal(0, 1) / focal, yaw_px / focal, random.normal(0, 0.002)])
    R, T = rotation_matrix(w), np.array([0.01, 0.02, 1.0])
    T /= np.linalg.norm(T)
    ends = (np.stack([x, y, np.ones(500)], 1) - inverse_depth[:, None] * T) @ R
    x2, y2 = ends[:, 0] / ends[:, 2], ends[:, 1] / ends[:, 2]
    x, y, x2, y2 = (each * ratio / ASSUMED for each in (x, y, x2, y2))
    (x, y), (x2, y2) = distorted(x, y, radial), distorted(x2, y2, radial)
    assumed = ASSUMED * WIDTH
    u, v = (each + random.normal(0, noise_px / assumed, 500) for each in (x2 - x, y2 - y))
    inverse_sigma = assumed / np.hypot(0.4, 0.03 * assumed * np.hypot(u, v))
    seen = w * np.array([ratio / ASSUMED, ratio / ASSUMED, 1])
    motion = Egomotion(rotation_matrix(seen), T, cost=0.1, parallax_snr=20.0, samples=500)
    return Samples(x, y, u, v, inverse_sigma), motion


def distorted(x: np.ndarray, y: np.ndarray, k: float) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of x / (1 + k r^2), r in half widths, by iteration."""
    a, b = x, y
    for _ in range(30):
        factor = 1 + k * (2 * ASSUMED) ** 2 * (a * a + b * b)
        a, b = x * factor, y * factor
    return a, b


def drive(ratio: float, yaw_px: float = 12.0, pairs: int = 16, radial: float = 0.0) -> list[tuple[Samples, Egomotion]]:
    random = np.random.default_rng(7)
    return [pair(random, ratio, yaw_px * (-1) ** k * random.uniform(0.7, 1.3), radial=radial) for k in range(pairs)]


@pytest.mark.parametrize("ratio", [0.5, 0.8, 1.2])
def test_turns_tell_the_focal_length(ratio: float) -> None:
    found = estimate(drive(ratio), ASSUMED * WIDTH, WIDTH, FEWER)
    assert (found.state, found.reason, found.pairs) == ("calibrated", "", 16)
    assert abs(np.log(found.ratio / ratio)) < 0.03
    assert found.log_sd < 0.06 and found.ratio == found.estimate


def test_equal_input_gives_equal_output() -> None:
    assert estimate(drive(0.6), ASSUMED * WIDTH, WIDTH, FEWER) == estimate(drive(0.6), ASSUMED * WIDTH, WIDTH, FEWER)


def test_any_assumed_focal_length_finds_the_same() -> None:
    scaled = [
        (
            Samples(*(each * 0.5 for each in (s.x, s.y, s.u, s.v)), s.inverse_sigma * 2),
            replace(m, R=rotation_matrix(m.rotation_vector * np.array([0.5, 0.5, 1]))),
        )
        for s, m in drive(1.0)
    ]
    found = estimate(scaled, 2 * ASSUMED * WIDTH, WIDTH, FEWER)
    assert found.ratio == pytest.approx(estimate(drive(1.0), ASSUMED * WIDTH, WIDTH, FEWER).ratio, rel=0.01)


def test_a_straight_drive_says_default() -> None:
    found = estimate(drive(0.5, yaw_px=1.0), ASSUMED * WIDTH, WIDTH, FEWER)
    assert (found.state, found.reason, found.ratio, found.pairs) == ("default", "few_turns", 0.8, 0)


def test_without_pairs_there_is_the_default() -> None:
    assert estimate([], 512.0, WIDTH).reason == "few_turns"


def test_few_turns_are_not_enough() -> None:
    assert estimate(drive(0.5, pairs=11), ASSUMED * WIDTH, WIDTH, FEWER).reason == "few_turns"


def test_a_zoom_between_the_halves_says_default() -> None:
    found = estimate(drive(0.6) + drive(1.1), ASSUMED * WIDTH, WIDTH, FEWER)
    assert found.state == "default" and found.ratio == 0.8
    assert found.reason in ("uncertain", "halves_disagree")


def test_turns_too_noisy_to_tell_say_default() -> None:
    random = np.random.default_rng(3)
    noisy = [pair(random, 0.5, 3.3 * (-1) ** k, noise_px=6.0) for k in range(40)]
    assert estimate(noisy, ASSUMED * WIDTH, WIDTH, FEWER).state == "default"


def test_sideways_fits_are_left_out() -> None:
    aside = [(samples, replace(motion, T=np.array([1.0, 0.0, 0.0]))) for samples, motion in drive(0.5)]
    assert estimate(aside, ASSUMED * WIDTH, WIDTH, FEWER).pairs == 0


def test_a_distortion_is_found_where_looked_for() -> None:
    looking = replace(FEWER, radial=(-0.1, -0.2))
    barrel = estimate(drive(0.6, radial=-0.2), ASSUMED * WIDTH, WIDTH, looking)
    assert barrel.radial == -0.2 and barrel.ratio == pytest.approx(0.6, rel=0.04)
    assert estimate(drive(0.6), ASSUMED * WIDTH, WIDTH, looking).radial == 0


def test_a_distorted_drive_says_default_where_none_is_looked_for() -> None:
    found = estimate(drive(0.6, radial=-0.2), ASSUMED * WIDTH, WIDTH, FEWER)
    assert (found.state, found.reason, found.ratio) == ("default", "distorted", 0.8)


def test_undistorting_undoes_the_division_model() -> None:
    random = np.random.default_rng(1)
    x, y, x2, y2 = random.uniform(-0.5, 0.5, (4, 50))
    (a, b), (c, d) = distorted(x, y, -0.2), distorted(x2, y2, -0.2)
    back = undistort(Samples(a, b, c - a, d - b, np.ones(50)), -0.2, ASSUMED)
    np.testing.assert_allclose([back.x, back.y, back.x + back.u, back.y + back.v], [x, y, x2, y2], atol=1e-9)
    assert (back.inverse_sigma < 1).all()


def test_only_turns_are_sensitive_to_the_focal_length() -> None:
    random = np.random.default_rng(5)
    straight, bend, turn = (sensitivity(*pair(random, 0.8, yaw_px)) for yaw_px in (0.0, 3.0, 20.0))
    assert straight < 0.01 < bend < 0.05 < turn


def test_refinement_returns_to_the_motion_that_made_the_flow() -> None:
    samples, motion = pair(np.random.default_rng(2), ASSUMED, 10.0, noise_px=0.0)
    start = rotation_matrix(np.array([0.004, -0.004, 0.002])) @ motion.R
    ends = samples.x + samples.u, samples.y + samples.v
    exact = samples.inverse_sigma * 4
    aside = motion.T + np.array([0.02, -0.02, 0])
    R, T, cost = refine_with_infinity(
        samples.x, samples.y, *ends, exact, start, aside / np.linalg.norm(aside), 6.25, 0.15, np.array([16.0, 4, 1]), 20
    )
    np.testing.assert_allclose(R, motion.R, atol=2e-5)
    np.testing.assert_allclose(T, motion.T, atol=2e-4)
    assert cost < 0.15


def test_a_pair_of_plain_frames_has_no_motion() -> None:
    plain = np.full((HEIGHT, WIDTH), 90, np.uint8)
    samples, motion = observe(plain, plain, 512.0, (319.5, 179.5))
    assert len(samples) == 0 and motion.reason == "few_samples"
    assert estimate([(samples, motion)] * 30, 512.0, WIDTH).reason == "few_turns"
