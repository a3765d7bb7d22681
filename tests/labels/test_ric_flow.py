"""The reference engine's own; what holds of every engine stands in ``test_flow.py``."""

from collections.abc import Callable

import cv2
import numpy as np

from labels.flow import INSIDE, FlowParameters, flow
from labels.ric_flow import RicParameters, ric_flow

SMALL = {"width": 320, "height": 180, "focal": 250.0}


def lengths(difference: np.ndarray) -> np.ndarray:
    return np.hypot(difference[..., 0], difference[..., 1])


def noise(seed: int, sigma: float) -> np.ndarray:
    image = np.random.default_rng(seed).normal(size=(120, 160)).astype(np.float32)
    image = cv2.GaussianBlur(image, (0, 0), sigma)
    return np.clip(128 + 50 * image / image.std(), 0, 255).astype(np.uint8)


def test_the_refinement_halves_the_error(corridor: Callable) -> None:
    scene = corridor(**SMALL)
    inside, errors = scene.support() & INSIDE != 0, []
    for warps in (0, 3):
        found = ric_flow(*scene.frames(), RicParameters(warps=warps))
        assert found is not None and found[1][inside].mean() > 0.95
        errors.append(float(np.median(lengths(found[0] - scene.flow())[inside])))
    assert errors[1] < 0.12 and errors[1] < 0.6 * errors[0]


def test_frames_without_matches_have_the_flow_of_dis_and_no_trust() -> None:
    first, second = noise(0, 0.01), noise(1, 0.01)
    assert ric_flow(first, second) is None
    found, support = flow(first, second, FlowParameters(engine="ric"))
    wanted, checked = flow(first, second, FlowParameters(engine="dis"))
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(support & INSIDE, checked & INSIDE)
    assert not (support & ~np.uint8(INSIDE | 4)).any()


def test_flow_steps_at_the_edge_of_what_moves() -> None:
    """A square that moves on its own, brighter than what stands still behind it: no smoothing runs over its sides."""
    first, second = (noise(0, 1.5) // 2 for _ in range(2))
    square = 128 + noise(1, 1.5)[:60, :60] // 2
    first[30:90, 40:100], second[30:90, 48:108] = square, square
    found = ric_flow(first, second)
    assert found is not None
    u = found[0][40:80, :, 0]
    assert np.median(np.abs(u[:, 42:98] - 8)) < 0.1 and np.median(np.abs(u[:, 20:38])) < 0.1
    assert (np.abs(u[:, 44:96] - 8) < 1).mean() > 0.95 and (np.abs(u[:, 20:36]) < 1).mean() > 0.95
