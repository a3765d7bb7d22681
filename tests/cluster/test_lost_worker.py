"""What Luigi's scheduler makes of a lost worker, set as it is for many machines."""

import configparser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import luigi.configuration
import luigi.scheduler
import pytest

from pipeline.build_shards import BuildShards

ROOT = Path(__file__).parent.parent.parent
TURNS = 20  # how often the recipe for Slurm lets a worker come back
TURN_S = 10.0  # the least: a pause of 5 s, and the starts of two commands
LOOK_S = 60.0  # between two looks of luigid at what has become of workers and tasks
LOST_S = 61.0  # without a word, after which it takes a worker for lost


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    now = SimpleNamespace(seconds=1e9)
    monkeypatch.setattr(luigi.scheduler, "time", SimpleNamespace(time=lambda: now.seconds))
    return now


@pytest.fixture
def scheduler(clock: SimpleNamespace) -> luigi.scheduler.Scheduler:
    settings = configparser.ConfigParser()
    assert len(settings.read([ROOT / "luigi.cfg", ROOT / "cluster" / "central.cfg"])) == 2
    given: dict[str, Any] = {name: int(value) for name, value in settings["scheduler"].items()}
    return luigi.scheduler.Scheduler(**given)


@pytest.mark.parametrize(("tries", "losses"), [(1, 3), (None, 8)])
def test_a_task_is_given_to_others_however_many_workers_were_lost_over_it(
    tries: int | None, losses: int, scheduler: luigi.scheduler.Scheduler, clock: SimpleNamespace
) -> None:
    def given_to(worker: str) -> bool:
        retries = luigi.scheduler.RetryPolicy(tries, None, None)._asdict()
        scheduler.add_task(worker=worker, task_id="it", family="it", params={}, retry_policy_dict=retries)
        return bool(scheduler.get_work(worker=worker)["task_id"] == "it")

    def pass_time(seconds: float) -> None:
        looks = clock.seconds // LOOK_S
        clock.seconds += seconds
        if clock.seconds // LOOK_S > looks:
            scheduler.prune()

    for loss in range(losses + 1):
        for turn in range(TURNS):
            if given_to(f"{loss}-{turn}"):
                break
            pass_time(TURN_S)
        else:
            pytest.fail(f"nobody is given it after {loss} losses")
        pass_time(LOST_S)


@pytest.mark.parametrize(("alone", "tries"), [(True, 1), (False, None)])
def test_the_last_task_is_tried_again_where_other_machines_can(
    alone: bool, tries: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = luigi.configuration.LuigiConfigParser()
    settings.read_dict({"core": {"local_scheduler": str(alone)}})
    monkeypatch.setattr(luigi.configuration, "get_config", lambda: settings)
    assert BuildShards().retry_count == tries
