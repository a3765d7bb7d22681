from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from labels.egomotion import Egomotion, EgomotionParameters, Samples, fit, sample
from labels.noise_scale import FEWEST_PAIRS, NoiseScale, noise_scale, observed

PARAMETERS = EgomotionParameters()
Pair = tuple[Samples, Egomotion]


def pair(scene: Any, floor_px: float, relative: float, seed: int, outliers: float = 0.0) -> Pair:
    """Samples of known noise, fitted."""
    generator = np.random.default_rng(seed)
    flow = scene.flow()
    sigma = np.hypot(floor_px * scene.width / 640, relative * np.linalg.norm(flow, axis=-1))
    flow += (sigma[..., None] * generator.normal(size=flow.shape)).astype(np.float32)
    wrong = generator.random(flow.shape[:2]) < outliers
    flow[wrong] = generator.uniform(-25, 25, (int(wrong.sum()), 2))
    camera = scene.focal, scene.centre
    samples = sample(flow, scene.support(), *camera, PARAMETERS)
    return samples, fit(flow, scene.support(), *camera, PARAMETERS)


def found(scene: Any, pairs: list[Pair]) -> NoiseScale:
    return noise_scale(pairs, scene.focal, scene.width)


@pytest.mark.parametrize("floor_px", [0.2, 0.5])
@pytest.mark.parametrize("outliers", [0.0, 0.1])
def test_the_floor_is_found(corridor: Callable[..., Any], floor_px: float, outliers: float) -> None:
    scene = corridor((0.1, 0.3, 0), (0.02, 0, 0.8))
    scale = found(scene, [pair(scene, floor_px, 0.0, seed, outliers) for seed in range(FEWEST_PAIRS)])
    assert scale.noise_floor_px == pytest.approx(floor_px, rel=0.1)


@pytest.mark.parametrize("relative", [0.01, 0.03])
def test_the_relative_part_is_found(corridor: Callable[..., Any], relative: float) -> None:
    scene = corridor((0, 0.2, 0), (0.1, 0, 1.6))
    scale = found(scene, [pair(scene, 0.1, relative, seed) for seed in range(FEWEST_PAIRS)])
    assert scale.noise_relative == pytest.approx(relative, rel=0.25)


def test_the_floor_is_that_of_a_working_width_of_640(corridor: Callable[..., Any]) -> None:
    scene = corridor((0.1, 0.3, 0), (0.02, 0, 0.4), focal=1000.0, width=1280, height=720)
    scale = found(scene, [pair(scene, 0.3, 0.0, seed) for seed in range(FEWEST_PAIRS)])
    assert scale.noise_floor_px == pytest.approx(0.3, rel=0.1)


@pytest.mark.parametrize(("noise", "limits"), [((0.0, 0.0), (0.1, 0.005)), ((1.6, 0.0), (1.0, None))])
def test_what_cannot_be_is_clamped(corridor: Callable[..., Any], noise: tuple[float, float], limits: Any) -> None:
    scene = corridor((0, 0.2, 0), (0.05, 0, 1.0))
    pairs = [pair(scene, noise[0], noise[1], seed) for seed in range(FEWEST_PAIRS)]
    # much noise saturates the cost that the default scale gives: it is the fit's word that counts here
    scale = found(scene, [(samples, replace(motion, reason="")) for samples, motion in pairs])
    assert scale.noise_floor_px <= limits[0]
    assert limits[1] is None or scale == limits


def test_a_few_bad_pairs_do_not_matter(corridor: Callable[..., Any]) -> None:
    scene = corridor((0.1, 0.3, 0), (0.02, 0, 0.4))
    good = [pair(scene, 0.2, 0.0, seed) for seed in range(6)]
    astray = [(samples, replace(motion, R=np.eye(3), T=np.array([0.5, 0.0, 0.8]))) for samples, motion in good[:2]]
    refused = [(samples, replace(motion, reason="cost")) for samples, motion in astray * 5]
    assert found(scene, good + astray + refused).noise_floor_px == pytest.approx(0.2, rel=0.15)


def test_few_pairs_leave_the_defaults(corridor: Callable[..., Any]) -> None:
    scene = corridor()
    assert found(scene, []) == (PARAMETERS.noise_floor_px, PARAMETERS.noise_relative)
    few = [pair(scene, 0.2, 0.0, seed) for seed in range(FEWEST_PAIRS - 1)]
    assert found(scene, few) == (PARAMETERS.noise_floor_px, PARAMETERS.noise_relative)


def test_only_what_is_known_is_changed(corridor: Callable[..., Any]) -> None:
    scene = corridor((0, 0, 0), (0.01, 0, 0.19))  # nothing moves by 16 pixels
    scale = found(scene, [pair(scene, 0.2, 0.0, seed) for seed in range(FEWEST_PAIRS)])
    assert scale.noise_floor_px == pytest.approx(0.2, rel=0.1)
    assert scale.noise_relative == PARAMETERS.noise_relative


def test_a_fit_with_the_scale_found_is_surer(corridor: Callable[..., Any]) -> None:
    scene = corridor((0.1, 0.3, 0), (0.02, 0, 0.6))
    pairs = [pair(scene, 0.15, 0.0, seed) for seed in range(FEWEST_PAIRS)]
    better = replace(PARAMETERS, **found(scene, pairs)._asdict())
    assert better != PARAMETERS
    again = fit(scene.flow(), scene.support(), scene.focal, scene.centre, better)
    assert again.accepted
    assert again.parallax_snr > pairs[0][1].parallax_snr


def test_flow_held_on_its_lines_has_noise_all_the_same(corridor: Callable[..., Any]) -> None:
    """A flow without any error across its lines, as an engine makes it, of frames with noise."""
    scene = corridor((0.1, 0.3, 0), (0.02, 0, 0.6))
    camera = scene.focal, scene.centre
    random = np.random.default_rng(0)
    held, free = [], []
    for _ in range(FEWEST_PAIRS):
        noisy = [np.clip(f + random.normal(0, 8, f.shape), 0, 255).astype(np.uint8) for f in scene.frames()]
        free.append(observed(scene.flow(), scene.support(), (noisy[0], noisy[1]), *camera, PARAMETERS))
        held.append((sample(scene.flow(), scene.support(), *camera, PARAMETERS), free[-1][1]))
    assert found(scene, held).noise_floor_px == 0.1
    assert 0.12 < found(scene, free).noise_floor_px < 0.6
