from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from labels import flow as module
from labels.flow import CONSISTENT, ENGINES, INSIDE, MATCHED, TEXTURED, FlowParameters, consistency, flow, texture

Frames = tuple[np.ndarray, np.ndarray]
SMALL = {"width": 320, "height": 180, "focal": 250.0}
MEDIAN_PX = {"dis": 0.3, "fast": 0.15, "balanced": 0.07, "accurate": 0.08, "ric": 0.12}
"""What each way errs by at most in a corridor of fine texture; a stage less at least doubles it."""
MATCHING = ("fast", "balanced", "accurate", "ric")
ways = pytest.mark.parametrize("way", MEDIAN_PX)
presets = pytest.mark.parametrize("way", MATCHING)


def end_inside(found: np.ndarray, border: float) -> np.ndarray:
    """Pixels whose end point lies ``border`` px or more inside frame 2."""
    height, width = found.shape[:2]
    x2, y2 = np.arange(width) + found[..., 0].astype(float), np.arange(height)[:, None] + found[..., 1].astype(float)
    return (x2 >= border) & (x2 <= width - 1 - border) & (y2 >= border) & (y2 <= height - 1 - border)


def parameters(way: str) -> FlowParameters:
    return FlowParameters(engine=way) if way in ENGINES else FlowParameters(engine="census", preset=way)


def computed(first: np.ndarray, second: np.ndarray, way: str = "balanced") -> tuple[np.ndarray, np.ndarray]:
    """The flow and its support, which hold to what is true of any."""
    found, support = flow(first, second, parameters(way))
    assert found.shape == (*first.shape[:2], 2) and found.dtype == np.float32
    assert support.shape == first.shape[:2] and support.dtype == np.uint8
    assert np.isfinite(found).all()
    margin = within(found)
    assert (support[margin > 1e-3] & INSIDE != 0).all() and not (support[margin < -1e-3] & INSIDE).any()
    assert (support[support & CONSISTENT != 0] & INSIDE != 0).all()
    return found, support


def within(found: np.ndarray) -> np.ndarray:
    """How far inside the frame that is two pixels smaller on each side each pixel ends, px."""
    height, width = found.shape[:2]
    x2, y2 = np.arange(width) + found[..., 0].astype(float), np.arange(height)[:, None] + found[..., 1].astype(float)
    return np.minimum(np.minimum(x2 - 2, width - 3 - x2), np.minimum(y2 - 2, height - 3 - y2))


def lengths(difference: np.ndarray) -> np.ndarray:
    return np.hypot(difference[..., 0], difference[..., 1])


def noise(height: int, width: int, seed: int, sigma: float = 1.0) -> np.ndarray:
    image = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    image = cv2.GaussianBlur(image, (0, 0), sigma)
    return np.clip(128 + 50 * image / image.std(), 0, 255).astype(np.uint8)


@ways
@pytest.mark.parametrize(
    ("rotation_deg", "T"),
    [
        ((0.2, 0.5, -0.1), (0.05, -0.02, 0.6)),
        ((0.0, 0.0, 0.0), (0.3, 0.0, 0.1)),
        ((1.0, 6.0, 1.0), (0.05, 0.0, 0.5)),
        ((0.5, 2.0, 0.0), (0.0, 0.0, 1e-9)),
    ],
    ids=["ahead", "aside", "turning", "no parallax"],
)
def test_exact_flow_is_found(corridor: Callable, way: str, rotation_deg: tuple, T: tuple) -> None:
    scene = corridor(rotation_deg, T, **SMALL)
    found, support = computed(*scene.frames(), way)
    error, inside = lengths(found - scene.flow()), scene.support() & INSIDE != 0
    assert np.median(error[inside]) < MEDIAN_PX[way]
    assert (error[inside] > 3).mean() < 0.01
    assert (support[inside] & CONSISTENT != 0).mean() > 0.95
    assert (error[support & CONSISTENT != 0] > 3).mean() < 0.005
    if way != "dis":
        assert (support[inside] & MATCHED != 0).mean() > 0.95


