"""Frames that must not become labels, from the picture to the reason: the cases of LABELS 11 that a survey tells.

A plain drive is spoiled in one way at a time; its own frames, unspoiled, give pairs without these reasons.
"""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from labels.selection import PairTable, select
from labels.survey import FrameTable, Survey
from labels.video_fault import camera_fault, video_fault
from simulation import DriveParameters
from simulation.drive import images

WIDTH, HEIGHT, FPS = 256, 144, 20.0
DRIVE = DriveParameters(seed=3, frames=44, fps=FPS, width=WIDTH, height=HEIGHT, traffic=0, curves=0.3)
Image = NDArray[np.uint8]
Frames = list[Image]


@pytest.fixture(scope="module")
def drive() -> Frames:
    return [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images(DRIVE)]


def surveyed(frames: Frames, times: NDArray[np.float64] | None = None) -> FrameTable:
    survey = Survey()
    for number, frame in enumerate(frames):
        survey.add(frame, number / FPS if times is None else float(times[number]))
    return survey.table()


def selected(frames: Frames, times: NDArray[np.float64] | None = None) -> PairTable:
    return select(surveyed(frames, times), WIDTH)


def spoiled(frames: Frames, rows: range, spoil: Callable[[Image, int], Image]) -> Frames:
    return [spoil(frame, number - rows.start) if number in rows else frame for number, frame in enumerate(frames)]


def spans(pairs: PairTable, barrier: int) -> bool:
    """Whether a pair lies on both sides of the step to row ``barrier``."""
    rows = np.flatnonzero(pairs.kept)
    return bool(((rows < barrier) & (pairs.second[rows] >= barrier)).any())


def uses(pairs: PairTable, row: int) -> bool:
    return bool(pairs.kept[row] or row in pairs.second[pairs.kept])


def test_a_plain_drive_has_nothing_but_pairs(drive: Frames) -> None:
    pairs = selected(drive)
    assert set(pairs.reasons()) <= {"kept", "spacing", "end_of_shot"}
    assert pairs.reasons()["kept"] > 15
    assert all(spans(pairs, row) for row in (12, 20, 22))  # what the tests below forbid
    assert video_fault(surveyed(drive), WIDTH, HEIGHT) == ""


# 11.1 traffic light --------------------------------------------------------------------------------------------------


def halted(frame: Image, count: int) -> Frames:
    """A standing camera's frames: the same but for noise."""
    random = np.random.default_rng(0)
    return [np.clip(frame + random.normal(0, 1, frame.shape), 0, 255).astype(np.uint8) for _ in range(count)]


def passing(image: Image, number: int) -> Image:
    """A lorry goes by; on the far side."""
    painted = image.copy()
    left = 2 + 3 * number
    painted[60:100, left : left + 60] = image[::-1, ::-1][60:100, 80:140]
    return painted


def test_a_car_that_waits_in_traffic_is_slow(drive: Frames) -> None:
    table = surveyed(spoiled(halted(drive[20], 24), range(24), passing))
    assert np.nanmax(table["p90"]) > 1  # something moves
    pairs = select(table, WIDTH)
    assert pairs.reasons() == {"slow": 23, "end_of_shot": 1}


def test_only_the_stop_of_a_drive_is_slow(drive: Frames) -> None:
    pairs = selected(drive[:20] + halted(drive[20], 20) + drive[21:])
    assert set(pairs.reason[20:32]) == {"slow"}  # the last reach beyond the stop
    assert pairs.kept[:19].any() and pairs.kept[42:].any()


# 11.6 cut, fade, flash -----------------------------------------------------------------------------------------------


def test_a_cut_is_spanned_by_no_pair(drive: Frames) -> None:
    other = [np.ascontiguousarray(frame[:, ::-1]) for frame in drive[:20]]
    pairs = selected(drive[24:] + other)
    assert pairs.reason[20] == "cut" and not spans(pairs, 20)
    assert not any(uses(pairs, row) for row in (20, 21, 22))  # a cut may be a blend
    assert pairs.kept[:18].any() and pairs.kept[23:].any()


def test_a_fade_to_black_is_in_no_pair(drive: Frames) -> None:
    pairs = selected(spoiled(drive, range(12, 20), lambda image, n: (image * (1 - (n + 1) / 8)).astype(np.uint8)))
    assert set(pairs.reason[12:19]) <= {"fade", "dark", "cut"} and "fade" in pairs.reason[12:19]
    assert not any(uses(pairs, row) for row in range(12, 20))


def test_a_flash_is_spanned_by_no_pair(drive: Frames) -> None:
    def lit(image: Image, _: int) -> Image:
        return np.clip(image.astype(np.float32) * 1.15 + 8, 0, 245).astype(np.uint8)

    pairs = selected(spoiled(drive, range(20, 44), lit))
    assert not spans(pairs, 20) and "flash" in pairs.reason[10:20]
    assert spans(pairs, 25)


# 11.7 duplicates, pulldown, gaps -------------------------------------------------------------------------------------


