"""A scene that streams outward, with and without something in front of it that stays."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from labels.bonnet import best_path
from labels.egomotion import fit
from labels.fixed_evidence import Evidence
from labels.fixed_regions import Accumulator, FixedRegionParameters, FixedRegions, explained, widened
from labels.flow import FlowParameters, flow
from labels.marks import MarkParameters, marks
from labels.scene_motion import outward

WIDTH, HEIGHT, FOCAL = 320, 180, 256.0
CENTRE = (WIDTH - 1) / 2, (HEIGHT - 1) / 2
QUICK = FlowParameters(engine="dis")
Image = NDArray[np.uint8]
Paint = Callable[[Image, Image], Image]


def road_and_wall(seed: int) -> tuple[Image, Image]:
    """Two frames of a road 1.5 m below and walls 6 m beside a camera that goes 0.6 m ahead."""
    generator = np.random.default_rng(seed)
    texture = cv2.GaussianBlur(generator.uniform(0, 255, (512, 512)).astype(np.float32), (0, 0), 1.5)
    texture = (texture - 127) * 1.5 + 127
    x, y = np.meshgrid((np.arange(WIDTH) - CENTRE[0]) / FOCAL, (np.arange(HEIGHT) - CENTRE[1]) / FOCAL)
    frames = []
    for ahead in (0.0, 0.6):
        road, wall = 1.5 / np.maximum(np.abs(y), 1e-3), 6 / np.maximum(np.abs(x), 1e-3)
        z = np.minimum(np.minimum(road, wall), 60)
        across = np.where(road < wall, x * z, y * z)
        columns, rows = (across * 20) % 511, ((z + ahead) * 12 + 200 * (road < wall) + 90 * (x > 0)) % 511
        frames.append(cv2.remap(texture, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_LINEAR))
    return frames[0].astype(np.uint8), frames[1].astype(np.uint8)


@pytest.fixture(scope="module")
def scenes() -> list[tuple[Image, Image]]:
    return [road_and_wall(seed) for seed in range(60)]


def look(
    scenes: list[tuple[Image, Image]],
    paint: Paint,
    parameters: FixedRegionParameters | None = None,
    fresh: float = 1.0,
) -> FixedRegions:
    sums = Accumulator(HEIGHT, WIDTH, parameters)
    for first, second in scenes:
        images = paint(first, first), paint(second, first)
        found, support = flow(*images, QUICK)
        sums.add(images[0], found, support, fit(found, support, FOCAL, CENTRE), FOCAL, CENTRE, fresh)
    return sums.regions()


def overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(one & other) / np.count_nonzero(one | other))


BONNET = np.arange(HEIGHT)[:, None] > 140 + ((np.arange(WIDTH) - 160) / 30) ** 2
BOX = np.zeros((HEIGHT, WIDTH), bool)
BOX[8:36, 20:104] = True


def matte(image: Image, _: Image) -> Image:
    return np.where(BONNET, 40, image).astype(np.uint8)


def glossy(image: Image, _: Image) -> Image:
    mirrored = cv2.resize(image[: HEIGHT // 2][::-1], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.where(BONNET, 30 + 0.35 * mirrored, image).astype(np.uint8)


def logo(image: Image, _: Image) -> Image:
    letters = cv2.putText(np.zeros_like(image), "HDR", (22, 31), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (1,), 3)
    return np.where(BOX, 0.4 * image + 150 - 110 * letters, image).astype(np.uint8)


def stamp(image: Image, first: Image) -> Image:
    painted = image.copy()
    painted[BOX] = 20
    time = f"12:3{first[90, 100] % 10}:{first[90, 120] % 60:02d}"
    return cv2.putText(painted, time, (24, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (230,), 1)


@pytest.mark.parametrize(("paint", "truth"), [(matte, BONNET), (glossy, BONNET), (logo, BOX), (stamp, BOX)])
def test_what_stays_is_found(scenes: list[tuple[Image, Image]], paint: Paint, truth: NDArray[np.bool_]) -> None:
    found = look(scenes, paint)
    assert found.reason == ""
    assert overlap(found.mask, truth) >= 0.85


def test_where_nothing_stays_there_is_no_mask(scenes: list[tuple[Image, Image]]) -> None:
    found = look(scenes, lambda image, _: image)
    assert not found.mask.any() and found.reason == ""


def test_few_pairs_tell_nothing(scenes: list[tuple[Image, Image]]) -> None:
    found = look(scenes[:19], matte)
    assert not found.mask.any() and found.reason == "few_pairs"


def test_in_a_short_clip_only_a_mark_whose_edges_are_certain_is_believed(scenes: list[tuple[Image, Image]]) -> None:
    """Of a slow car pairs overlap: in three seconds lane markings stay where they are, too."""
    strict = FixedRegionParameters(certain_mark=0.999)
    assert overlap(look(scenes, logo, fresh=0.5).mask, BOX) >= 0.85
    assert overlap(look(scenes, logo, strict).mask, BOX) >= 0.85
    assert not look(scenes, logo, strict, fresh=0.5).mask.any()


def test_a_mask_that_is_too_large_is_not_believed(scenes: list[tuple[Image, Image]]) -> None:
    found = look(scenes, matte, FixedRegionParameters(max_share=0.1))
    assert not found.mask.any() and found.reason == "too_large"


def test_an_image_of_another_size_is_refused() -> None:
    image = np.zeros((HEIGHT, WIDTH - 1), np.uint8)
    with pytest.raises(ValueError, match="an image of"):
        Accumulator(HEIGHT, WIDTH).add(
            image, *flow(image, image, QUICK), fit(*flow(image, image, QUICK), FOCAL, CENTRE), FOCAL, CENTRE
        )


def test_flow_towards_the_focus_is_not_explained() -> None:
    first, second = road_and_wall(0)
    found, support = flow(first, second, QUICK)
    motion = fit(found, support, FOCAL, CENTRE)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    expanding = np.stack([x - np.float32(CENTRE[0]), y - np.float32(CENTRE[1])], -1) * np.float32(0.1)
    far = np.linalg.norm(expanding, axis=-1) > 5
    assert explained(expanding, motion, FOCAL, CENTRE)[far].mean() > 0.95
    assert not explained(-expanding, motion, FOCAL, CENTRE)[far].any()


def test_the_scene_behind_what_is_fixed_moves_as_before_it() -> None:
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    speed = np.hypot(x - 160, y - 90) * np.float32(0.1)
    hidden = speed.copy()
    hidden[150:] = 0  # a matte bonnet
    expected, right, down = outward(hidden, (160.0, 90.0))
    assert expected[175, 160] == pytest.approx(speed[140, 160], rel=0.15)
    assert (right[90, 300], down[90, 300]) == pytest.approx((1, 0), abs=0.01)


def test_the_best_path_is_that_of_the_most_gain() -> None:
    gain = np.zeros((20, 30), np.float32)
    rows = 5 + np.arange(30) // 5
    gain[rows, np.arange(30)] = 4
    np.testing.assert_array_equal(best_path(gain, 2, 1.0), rows)


def test_edges_that_stay_because_nothing_crosses_them_are_no_mark() -> None:
    edge = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.rectangle(edge, (20, 20), (80, 40), 1.0, 3)
    nothing = np.zeros_like(edge)

    def found(crossing: float) -> NDArray[np.bool_]:
        evidence = Evidence(edge, edge * 20, nothing, edge * crossing, nothing, nothing, nothing)
        return marks(evidence, np.zeros(edge.shape, bool), MarkParameters())

    assert found(5.0)[30, 50] and not found(1.0).any()


EDGE = cv2.rectangle(np.zeros((HEIGHT, WIDTH), np.float32), (20, 20), (80, 40), 1.0, 3)
NOTHING = np.zeros_like(EDGE)


@pytest.mark.parametrize(("scene", "fixed", "is_mark"), [(0.0, 0.0, True), (0.3, 0.4, True), (0.3, 0.1, False)])
def test_edges_behind_which_flow_sees_the_scene_are_no_mark(scene: float, fixed: float, is_mark: bool) -> None:
    """A barrier stays where it is in the picture; a logo that the scene shines through has votes for both."""
    votes = NOTHING + np.float32(scene), NOTHING + np.float32(fixed)
    evidence = Evidence(EDGE, EDGE * 20, NOTHING, EDGE * 5, votes[1], votes[0], NOTHING)
    assert marks(evidence, NOTHING > 0, MarkParameters())[30, 50] == is_mark


def test_edges_that_mostly_stay_are_a_mark_unless_certain_ones_are_asked_for() -> None:
    evidence = Evidence(EDGE * np.float32(0.8), EDGE * 20, NOTHING, EDGE * 5, NOTHING, NOTHING, NOTHING)
    assert marks(evidence, NOTHING > 0, MarkParameters())[30, 50]
    assert not marks(evidence, NOTHING > 0, MarkParameters(), 0.86).any()


def test_a_mark_is_whole_where_an_edge_lies_along_the_motion() -> None:
    notched, corner = NOTHING.copy(), NOTHING.copy()
    notched[20:44, 20:80] = 1
    notched[32:44, 40:60] = 0  # no letters here, and nothing crosses the lower edge
    corner[20:23, 20:100], corner[20:100, 20:23] = 1, 1  # two bars that enclose nothing

    def found(edge: NDArray[np.float32]) -> NDArray[np.bool_]:
        evidence = Evidence(edge, edge * 20, NOTHING, edge * 5, NOTHING, NOTHING, NOTHING)
        return marks(evidence, NOTHING > 0, MarkParameters())

    assert found(notched)[22:42, 22:78].all()
    assert found(corner)[21, 60] and not found(corner)[50, 50]


def test_a_mask_is_widened_by_pixels_of_the_working_width() -> None:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[90, 160] = True
    assert widened(mask, 8.0)[90].sum() == 9