def test_large_motion_is_found_where_dis_loses_it(corridor: Callable) -> None:
    scene = corridor(T=(0.2, 0.0, 2.0), **SMALL)  # 38 px in the median, an eighth of the width
    inside, errors = scene.support() & INSIDE != 0, {}
    for way in ("dis", "balanced", "accurate", "ric"):
        errors[way] = lengths(computed(*scene.frames(), way)[0] - scene.flow())[inside]
    assert np.median(errors["balanced"]) < 0.4 < np.median(errors["dis"])
    assert np.mean(errors["balanced"]) < 2.5
    assert np.mean(errors["accurate"]) < 1
    assert np.median(errors["ric"]) < 0.4 and np.mean(errors["ric"]) < 2.5


@pytest.mark.parametrize("way", ["balanced", "ric"])
def test_what_moves_by_itself_keeps_its_motion(corridor: Callable, way: str) -> None:
    """A square in front of the corridor that leaves the epipolar lines."""
    scene, square = corridor(**SMALL), noise(60, 60, 5)
    first, second = (image.copy() for image in scene.frames())
    first[40:100, 60:120] = square
    second[52:112, 55:115] = square
    found, support = computed(first, second, way)
    inside = np.s_[44:96, 64:116]
    error = lengths(found[inside] - (-5, 12))
    assert np.median(error) < 0.1
    assert (error < 1).mean() > 0.9
    assert (support[inside] & MATCHED != 0).mean() > 0.9
    still = scene.support() & INSIDE != 0
    still[20:130, 40:140] = False
    assert np.median(lengths(found - scene.flow())[still]) < MEDIAN_PX[way]


@pytest.mark.parametrize("way", ["balanced", "accurate"])
def test_a_thin_pole_is_found(corridor: Callable, way: str) -> None:
    """6 px wide, as bright as the walls on average, and 30 px away in the next frame of a camera that moves aside."""
    first, second = (image.copy() for image in corridor((0, 0, 0), (0.9, 0.0, 0.0), **SMALL).frames())
    pole = (40 + 170 * np.random.default_rng(1).integers(0, 2, (180, 6))).astype(np.uint8)
    first[:, 200:206], second[:, 170:176] = pole, pole
    found, _ = computed(first, second, way)
    assert (lengths(found[10:-10, 201:205] - (-30, 0)) < 2).mean() > 0.7


@ways
@pytest.mark.parametrize("content", ["corridor", "noise", "flat"])
def test_the_same_frame_twice_has_no_flow(corridor: Callable, way: str, content: str) -> None:
    image = {
        "corridor": corridor(**SMALL).frames()[0],
        "noise": noise(100, 120, 0),
        "flat": np.full((90, 80), 7, np.uint8),
    }
    found, _ = computed(image[content], image[content].copy(), way)
    assert np.abs(found).max() < 0.01


@presets
@pytest.mark.parametrize("case", ["black", "from black", "flat", "unlike", "stripes"])
def test_nothing_is_trusted_where_nothing_can_be_known(corridor: Callable, way: str, case: str) -> None:
    image, black = corridor(**SMALL).frames()[0], np.zeros((180, 320), np.uint8)
    stripes = np.tile((127 + 100 * np.sin(2 * np.pi * np.arange(320) / 10)).astype(np.uint8), (180, 1))
    first, second = {
        "black": (image, black),
        "from black": (black, image),
        "flat": (black + np.uint8(90), black + np.uint8(130)),
        "unlike": (noise(180, 320, 1, 0.01), noise(180, 320, 2, 0.01)),
        "stripes": (stripes, np.roll(stripes, 3, axis=1)),
    }[case]
    _, support = computed(first, second, way)
    assert (support & (CONSISTENT | MATCHED) != 0).mean() < 0.01


