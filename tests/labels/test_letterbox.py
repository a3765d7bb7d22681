"""Black bars are found where they are, and only there."""

import numpy as np
import pytest
from numpy.typing import NDArray

from labels.letterbox import Letterbox

HEIGHT, WIDTH = 180, 320


def frames(
    top: int = 0, bottom: int = 0, left: int = 0, right: int = 0, noise: float = 1.0, count: int = 12
) -> list[NDArray[np.uint8]]:
    """Random pictures within bars of compressed black."""
    generator = np.random.default_rng(5)
    made = []
    for _ in range(count):
        frame = np.clip(generator.normal(16, noise, (HEIGHT, WIDTH, 3)), 0, 255)
        picture = generator.uniform(0, 255, (HEIGHT - top - bottom, WIDTH - left - right, 3))
        frame[top : HEIGHT - bottom, left : WIDTH - right] = picture
        made.append(frame.astype(np.uint8))
    return made


def active_area(shown: list[NDArray[np.uint8]]) -> tuple[int, int, int, int] | None:
    looked_for = Letterbox()
    for frame in shown:
        looked_for.add(frame)
    return looked_for.active_area()


def test_no_bars_are_found_where_there_are_none() -> None:
    assert active_area(frames()) is None


@pytest.mark.parametrize("bars", [(22, 22, 0, 0), (0, 0, 40, 40), (10, 30, 20, 0), (23, 21, 0, 0)])
def test_bars_are_found_to_the_pixel(bars: tuple[int, int, int, int]) -> None:
    top, bottom, left, right = bars
    area = active_area(frames(top, bottom, left, right))
    assert area is not None
    found = np.array(area)
    true = np.array([left, top, WIDTH - right, HEIGHT - bottom])
    assert (found[:2] - true[:2] >= 0).all()
    assert (true[2:] - found[2:] >= 0).all()
    assert np.abs(found - true).max() <= 2  # a line within each bar's blur, a line to an even size
    assert (found[2] - found[0]) % 2 == 0
    assert (found[3] - found[1]) % 2 == 0


def test_subtitles_in_a_bar_do_not_hide_it_but_a_lasting_logo_does() -> None:
    shown = frames(top=0, bottom=30, count=40)
    shown[3][-15:-8, 100:200] = 230
    area = active_area(shown)
    assert area is not None
    assert area[3] == HEIGHT - 30 - 2
    for frame in shown:
        frame[-15:-8, 100:200] = 230
    kept = active_area(shown)
    assert kept is not None
    assert HEIGHT - 10 <= kept[3] <= HEIGHT - 8


def test_black_frames_say_nothing() -> None:
    black = [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 50
    assert active_area(black) is None
    assert active_area(black + frames(top=20)) == active_area(frames(top=20))


def test_a_night_sky_that_is_not_flat_is_no_bar() -> None:
    assert active_area(frames(top=60, noise=6.0)) is None


def test_too_few_frames_and_too_little_picture_leave_everything() -> None:
    assert active_area(frames(top=20, count=4)) is None
    assert active_area(frames(top=70, bottom=70)) is None
    assert active_area([]) is None
