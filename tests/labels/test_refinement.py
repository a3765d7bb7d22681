import numpy as np
import pytest

from labels import refinement
from labels.refinement import RefinementParameters, refine

HEIGHT, WIDTH = 96, 128
INNER = np.s_[8:-8, 8:-8]
MANY = RefinementParameters(iterations=30, sweeps=8)


def waves(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A smooth texture, known between the pixels; grey levels."""
    generator, image = np.random.default_rng(0), np.full(np.broadcast(y, x).shape, 128.0)
    for _ in range(40):
        fx, fy, phase = generator.uniform(-0.6, 0.6), generator.uniform(-0.6, 0.6), generator.uniform(0, 2 * np.pi)
        image += 8 * np.sin(fx * x + fy * y + phase)
    return image.astype(np.float32)


def scene(u: float = 1.3, v: float = -0.7, zoom: float = 0.02) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two frames and the flow between them, which grows from the middle."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    cx, cy = WIDTH / 2, HEIGHT / 2
    flow = np.stack([u + zoom * (x - cx), v + zoom * (y - cy)], -1).astype(np.float32)
    # at (x, y) of frame 2 is what came from (x - u + zoom cx) / (1 + zoom) of frame 1
    return waves(y, x), waves((y - v + zoom * cy) / (1 + zoom), (x - u + zoom * cx) / (1 + zoom)), flow


def error(found: np.ndarray, flow: np.ndarray) -> float:
    return float(np.median(np.hypot(*np.moveaxis(found - flow, -1, 0))[INNER]))


def test_an_error_of_less_than_a_pixel_is_made_good() -> None:
    image1, image2, flow = scene()
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    wrong = flow + 0.4 * np.stack([np.sin(x / 9), np.cos(y / 11)], -1).astype(np.float32)
    before = error(wrong, flow)
    assert before > 0.39
    assert error(refine(image1, image2, wrong, RefinementParameters()), flow) < 0.75 * before
    assert error(refine(image1, image2, wrong, MANY), flow) < 0.04


def test_the_truth_stays() -> None:
    image1, image2, flow = scene()
    assert error(refine(image1, image2, flow, RefinementParameters()), flow) < 0.02


def test_no_iteration_is_the_identity() -> None:
    image1, image2, flow = scene()
    assert refine(image1, image2, flow, RefinementParameters(iterations=0)) is flow


def test_the_given_flow_is_not_written_to() -> None:
    image1, image2, flow = scene()
    before = flow.copy()
    refine(image1, image2, flow, RefinementParameters())
    np.testing.assert_array_equal(flow, before)


def test_the_same_frame_twice_has_no_flow() -> None:
    image1, _, flow = scene()
    assert not refine(image1, image1, np.zeros_like(flow), RefinementParameters()).any()


@pytest.mark.parametrize("angle", [0.0, 0.5, np.pi / 2, 2.5])
def test_normals_hold_the_flow_to_its_lines(angle: float) -> None:
    image1, image2, flow = scene()
    n = np.array([np.cos(angle), np.sin(angle)], np.float32)
    along = np.array([-n[1], n[0]])
    wrong = flow + np.float32(0.4) * n + np.float32(0.3) * along
    normals = np.ascontiguousarray(np.broadcast_to(100 * n[None, :, None], (HEIGHT, 2, WIDTH)))
    found = refine(image1, image2, wrong, MANY, normals)
    assert np.abs((found - wrong) @ n).max() < 0.01
    assert np.median(np.abs((found - flow) @ along)[INNER]) < 0.15
    assert error(refine(image1, image2, wrong, MANY), flow) < 0.05  # without them the rest is made good too


def test_zero_normals_are_none() -> None:
    image1, image2, flow = scene()
    wrong, normals = flow + np.float32(0.3), np.zeros((HEIGHT, 2, WIDTH), np.float32)
    free = refine(image1, image2, wrong, RefinementParameters())
    np.testing.assert_array_equal(refine(image1, image2, wrong, RefinementParameters(), normals), free)


def test_another_brightness_changes_nothing() -> None:
    image1, image2, flow = scene()
    wrong = flow + np.float32(0.3)
    plain = refine(image1, image2, wrong, RefinementParameters())
    brighter = refine(image1, image2 + np.float32(25), wrong, RefinementParameters())
    assert np.abs(plain - brighter).max() < 2e-3


def test_without_texture_smoothness_decides() -> None:
    flat, generator = np.full((HEIGHT, WIDTH), 90, np.float32), np.random.default_rng(1)
    constant = np.full((HEIGHT, WIDTH, 2), (2.5, -1), np.float32)
    np.testing.assert_allclose(refine(flat, flat, constant, RefinementParameters()), constant, atol=1e-4)
    noisy = constant + generator.normal(0, 0.3, constant.shape).astype(np.float32)
    found = refine(flat, flat, noisy, RefinementParameters())
    assert (found - constant).std() < 0.5 * 0.3
    assert np.abs(found - constant).max() < np.abs(noisy - constant).max()
    assert (refine(flat, flat, noisy, MANY) - constant).std() < 0.1 * 0.3


@pytest.mark.parametrize("far", [200.0, -1e4, 1e7])
def test_flow_out_of_the_frame_stays_finite(far: float) -> None:
    """Nothing is known of it: a constant field stays as it is."""
    image1, image2, flow = scene()
    away = np.full_like(flow, far)
    found = refine(image1, image2, away, RefinementParameters())
    np.testing.assert_allclose(found, away, rtol=1e-4)


def energy(
    image1: np.ndarray, image2: np.ndarray, start: np.ndarray, flow: np.ndarray, parameters: RefinementParameters
) -> float:
    """E of the module's docstring, written out in numpy for flow that ends inside the frame."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    x2, y2 = x + start[..., 0], y + start[..., 1]
    qx, qy = np.floor(x2).astype(int), np.floor(y2).astype(int)
    inside = (qx >= 0) & (qy >= 0) & (qx < WIDTH - 1) & (qy < HEIGHT - 1)
    qx, qy = qx.clip(0, WIDTH - 2), qy.clip(0, HEIGHT - 2)
    fx, fy = x2 - qx, y2 - qy
    upper = (1 - fx) * image2[qy, qx] + fx * image2[qy, qx + 1]
    lower = (1 - fx) * image2[qy + 1, qx] + fx * image2[qy + 1, qx + 1]
    warped = (1 - fy) * upper + fy * lower
    central = lambda a, axis: 0.5 * (np.roll(a, -1, axis) - np.roll(a, 1, axis))  # noqa: E731
    mean = 0.5 * (warped + image1)
    xx, yy, xy = (central(central(mean, a), b) for a, b in ((1, 1), (0, 0), (0, 1)))
    xz, yz = central(warped - image1, 1), central(warped - image1, 0)
    du, dv = np.moveaxis(flow - start, -1, 0)
    gx = (xz + xx * du + xy * dv) / np.sqrt(xx**2 + xy**2 + parameters.zeta**2)
    gy = (yz + xy * du + yy * dv) / np.sqrt(xy**2 + yy**2 + parameters.zeta**2)
    counted = inside & (np.minimum(x, y) >= 2) & (x < WIDTH - 2) & (y < HEIGHT - 2)
    slopes = [np.diff(flow, axis=0, append=flow[-1:]), np.diff(flow, axis=1, append=flow[:, -1:])]
    smoothness = np.sqrt(sum((slope**2).sum(-1) for slope in slopes) + 1e-6)
    return float(np.sqrt(gx**2 + gy**2 + 1e-6)[counted].sum() + parameters.alpha * smoothness.sum())


def test_every_iteration_lowers_the_energy() -> None:
    """The relaxation converges: what overshoots too far grows where the flow is rough."""
    image1, image2, flow = scene(zoom=0.0)
    wrong = flow + np.random.default_rng(2).normal(0, 0.4, flow.shape).astype(np.float32)
    parameters = [RefinementParameters(iterations=n) for n in range(7)]
    energies = [energy(image1, image2, wrong, refine(image1, image2, wrong, p), p) for p in parameters]
    assert (np.diff(energies) < 0).all(), energies
    assert energies[-1] < 0.5 * energies[0]


def test_many_iterations_do_not_diverge_on_rough_flow_of_a_flat_scene() -> None:
    flat = np.full((HEIGHT, WIDTH), 90, np.float32)
    noise = np.random.default_rng(1).normal(0, 0.3, (HEIGHT, WIDTH, 2)).astype(np.float32)
    sizes = [np.abs(refine(flat, flat, noise, RefinementParameters(iterations=n))).max() for n in (0, 1, 2, 5, 20)]
    assert sizes[1] < 0.8 * sizes[0], sizes
    assert sizes[4] < sizes[3] < sizes[2] < sizes[1], sizes


def test_smoothness_ends_where_the_image_says() -> None:
    flat, step = np.full((HEIGHT, WIDTH), 90, np.float32), np.zeros((HEIGHT, WIDTH, 2), np.float32)
    step[:, :60], step[:, 60:] = (2, 0), (-2, 1)
    everywhere = np.ones((HEIGHT, WIDTH), np.float32)
    parted = everywhere.copy()
    parted[:, 59:61] = 0
    joined = refine(flat, flat, step, RefinementParameters())
    np.testing.assert_array_equal(refine(flat, flat, step, RefinementParameters(), smoothness=everywhere), joined)
    assert np.abs(joined - step).max() > 0.1
    assert np.abs(refine(flat, flat, step, RefinementParameters(), smoothness=parted) - step).max() < 1e-4


def test_frame_2_is_warped_between_pixels_and_held_at_its_border() -> None:
    generator = np.random.default_rng(0)
    image1, image2 = generator.uniform(0, 255, (2, 23, 37)).astype(np.float32)
    u, v = generator.normal(0, 6, (2, 23, 37)).astype(np.float32)
    u[5, 5], v[5, 5] = 31.0, 17.0  # the last pixel of all
    mean, change, inside = refinement._warp(image1, image2, refinement._framed(np.stack([u, v], -1)))
    for y, x in [(5, 5), (0, 0), (22, 36), (11, 18), (3, 30), (20, 4), (12, 0), (0, 20)]:
        x2, y2 = float(x + u[y, x]), float(y + v[y, x])
        px, py = min(max(x2, 0.0), 36.0), min(max(y2, 0.0), 22.0)
        qx, qy = min(int(px), 35), min(int(py), 21)
        fx, fy = px - qx, py - qy
        corners = image2[qy : qy + 2, qx : qx + 2].astype(float)
        warped = np.array([1 - fy, fy]) @ corners @ np.array([1 - fx, fx])
        assert mean[y, x] == pytest.approx((warped + image1[y, x]) / 2, abs=1e-2)
        assert change[y, x] == pytest.approx(warped - image1[y, x], abs=1e-2)
        assert inside[y, x] == (px == x2 and py == y2)
    assert 0.3 < inside.mean() < 0.95