@presets
def test_motion_beyond_the_range_is_found_or_not_trusted(way: str) -> None:
    """The range is where the search starts; what it happens to find farther out is welcome."""
    whole, move = (noise(100, 730, 0, 2), 330) if way == "ric" else (noise(100, 700, 0, 2), 230)
    found, support = computed(whole[:, :400], whole[:, move : move + 400], way)
    wrong = lengths(found - (-move, 0)) > 3
    assert wrong.mean() > 0.1
    assert (wrong & (support & CONSISTENT != 0)).mean() < 0.02


@presets
def test_black_bars_do_no_harm_to_what_lies_between(corridor: Callable, way: str) -> None:
    scene = corridor(**SMALL)
    first, second = (image.copy() for image in scene.frames())
    for image in (first, second):
        image[:24] = image[-24:] = 16
    found, support = computed(first, second, way)
    between = np.s_[30:-30]
    inside = scene.support()[between] & INSIDE != 0
    assert np.median(lengths(found - scene.flow())[between][inside]) < 1.5 * MEDIAN_PX[way]
    assert not (support[:20] & TEXTURED).any() and not (support[-20:] & TEXTURED).any()


@ways
def test_blocks_of_compression_cost_less_than_a_pixel(corridor: Callable, way: str) -> None:
    scene = corridor(**SMALL)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 10]
    coded = [cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], 0) for image in scene.frames()]
    found, _ = computed(*coded, way)
    assert np.median(lengths(found - scene.flow())[scene.support() & INSIDE != 0]) < 0.8


@ways
@pytest.mark.parametrize(
    ("height", "width"), [(64, 64), (64, 65), (65, 64), (127, 129), (101, 67), (64, 400), (400, 64), (96, 255)]
)
def test_sizes_from_64_pixels_up_are_taken(corridor: Callable, way: str, height: int, width: int) -> None:
    part = np.s_[:height, :width]
    even = {"width": width + width % 2, "height": height + height % 2, "focal": 0.8 * max(width, height)}
    scene = corridor((0, 0.2, 0), (0.02, 0.0, 0.3), **even)
    found, _ = computed(*(image[part] for image in scene.frames()), way)
    assert np.median(lengths(found - scene.flow()[part])[scene.support()[part] & INSIDE != 0]) < 0.4


@pytest.mark.slow
def test_4k_is_taken() -> None:
    whole = noise(2260, 3940, 0, 3)
    found, _ = computed(whole[50:-50, 50:-50], whole[57:-43, 38:-62], "fast")
    assert np.median(lengths(found - (12, -7))) < 0.2


@ways
def test_colour_is_its_luma_and_any_memory_layout_will_do(corridor: Callable, way: str) -> None:
    first, second = corridor(**SMALL).frames()
    wanted = [array.tobytes() for array in flow(first, second, parameters(way))]
    colour = [np.repeat(image[..., None], 3, axis=2) for image in (first, second)]
    spread = [np.repeat(np.repeat(image, 2, axis=0), 3, axis=1)[::2, ::3] for image in (first, second)]
    for pair in (colour, spread, [np.asfortranarray(image) for image in colour]):
        before = [image.copy() for image in pair]
        assert [array.tobytes() for array in flow(*pair, parameters(way))] == wanted
        np.testing.assert_array_equal(pair, before)
    red = np.stack([first, 0 * first, 0 * first], axis=-1)
    np.testing.assert_allclose(module.grey(red), 0.299 * first, atol=1)


@ways
def test_the_same_bytes_whatever_the_number_of_threads(corridor: Callable, way: str) -> None:
    pair, before = corridor(**SMALL).frames(), cv2.getNumThreads()

    def run(_: int = 0) -> tuple[bytes, ...]:
        return tuple(array.tobytes() for array in flow(*pair, parameters(way)))

    try:
        results = set()
        for count in (1, 2, 5):
            cv2.setNumThreads(count)
            results.add(run())
    finally:
        cv2.setNumThreads(before)
    with ThreadPoolExecutor(4) as pool:
        results.update(pool.map(run, range(8)))
    assert len(results) == 1


