"""What a user sees of a run's progress."""

import io

import pytest

from training import progress
from training.progress import Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_rate_wait_and_time_left(clock: list[float]) -> None:
    stream = io.StringIO()
    shown = Progress(done=10, of=20, stream=stream)
    for _ in range(5):
        clock[0] += 4
        shown.step(images=8, waited=1, loss=0.125, epoch=3)
    shown.pause(10)  # half of the time was spent on validation
    assert shown.rate == pytest.approx(4.0)
    assert shown.wait_percent == pytest.approx(50)
    line = shown.line(0.125, 3)
    assert "epoch 3" in line
    assert "15/20" in line
    assert "loss 0.1250" in line
    assert "4.0 img/s  data wait 50 %  0:00:10 left" in line


def test_without_a_terminal_there_are_few_lines(clock: list[float]) -> None:
    stream = io.StringIO()
    shown = Progress(done=0, of=100, stream=stream)
    for _ in range(100):
        clock[0] += 1
        shown.step(images=1, waited=0, loss=1, epoch=0)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 10
    assert "100/100" in lines[-1]
    assert "\r" not in stream.getvalue()


def test_only_the_leading_rank_shows_it(clock: list[float]) -> None:
    stream = io.StringIO()
    shown = Progress(done=0, of=1, stream=stream, shown=False)
    clock[0] += 60
    shown.step(images=1, waited=0, loss=1, epoch=0)
    assert stream.getvalue() == ""
