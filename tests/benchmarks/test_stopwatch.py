"""Time by stage: each second counts once, where it is spent."""

import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from benchmarks.stopwatch import Stopwatch


def busy(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def whole(stages: SimpleNamespace) -> None:
    busy(0.02)
    stages.part()


def test_what_a_stage_calls_counts_for_that_alone() -> None:
    stages = SimpleNamespace(part=lambda: busy(0.06))
    watch = Stopwatch()
    with watch.on({"part": [(stages, "part")]}), watch.stage("whole"):
        whole(stages)
    stages.part()  # no longer measured
    assert set(watch.seconds) == {"whole", "whole: part"}
    # whatever the machine is at: a part that is busy three times as long has more than the rest
    assert watch.seconds["whole: part"] >= 0.06 > watch.seconds["whole"] >= 0.02


def test_a_generator_is_timed_while_it_works_and_not_while_it_waits() -> None:
    def frames() -> Iterator[int]:
        for number in range(3):
            busy(0.01)
            yield number

    source = SimpleNamespace(frames=frames)
    watch = Stopwatch()
    with watch.on({"decoding": [(source, "frames")]}), watch.stage("work"):
        for _ in source.frames():
            busy(0.02)
    assert watch.seconds["work"] >= 0.06 and 0.03 <= watch.seconds["work: decoding"] < 0.06


def test_values_and_errors_pass_through() -> None:
    def fail() -> None:
        raise KeyError("inside")

    stages = SimpleNamespace(give=lambda value, *, twice: (value, twice), fail=fail)
    watch = Stopwatch()
    with watch.on({"give": [(stages, "give")], "fail": [(stages, "fail")]}):
        assert stages.give(1, twice=2) == (1, 2)
        with pytest.raises(KeyError, match="inside"), watch.stage("outer"):
            stages.fail()
    assert stages.fail is fail
    with watch.stage("after"):
        pass
    assert "after" in watch.seconds  # nothing is left open


def test_a_function_that_is_gone_is_told() -> None:
    with pytest.raises(AttributeError), Stopwatch().on({"gone": [(SimpleNamespace(), "gone")]}):
        pass