def test_consistency_holds_the_backward_flow_against_the_forward() -> None:
    forward, backward = np.zeros((40, 60, 2), np.float32), np.zeros((40, 60, 2), np.float32)
    forward[..., 0], backward[..., 0] = 10, -10
    backward[20:, :, 1] = 1.6  # the limit is 1 px and a twentieth of the 10
    forward[:, 30:40, 0], backward[:, 40:50, 0] = 10, -8.6
    support = consistency(forward, backward, FlowParameters())
    x2 = np.arange(60) + 10
    np.testing.assert_array_equal(support[10] & INSIDE != 0, x2 <= 57)
    np.testing.assert_array_equal(support[10] & CONSISTENT != 0, x2 <= 57)
    assert not (support[30] & CONSISTENT).any()
    np.testing.assert_array_equal(support[2, :] & INSIDE != 0, x2 <= 57)
    assert not (support[:2] & INSIDE).any() and not (support[38:] & INSIDE).any()
    backward[:, 40:50, 0] = -8.4
    assert not (consistency(forward, backward, FlowParameters())[10, 30:40] & CONSISTENT).any()


def test_texture_is_the_smaller_eigenvalue() -> None:
    y, x = np.mgrid[0:60, 0:80].astype(float)
    edge = np.clip(2 * x, 0, 255).astype(np.uint8)
    assert np.abs(texture(edge)[10:-10, 10:-10]).max() < 1e-3
    saddle = np.clip(128 + 0.1 * (x - 40) ** 2 - 0.1 * (y - 30) ** 2, 0, 255).astype(np.uint8)
    # gradient (0.2 dx, -0.2 dy): over 7x7 around the middle the mean of each square is 0.04 times 4, of their product 0
    assert texture(saddle)[30, 40] == pytest.approx(0.16, rel=0.15)
    assert texture(noise(60, 80, 0))[10:-10, 10:-10].min() > 2


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (np.zeros((80, 80), np.float32), np.zeros((80, 80), np.uint8), r"uint8.*float32 \(80, 80\)"),
        (np.zeros((80, 80), np.uint8), np.zeros((80, 80), np.uint16), r"uint8.*uint16 \(80, 80\)"),
        (np.zeros((80, 80, 4), np.uint8), np.zeros((80, 80, 4), np.uint8), r"\(H, W, 3\).*\(80, 80, 4\)"),
        (np.zeros((2, 80, 80, 3), np.uint8), np.zeros((80, 80), np.uint8), r"\(2, 80, 80, 3\)"),
        (np.zeros(80, np.uint8), np.zeros(80, np.uint8), r"\(80,\)"),
        (np.zeros((80, 80), np.uint8), np.zeros((80, 81), np.uint8), r"different sizes, \(80, 80\) and \(80, 81\)"),
        (np.zeros((63, 80), np.uint8), np.zeros((63, 80), np.uint8), r"at least 64x64 pixels, got 80x63"),
        (np.zeros((80, 63), np.uint8), np.zeros((80, 63), np.uint8), r"at least 64x64 pixels, got 63x80"),
        (np.zeros((0, 0), np.uint8), np.zeros((0, 0), np.uint8), r"at least 64x64 pixels, got 0x0"),
    ],
)
def test_what_is_no_pair_of_frames_is_refused(first: np.ndarray, second: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        flow(first, second)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (FlowParameters(engine="farneback"), "unknown engine 'farneback'; known: dis, census, ric"),
        (FlowParameters(engine="census", preset="best"), "unknown preset 'best'; known: fast, balanced, accurate"),
        (FlowParameters(engine="dis", preset="best"), "unknown preset 'best'"),
    ],
)
def test_unknown_names_are_refused_with_the_known_ones(wrong: FlowParameters, words: str) -> None:
    frame = np.zeros((64, 64), np.uint8)
    with pytest.raises(ValueError, match=words):
        flow(frame, frame, wrong)
