"""What a pair takes over from the one before it in its chunk."""

from typing import Any

import numpy as np
import pytest

from pipeline.label_chunk import LONGEST_GAP_S, _start

ONE_SHOT = np.zeros(100, np.int64)


def pair(frame: int, distance: int, fps: float = 10.0) -> dict[str, Any]:
    return {"frame": frame, "time_s": frame / fps, "second_time_s": (frame + distance) / fps}


def test_how_long_and_how_late_a_pair_is_counts_in_durations_of_the_last() -> None:
    assert _start(pair(10, 2), pair(13, 4), ONE_SHOT) == pytest.approx((2.0, 1.5))


def test_the_first_pair_starts_afresh() -> None:
    assert _start(None, pair(10, 2), ONE_SHOT) is None


def test_nothing_is_taken_over_a_cut() -> None:
    shot = np.arange(100) // 12
    assert _start(pair(9, 2), pair(12, 2), shot) is None
    assert _start(pair(12, 2), pair(15, 2), shot) is not None


def test_nothing_is_taken_after_a_pause() -> None:
    gap = round(10 * LONGEST_GAP_S)
    assert _start(pair(10, 2), pair(12 + gap, 2), ONE_SHOT) is not None
    assert _start(pair(10, 2), pair(13 + gap, 2), ONE_SHOT) is None
