from dataclasses import replace

import cv2
import numpy as np
import pytest

from labels.moving_things import ThingParameters, _vectors, affine_flow, completed, detail, difference

HEIGHT, WIDTH = 200, 640
VELOCITY = np.array([6.0, -3.0], np.float32)
THING = np.s_[60:130, 120:220]
LAMPS = (np.s_[100:115, 125:145], np.s_[100:115, 195:215])
PARAMETERS = ThingParameters(gap_px=120)


def street(texture: float = 40.0) -> tuple[np.ndarray, np.ndarray]:
    """Two frames: noise that stands still, and before it a thing, of other noise, that moves by ``VELOCITY``."""
    random = np.random.default_rng(3)
    still, painted = (
        cv2.GaussianBlur(random.normal(0, texture, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1.0) for _ in range(2)
    )
    frames = []
    for time in range(2):
        frame = still.copy()
        moved = cv2.warpAffine(painted, np.float32([[1, 0, 6 * time], [0, 1, -3 * time]]), (WIDTH, HEIGHT))
        at = np.s_[60 - 3 * time : 130 - 3 * time, 120 + 6 * time : 220 + 6 * time]
        frame[at] = moved[at]
        frames.append(np.clip(128 + frame, 0, 255).astype(np.uint8))
    return frames[0], frames[1]


def mask(*parts: tuple[slice, slice]) -> np.ndarray:
    result = np.zeros((HEIGHT, WIDTH), bool)
    for part in parts:
        result[part] = True
    return result


def found(
    images: tuple[np.ndarray, np.ndarray] | None,
    parameters: ThingParameters = PARAMETERS,
    parts: tuple[tuple[slice, slice], ...] = LAMPS,
) -> np.ndarray:
    """What is found of a thing where flow tells its motion at ``parts`` only, and says elsewhere that all stands."""
    seen = mask(*parts)
    flow = np.where(seen[..., None], VELOCITY, np.float32(0))
    return completed(seen, ~seen, seen, flow, images, parameters)


def test_the_rest_of_a_thing_follows_its_lamps() -> None:
    moving, thing = found(street()), mask(THING)
    assert moving[62:128, 122:218].mean() > 0.97
    assert moving[~thing].mean() < 0.02


def test_without_the_frames_what_says_that_it_stands_stands() -> None:
    assert (found(None) == mask(*LAMPS)).all()


def test_where_the_frames_tell_nothing_all_that_lies_between_is_filled() -> None:
    """A plain body: both motions leave no difference, so that it does not say that it stands."""
    plain = np.full((HEIGHT, WIDTH), 128, np.uint8)
    moving = found((plain, plain), parts=(np.s_[62:70, 125:215], np.s_[100:115, 125:215]))
    assert moving[62:115, 135:205].all()
    assert not moving[:62].any() and not moving[116:].any() and not moving[:, :125].any()


def test_few_pixels_or_far_ones_are_not_tried() -> None:
    lamps = mask(*LAMPS)
    assert (found(street(), replace(PARAMETERS, least_pixels=10**4)) == lamps).all()
    near = found(street(), replace(PARAMETERS, reach=0.0))
    assert near[100:115, 125:215].mean() > 0.97 and not near[:100].any() and not near[115:].any()


def test_what_follows_but_does_not_touch_is_something_else() -> None:
    first, second = street()
    other = np.s_[66:100, 250:265]  # moves likewise, within reach of the thing, but stands alone
    moved = np.s_[63:97, 256:271]
    second[moved] = first[other]
    assert found((first, second), replace(PARAMETERS, max_reach_px=120))[other].mean() < 0.05


def test_between_two_things_nothing_is_filled() -> None:
    both, nothing = mask(np.s_[40:160, 100:130], np.s_[40:160, 190:220]), np.zeros((HEIGHT, WIDTH), bool)
    flow = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    apart = completed(both, nothing, nothing, flow, None, ThingParameters(max_reach_px=10))
    assert not apart[:, 142:178].any()
    assert completed(both, nothing, nothing, flow, None, ThingParameters(gap_px=70))[80:120, 142:178].all()


def test_what_is_wider_than_half_the_frame_is_no_thing() -> None:
    plain = np.full((HEIGHT, WIDTH), 128, np.uint8)
    wide = np.s_[62:70, 125:455], np.s_[100:115, 125:455]
    assert (found((plain, plain), parts=wide) == mask(*wide)).all()


def test_detail_is_what_changes_fast_over_the_frame() -> None:
    x = np.arange(WIDTH, dtype=np.float32)[None].repeat(HEIGHT, 0)
    shade, stripes = 40 + 0.3 * x, 20 * np.sin(x)
    inner = np.s_[20:-20, 20:-20]
    assert np.abs(detail(shade.astype(np.uint8), PARAMETERS, 1.0)[inner]).max() < 1
    left = detail((shade + stripes).astype(np.uint8), PARAMETERS, 1.0)[inner]
    gauss, box = np.exp(-(0.7**2) / 2), np.sin(7.5) / (15 * np.sin(0.5))  # what both blurs leave of a wave of 1 rad/px
    assert left.std() / stripes.std() == pytest.approx(gauss * (1 - box), rel=0.05)


@pytest.mark.parametrize("unit", [0.5, 1.0, 2.0])
def test_detail_is_a_frame_without_the_mean_around(unit: float) -> None:
    image = np.random.default_rng(1).integers(0, 256, (50, 70)).astype(np.uint8)
    side = {0.5: 9, 1.0: 15, 2.0: 31}[unit]
    smooth = cv2.GaussianBlur(image, (0, 0), 0.7 * unit).astype(np.float32)
    np.testing.assert_array_equal(detail(image, PARAMETERS, unit), smooth - cv2.blur(smooth, (side, side)))


def test_nothing_moves_where_nothing_was_found() -> None:
    nothing = np.zeros((HEIGHT, WIDTH), bool)
    assert not completed(nothing, nothing, nothing, np.zeros((HEIGHT, WIDTH, 2), np.float32), street()).any()


def test_an_affine_flow_is_found_among_outliers() -> None:
    y, x = np.mgrid[:80, :120].astype(np.float32)
    truth = np.stack([2 + 0.02 * x - 0.01 * y, -1 + 0.03 * y], -1)
    flow = truth.copy()
    flow[:15] += 20
    source = np.zeros((80, 120), bool)
    source[:, 30:90] = True
    flow[~source] = np.nan
    np.testing.assert_allclose(affine_flow(flow, source, stiffness=1e-6), truth, atol=0.05)


def test_vectors_are_placed_from_their_middle_in_their_longer_extent() -> None:
    generator = np.random.default_rng(3)
    flow, source = generator.normal(size=(12, 30, 2)).astype(np.float32), np.zeros((12, 30), bool)
    source[3:8, 9:25] = generator.random((5, 16)) < 0.7
    rows, columns = np.nonzero(source)
    x, y, us, vs, (x0, y0, size) = _vectors(flow, source)
    assert (x0, y0, size) == (columns.mean(), rows.mean(), np.ptp(columns))
    np.testing.assert_array_equal(x, (columns - x0) / size)
    np.testing.assert_array_equal(y, (rows - y0) / size)
    np.testing.assert_array_equal(np.stack([us, vs], 1), flow[source])


@pytest.mark.parametrize("velocity", [(6.0, -3.0), (0.0, 0.0)])
def test_the_difference_is_that_of_the_frames_where_the_flow_leads(velocity: tuple[float, float]) -> None:
    first, second = street()
    flow = np.broadcast_to(np.float32(velocity), (40, 60, 2))
    part = (slice(70, 110), slice(140, 200))
    apart = difference((first, second), part, flow, PARAMETERS, 1.0)
    x, y = (int(v) for v in velocity)
    there = second[70 + y : 110 + y, 140 + x : 200 + x]
    expected = np.minimum(np.abs(first[part].astype(float) - there), 30)
    assert apart[20, 30] == pytest.approx(expected[18:23, 28:33].mean(), abs=1e-3)
