"""Contrast along and across epipolar lines: against the formula, seed by seed."""

import numpy as np
import pytest

from labels import epipolar
from labels.line_texture import along_lines, gradient_products

HEIGHT, WIDTH = 70, 90
GUIDE = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)
MOTION = epipolar.CameraMotion(np.eye(3), np.array([0.1, 0.2, 0.97]) / np.linalg.norm([0.1, 0.2, 0.97]), 72.0, 1.0)
LINE = epipolar.geometry(MOTION, HEIGHT, WIDTH)


def by_formula(x: int, y: int, end: tuple[float, float]) -> tuple[float, float]:
    """Mean squares along and across the line through ``end``, over every other pixel of the 9x9 within the frame."""
    focus = LINE.e * LINE.scale / LINE.e[2] + (LINE.cx, LINE.cy, 0)
    direction = focus[:2] - end
    dx, dy = direction / np.linalg.norm(direction) * np.sign(LINE.e[2])
    along, across = [], []
    for py in range(max(y - 4, 1), min(y + 5, HEIGHT - 1), 2):
        for px in range(max(x - 4, 1), min(x + 5, WIDTH - 1), 2):
            gx = (float(GUIDE[py, px + 1]) - float(GUIDE[py, px - 1])) / 2
            gy = (float(GUIDE[py + 1, px]) - float(GUIDE[py - 1, px])) / 2
            along.append((dx * gx + dy * gy) ** 2)
            across.append((dx * gy - dy * gx) ** 2)
    return float(np.mean(along)), float(np.mean(across))


@pytest.mark.parametrize(("step", "x0", "y0"), [(4, 1, 2), (3, 0, 0), (6, 2, 5)])
def test_contrast_is_that_of_the_formula(step: int, x0: int, y0: int) -> None:
    rows, columns = (HEIGHT - 1 - y0) // step + 1, (WIDTH - 1 - x0) // step + 1
    moved = np.random.default_rng(1).normal(0, 5, (rows, columns, 2)).astype(np.float32)
    products = gradient_products(GUIDE, rows, columns, step, x0, y0)
    found = along_lines(products, moved, step, x0, y0, LINE)
    for j, i in [(0, 0), (0, 5), (rows - 1, columns - 1), (rows - 1, 3), (rows // 2, columns - 1), (7, 9)]:
        x, y = x0 + i * step, y0 + j * step
        assert found[j, i] == pytest.approx(by_formula(x, y, (x + moved[j, i, 0], y + moved[j, i, 1])), rel=1e-4)


def test_stripes_along_the_lines_have_contrast_across_alone() -> None:
    guide = np.tile(np.arange(0, 240, 8, dtype=np.uint8)[:, None], (1, 40))
    aside = epipolar.geometry(MOTION._replace(T=np.array([1.0, 0.0, 0.0])), *guide.shape)
    found = along_lines(gradient_products(guide, 5, 7, 4, 6, 6), np.zeros((5, 7, 2), np.float32), 4, 6, 6, aside)
    np.testing.assert_array_equal(found[..., 0], 0)
    np.testing.assert_allclose(found[..., 1], 64, rtol=1e-6)
