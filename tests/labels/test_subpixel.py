import cv2
import numpy as np
import pytest

from labels.matching import Grid
from labels.subpixel import REACH, refine_matches

HEIGHT, WIDTH, STEP = 96, 128, 6


def waves(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A smooth texture, known between the pixels; grey levels."""
    generator, image = np.random.default_rng(0), np.full(np.broadcast(y, x).shape, 128.0)
    for _ in range(40):
        fx, fy, phase = generator.uniform(-0.3, 0.3), generator.uniform(-0.3, 0.3), generator.uniform(0, 2 * np.pi)
        image += 8 * np.sin(fx * x + fy * y + phase)
    return image.astype(np.float32)


def frames(u: float, v: float) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    return waves(y, x), waves(y - v, x - u)


def refined(
    image1: np.ndarray,
    image2: np.ndarray,
    start: tuple[int, int],
    kept: np.ndarray | None = None,
    iterations: int = 4,
    limit: float = 2.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Displacements, and which seeds lie far from the border in both frames."""
    grid = Grid.over(HEIGHT, WIDTH, STEP)
    matches = np.zeros((grid.rows, grid.columns, 3), np.int32)
    matches[..., :2] = start
    kept = np.ones((grid.rows, grid.columns), bool) if kept is None else kept
    place = grid.step, grid.x0, grid.y0
    found = refine_matches(image1, image2, matches, kept, *place, iterations, limit)
    y, x = np.indices(kept.shape) * STEP + np.array([grid.y0, grid.x0])[:, None, None]
    inside = (np.minimum(x, x + start[0]) > 8) & (np.maximum(x, x + start[0]) < WIDTH - 9)
    return found, inside & (np.minimum(y, y + start[1]) > 8) & (np.maximum(y, y + start[1]) < HEIGHT - 9)


def bowl(u: float, v: float) -> tuple[np.ndarray, np.ndarray]:
    """Quadratic frames: bilinear interpolation errs by a constant there, as a change of brightness does."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)

    def at(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        x, y = x - WIDTH / 2, y - HEIGHT / 2
        return (0.5 * x * x + 0.4 * y * y + 0.3 * x * y).astype(np.float32)

    return at(y, x), at(y - v, x - u)


SHIFTS = pytest.mark.parametrize(("u", "v"), [(0.0, 0.45), (0.3, -2.6), (-0.5, 0.5), (3.5, 0.0), (-7.25, 4.9)])


@SHIFTS
def test_shifts_are_exact_where_interpolation_is(u: float, v: float) -> None:
    found, inside = refined(*bowl(u, v), (round(u), round(v)))
    assert np.count_nonzero(inside) > 100
    np.testing.assert_allclose(found[inside], np.broadcast_to((u, v), found[inside].shape), atol=2e-3)


@SHIFTS
def test_shifts_of_a_smooth_texture_are_found(u: float, v: float) -> None:
    """To what bilinear interpolation costs a window of 7x7."""
    found, inside = refined(*frames(u, v), (round(u), round(v)))
    error = np.abs(found[inside] - (u, v)).max(1)
    assert np.median(error) < 0.05
    assert np.quantile(error, 0.95) < 0.15


def test_a_whole_pixel_of_error_is_made_good() -> None:
    found, inside = refined(*bowl(2.3, -0.8), (3, 0), iterations=4)
    assert np.abs(found[inside] - (2.3, -0.8)).max() < 2e-3


def test_another_brightness_changes_nothing() -> None:
    image1, image2 = frames(0.4, 0.2)
    plain, brighter = (refined(image1, image2 + np.float32(change), (0, 0))[0] for change in (0, 30))
    assert np.abs(plain - brighter).max() < 1e-3


def test_no_iteration_is_the_integer_match() -> None:
    assert (refined(*frames(0.4, 0.2), (3, -2), iterations=0)[0] == (3, -2)).all()


def test_matches_that_are_not_kept_stay() -> None:
    kept = np.random.default_rng(0).random((HEIGHT // STEP, WIDTH // STEP)) < 0.5
    found, inside = refined(*frames(0.4, 0.2), (0, 0), kept)
    assert not found[~kept].any()
    assert found[kept & inside].any(1).all()


@pytest.mark.parametrize("texture", ["flat", "edge", "faint edge"])
def test_without_texture_in_two_directions_matches_stay(texture: str) -> None:
    image = np.full((HEIGHT, WIDTH), 90, np.float32)
    if texture != "flat":
        image[:, :] += (2 if texture == "faint edge" else 60) * np.sin(0.4 * np.arange(WIDTH, dtype=np.float32))
    moved = np.roll(image, 1, axis=1)
    assert (refined(image, moved, (0, 0))[0] == 0).all()


def test_results_beyond_the_limit_are_dropped() -> None:
    near, inside = refined(*bowl(1.4, 0.3), (0, 0), limit=1.5)
    assert np.abs(near[inside] - (1.4, 0.3)).max() < 2e-3
    assert not refined(*bowl(1.4, 0.3), (0, 0), limit=1.3)[0].any()


def test_windows_that_reach_over_the_border_stay() -> None:
    image1, image2 = frames(0.4, 0.3)
    matches = np.zeros((HEIGHT, WIDTH, 3), np.int32)  # a seed on every pixel
    found = refine_matches(image1, image2, matches, np.ones((HEIGHT, WIDTH), bool), 1, 0, 0, 4, 2.0)
    moved = found.any(-1)
    assert moved[REACH + 3 : -REACH - 3, REACH + 3 : -REACH - 3].all()
    assert not np.concatenate([moved[: REACH + 1].ravel(), moved[-REACH - 1 :].ravel()]).any()
    assert not np.concatenate([moved[:, : REACH + 1].ravel(), moved[:, -REACH - 2 :].ravel()]).any()


def test_noise_moves_no_match_by_the_limit() -> None:
    generator = np.random.default_rng(0)
    image1, image2 = (generator.uniform(0, 255, (HEIGHT, WIDTH)).astype(np.float32) for _ in range(2))
    found, _ = refined(image1, cv2.GaussianBlur(image2, (0, 0), 1), (1, 1))
    assert np.isfinite(found).all()
    assert (np.abs(found - 1) < 2).all()
