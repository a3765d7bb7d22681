"""Clocks that jump while something waits, and those of other machines that are ahead or behind."""

import time
from pathlib import Path

import pytest

from pipeline import running, status, status_text, storage
from pipeline.fetched import FetchParameters, failed
from pipeline.patience import Gauge, patient
from tests.pipeline.laid_build import lay_out

DAY_S = 86400.0


@pytest.fixture(params=[DAY_S, -DAY_S], ids=["forth", "back"])
def jump(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """The clock jumps by a day at every look at it."""
    real, looks = time.time, [0]

    def jumping() -> float:
        looks[0] += 1
        return real() + float(request.param) * looks[0]

    monkeypatch.setattr(time, "time", jumping)
    return float(request.param)


def test_retries_are_counted_and_waited_for_by_a_clock_that_does_not_jump(jump: float) -> None:
    limits = FetchParameters(retries=2, backoff_s=0.01, max_backoff_s=0.02)
    attempts: list[int] = []

    def attempt() -> None:
        attempts.append(1)
        raise failed("cut", "cut", retryable=True)

    began = time.monotonic()
    with pytest.raises(Exception, match="cut"):
        patient(limits, time.monotonic() + 60)(attempt)
    assert len(attempts) == 3
    assert time.monotonic() - began < 30


def test_a_rate_is_measured_by_a_clock_that_does_not_jump(jump: float) -> None:
    gauge = Gauge(FetchParameters(stall_s=60, min_rate=1024), time.monotonic() + 60)
    for size in range(5):
        gauge.reach(size)  # slow, but not for a minute


def test_ages_are_never_below_zero(tmp_path: Path, jump: float) -> None:
    build = lay_out(tmp_path / "root", videos=1, labels=1)
    task = type("Task", (), {"task_id": "t", "get_task_family": lambda _: "LabelPairs"})()
    running.begin(build.root, task)  # type: ignore[arg-type]
    found = status.status(build.root)
    lines = list(status_text.lines(found))
    assert any(line.startswith("running 1 tasks") for line in lines)
    assert not any(": -" in line or "-1 day" in line for line in lines), lines
    ages = [line for line in status_text.metrics(found) if "oldest_running_seconds{" in line]
    assert ages and all(float(line.split()[-1]) >= 0 for line in ages)


def test_listings_stay_fresh_by_a_clock_that_does_not_jump(tmp_path: Path, jump: float) -> None:
    stage = str(tmp_path)
    assert storage.names(stage) == set()
    storage.FsspecTarget(stage, "file").write(b"x")
    assert storage.names(stage) == {"file"}
