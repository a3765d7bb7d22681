"""The death of a task's process is told once, whatever results come first."""

import multiprocessing
import queue
import signal
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import luigi
import pytest
from luigi.scheduler import Scheduler
from luigi.worker import TaskProcess, Worker

from pipeline import BuildShards


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    with Worker(scheduler=Scheduler(), worker_id="one") as worker, monkeypatch.context() as patched:
        patched.setattr(worker, "_task_result_queue", queue.Queue())  # without a feeder thread: what is put is there
        yield worker


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The events and messages of BuildShards."""
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(BuildShards, "trigger_event", lambda _, event, __, message: told.append((event, message)))
    return told


def run(worker: Worker, work: Callable[[], Any], timeout_s: int = 0) -> TaskProcess:
    """The process of a task that does some ``work`` only."""
    task = BuildShards()
    process = TaskProcess(task, "one", worker._task_result_queue, SimpleNamespace(), True, worker_timeout=timeout_s)
    process.run = work
    process.start()
    worker._running_tasks[task.task_id] = process
    return process


def crash() -> None:
    signal.raise_signal(signal.SIGKILL)


def test_a_death_is_told_once_and_the_next_one_again(worker: Worker, told: list[tuple[str, str]]) -> None:
    for deaths in (1, 2):
        run(worker, crash).join()
        for _ in range(3):  # the results of other tasks come first
            worker._purge_children()
        assert len(told) == worker._task_result_queue.qsize() == deaths
        assert told[-1][0] == luigi.Event.PROCESS_FAILURE
        assert told[-1][1].endswith("exit code -9")
    assert worker._running_tasks  # Luigi takes it out itself, with the result


def test_a_task_that_was_late_is_stopped_and_did_not_die_as_well(worker: Worker, told: list[tuple[str, str]]) -> None:
    late = run(worker, signal.pause, timeout_s=1)
    late.timeout_time = 0.0
    worker._purge_children()
    late.join()
    worker._purge_children()
    assert [event for event, _ in told] == [luigi.Event.TIMEOUT]
    assert late.exitcode == -signal.SIGTERM


def test_tasks_at_work_and_whole_ones_are_left_alone(worker: Worker, told: list[tuple[str, str]]) -> None:
    at_work = run(worker, signal.pause)
    worker._purge_children()
    assert at_work.is_alive()
    at_work.kill()
    at_work.join()
    run(worker, multiprocessing.active_children).join()
    worker._purge_children()
    assert not told