def test_repeated_frames_are_removed(drive: Frames) -> None:
    frames = [frame for number, frame in enumerate(drive) for _ in range(1 + (number % 4 == 3))]
    repeats = [number for number in range(1, len(frames)) if frames[number] is frames[number - 1]]
    pairs = selected(frames)
    assert np.flatnonzero(pairs.reason == "duplicate").tolist() == repeats
    assert not any(uses(pairs, row) for row in repeats)


def test_repeats_that_were_coded_anew_are_removed(drive: Frames) -> None:
    random = np.random.default_rng(1)
    noisy = np.clip(drive[19] + random.normal(0, 1.5, drive[19].shape), 0, 255).astype(np.uint8)
    pairs = selected([*drive[:20], noisy, *drive[20:]])
    assert pairs.reason[20] == "duplicate"


def test_mixtures_of_two_frames_are_left_out(drive: Frames) -> None:
    def mixed(one: Image, other: Image) -> Image:
        return cv2.addWeighted(one, 0.5, other, 0.5, 0)

    frames = [frame for a, b in zip(drive[::2], drive[1::2]) for frame in (a, mixed(a, b))]
    pairs = selected(frames)
    assert np.flatnonzero(pairs.reason == "blended").tolist() == list(range(1, len(frames), 2))


def test_a_jump_in_time_is_spanned_by_no_pair(drive: Frames) -> None:
    times = np.arange(len(drive)) / FPS
    times[20:] += 2.0
    pairs = selected(drive, times)
    assert not spans(pairs, 20) and pairs.reason[19] == "timestamp_gap"


# 11.11 wipers, spray -------------------------------------------------------------------------------------------------


def wiper(image: Image, number: int) -> Image:
    """A blade with the water that it pushes, on its way across the windscreen."""
    painted = image.copy()
    angle = np.pi * (0.35 + 0.15 * number)
    tip = (round(WIDTH / 2 - 190 * np.cos(angle)), round(HEIGHT - 190 * np.sin(angle)))
    cv2.line(painted, (WIDTH // 2, HEIGHT), tip, int(image.mean()), 60)
    return painted


def test_a_wiper_hides_the_pairs_that_it_crosses(drive: Frames) -> None:
    pairs = selected(spoiled(drive, range(20, 23), wiper))
    assert not any(uses(pairs, row) for row in (20, 21, 22))
    assert set(pairs.reason[19:22]) == {"obscured"}
    assert pairs.kept[:17].any() and pairs.kept[25:].any()


# 11.12, 11.18 tunnel, glare, fog, compression ------------------------------------------------------------------------


def coarse(image: Image, _: int) -> Image:
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 20])[1]
    return cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda image, _: (image * 0.1).astype(np.uint8), "dark"),
        (lambda image, _: np.where(np.arange(WIDTH) < 80, 255, image).astype(np.uint8), "saturated"),
        (lambda image, _: cv2.GaussianBlur(image, (0, 0), 14), "textureless"),
        (coarse, "blocky"),
    ],
    ids=["tunnel", "glare", "fog", "compression"],
)
def test_what_shows_too_little_is_in_no_pair(drive: Frames, spoil: Callable[[Image, int], Image], reason: str) -> None:
    pairs = selected(spoiled(drive, range(20, 44), spoil))
    assert set(pairs.reason[24:]) == {reason}
    assert not pairs.kept[20:].any() and not (pairs.second[pairs.kept] >= 20).any()
    assert pairs.kept[:18].any()


def test_a_shaken_frame_is_in_no_pair(drive: Frames) -> None:
    pairs = selected(spoiled(drive, range(20, 21), lambda image, _: cv2.blur(image, (7, 7))))
    assert pairs.reason[20] == "blurred" and not uses(pairs, 20)


# Whole videos --------------------------------------------------------------------------------------------------------


def test_videos_of_no_use_are_told(drive: Frames) -> None:
    black, single = [np.zeros_like(frame) for frame in drive[:20]], drive[:1]
    assert video_fault(surveyed(black), WIDTH, HEIGHT) == "all_black"
    assert video_fault(surveyed(single), WIDTH, HEIGHT) == "too_short"
    assert video_fault(surveyed([drive[0]] * 20), WIDTH, HEIGHT) == "still_camera"
    assert video_fault(surveyed([]), WIDTH, HEIGHT) == "too_short"
    upright = [np.ascontiguousarray(frame.T) for frame in drive[:20]]
    assert video_fault(surveyed(upright), HEIGHT, WIDTH) == "portrait"
    assert video_fault(surveyed(drive[:10] + [drive[10]] * 80), WIDTH, HEIGHT) == ""  # stop and go


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (("", 0.3, 0.8, 0.02), ""),
        (("few_pairs", 0.3, np.nan, np.nan), ""),
        (("too_large", 0.3, 0.8, 0.02), "covered"),
        (("central", 0.3, 0.8, 0.02), "covered"),
        (("", 0.9, 0.8, 0.02), "noisy_flow"),
        (("", 0.3, 0.04, np.nan), "no_motion"),
        (("", 0.3, 0.8, 0.3), "no_heading"),
    ],
)
def test_what_the_second_look_finds_can_end_a_video(said: tuple[str, float, float, float], fault: str) -> None:
    assert camera_fault(*said) == fault
