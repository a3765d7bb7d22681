"""Runs: interrupted or not, on one rank or two, in one batch or several, the weights are the same."""

import json
import os
import random
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from training import checkpoint, relative_depth
from training.configuration import (
    Configuration,
    EngineParameters,
    InputParameters,
    ObjectiveParameters,
    OptimisationParameters,
    RecordParameters,
)
from training.engine import REQUEUE, NonFiniteLossError, pretrain
from training.learner import Learner
from training.loader import LoaderParameters
from training.models.network import ModelParameters
from training.run_folder import RunError, read_metrics

CONFIGURATION = Configuration(
    model=ModelParameters(fc_channels=8),
    input=InputParameters(64, 64),
    loader=LoaderParameters(batch_size=4, workers=0),
    optimisation=OptimisationParameters(epochs=1, learning_rate=1e-3),
    engine=EngineParameters(device="cpu", deterministic=True),
    record=RecordParameters(checkpoint_steps=1, log_steps=1, validate_epochs=100, overlays=1),
)


def losses(run: Path) -> list[float]:
    return [line["loss"] for line in read_metrics(run) if "loss" in line]


def last(run: Path) -> dict[str, Tensor]:
    return checkpoint.read_weights(checkpoint.steps(run)[-1])


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    different = [name for name, value in expected.items() if not torch.equal(found[name], value)]
    assert not different


def killed_at(step: int, configuration: Configuration, data: Path, run: Path) -> int:
    """Train, and die like of ``kill -9`` amid the given update of this process."""
    update, done = Learner.step, [0]

    def dying(self: Learner, *arguments: Any) -> Tensor:
        done[0] += 1
        if done[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return update(self, *arguments)

    Learner.step = dying  # type: ignore[method-assign]
    return pretrain(configuration, str(data), run, resume=True)


@pytest.mark.parametrize("changes", [{}, {"ema": 0.9}])
def test_killed_at_twenty_random_steps_the_weights_are_those_of_the_undisturbed_run(
    changes: dict[str, float], small_dataset: Path, tmp_path: Path, start: Callable[..., Any]
) -> None:
    kills = 20 if not changes else 3
    optimisation = replace(CONFIGURATION.optimisation, epochs=5 if not changes else 2, **changes)
    configuration = replace(CONFIGURATION, optimisation=optimisation)
    rng = random.Random(3)
    for _ in range(kills):
        process = start(killed_at, rng.randint(1, 3), configuration, small_dataset, tmp_path / "killed")
        process.join(120)
        assert process.exitcode == -signal.SIGKILL
    pretrain(configuration, str(small_dataset), tmp_path / "killed", resume=True)
    pretrain(configuration, str(small_dataset), tmp_path / "whole", resume=False)
    assert len(losses(tmp_path / "whole")) == 6 * optimisation.epochs
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    assert_same(last(tmp_path / "killed"), last(tmp_path / "whole"))
    if changes:
        averages = [
            checkpoint.read_weights(checkpoint.steps(tmp_path / name)[-1], average=True) for name in ("killed", "whole")
        ]
        assert_same(*averages)
        assert not torch.equal(
            averages[0]["backbone.features.0.weight"], last(tmp_path / "whole")["backbone.features.0.weight"]
        )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_to_all_its_processes_saves_and_exits_for_requeueing(
    number: signal.Signals, small_dataset: Path, tmp_path: Path, start: Callable[..., Any]
) -> None:
    configuration = replace(
        CONFIGURATION,
        loader=replace(CONFIGURATION.loader, workers=1),
        optimisation=replace(CONFIGURATION.optimisation, epochs=300),
        record=replace(CONFIGURATION.record, checkpoint_steps=100_000),
    )
    run = tmp_path / "run"
    process = start(pretrain, configuration, str(small_dataset), run, False)
    deadline = time.monotonic() + 120
    while len(losses(run) if (run / "metrics.jsonl").exists() else []) < 9:
        assert process.is_alive() and time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, number)
    process.join(60)
    assert process.exitcode == REQUEUE
    done = checkpoint.read_record(checkpoint.steps(run)[-1])["step"]
    assert done >= 9
    again = replace(configuration, optimisation=replace(configuration.optimisation, steps=done + 4))
    assert pretrain(again, str(small_dataset), run, resume=True) == 0
    assert pretrain(again, str(small_dataset), tmp_path / "whole", resume=False) == 0
    assert losses(run) == losses(tmp_path / "whole")
    assert_same(last(run), last(tmp_path / "whole"))


def test_stopped_in_its_last_step_a_run_is_still_judged_when_it_goes_on(
    small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update, done = Learner.step, [0]

    def asked(self: Learner, *arguments: Any) -> Tensor:
        done[0] += 1
        if done[0] == 5:  # seen at the step after
            os.kill(os.getpid(), signal.SIGTERM)
        return update(self, *arguments)

    monkeypatch.setattr(Learner, "step", asked)
    assert pretrain(CONFIGURATION, str(small_dataset), tmp_path, resume=False) == REQUEUE
    assert pretrain(CONFIGURATION, str(small_dataset), tmp_path, resume=True) == 0
    assert done == [6]
    judged = [(line["step"], *line["validation"]) for line in read_metrics(tmp_path) if "validation" in line]
    assert judged[-1] == (6, "network")
    assert checkpoint.read_record(checkpoint.steps(tmp_path)[-1])["validation"] is not None
    assert pretrain(CONFIGURATION, str(small_dataset), tmp_path, resume=True) == 0
    assert len([line for line in read_metrics(tmp_path) if "validation" in line]) == len(judged)


def ranks(
    start: Callable[..., Any], size: int, configuration: Configuration, data: Path, run: Path, resume: bool = False
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    processes = [
        start(pretrain, configuration, str(data), run, resume, environment={**shared, "RANK": str(rank)})
        for rank in range(size)
    ]
    for process in processes:
        process.join(180)
    assert [process.exitcode for process in processes] == [0] * size


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": ModelParameters("vgg16", "fcn16s", fc_channels=8), "input": InputParameters(32, 32)},
        {"objective": ObjectiveParameters("ordinal", pairs=200)},
    ],
    ids=["alexnet", "vgg16", "ordinal"],
)
def test_two_ranks_have_the_loss_curve_of_one(
    changes: dict[str, Any], small_dataset: Path, tmp_path: Path, start: Callable[..., Any]
) -> None:
    # 22 samples in batches of 4: the last step has 2, all of them with the first rank
    configuration = replace(
        CONFIGURATION, optimisation=OptimisationParameters(epochs=2), **changes
    )  # the paper's learning rate: differences of rounding grow with it
    pretrain(configuration, str(small_dataset), tmp_path / "one", resume=False)
    ranks(start, 2, configuration, small_dataset, tmp_path / "two")
    assert len(losses(tmp_path / "one")) == 12
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), abs=1e-5, rel=0)
    scores = [line["validation"] for line in read_metrics(tmp_path / "one") if "validation" in line]
    again = [line["validation"] for line in read_metrics(tmp_path / "two") if "validation" in line]
    for name, values in scores[0].items():  # no training yet: 7 images over two ranks are the same 7
        assert again[0][name] == pytest.approx(values, abs=1e-12)
    assert again[1]["network"]["l1"] == pytest.approx(scores[1]["network"]["l1"], abs=1e-5)


def test_a_run_goes_on_with_another_number_of_ranks(
    small_dataset: Path, tmp_path: Path, start: Callable[..., Any]
) -> None:
    configuration = replace(CONFIGURATION, optimisation=OptimisationParameters(epochs=2))
    pretrain(configuration, str(small_dataset), tmp_path / "one", resume=False)
    begun = replace(configuration, optimisation=replace(configuration.optimisation, steps=4))
    pretrain(begun, str(small_dataset), tmp_path / "grown", resume=False)
    ranks(start, 2, configuration, small_dataset, tmp_path / "grown", resume=True)
    assert losses(tmp_path / "grown") == pytest.approx(losses(tmp_path / "one"), abs=1e-5, rel=0)


@pytest.mark.parametrize(
    "engine", [EngineParameters("cpu", precision="bfloat16"), EngineParameters("cpu", channels_last=False)], ids=str
)
def test_faster_steps_have_nearly_the_same_loss_curve(
    engine: EngineParameters, small_dataset: Path, tmp_path: Path
) -> None:
    configuration = replace(CONFIGURATION, optimisation=OptimisationParameters(epochs=2))
    pretrain(configuration, str(small_dataset), tmp_path / "usual", resume=False)
    pretrain(replace(configuration, engine=engine), str(small_dataset), tmp_path / "faster", resume=False)
    assert losses(tmp_path / "faster") == pytest.approx(losses(tmp_path / "usual"), abs=2e-3)
    assert losses(tmp_path / "faster") != losses(tmp_path / "usual") or not engine.channels_last


def test_accumulated_parts_have_the_loss_curve_of_the_whole_batch(small_dataset: Path, tmp_path: Path) -> None:
    small = replace(CONFIGURATION, optimisation=OptimisationParameters())
    for name, size in (("whole", None), ("parts", 1), ("uneven", 3)):
        parts = replace(small, engine=replace(small.engine, micro_batch=size))
        steps = replace(parts, optimisation=replace(parts.optimisation, steps=6))
        pretrain(steps, str(small_dataset), tmp_path / name, resume=False)
    for name in ("parts", "uneven"):
        assert losses(tmp_path / name) == pytest.approx(losses(tmp_path / "whole"), abs=1e-5, rel=0)


def test_training_learns(small_dataset: Path, tmp_path: Path) -> None:
    model = ModelParameters(fc_channels=64, dropout=0.0)
    configuration = replace(CONFIGURATION, model=model, optimisation=replace(CONFIGURATION.optimisation, epochs=12))
    pretrain(configuration, str(small_dataset), tmp_path, resume=False)
    before, after = (line["validation"] for line in read_metrics(tmp_path) if "validation" in line)
    assert set(before) == {"untrained network", "best constant per row", "mean label map"}
    assert after["network"]["l1"] < 0.7 * before["untrained network"]["l1"]
    assert after["network"]["spearman"] > 0.6


def test_a_loss_that_is_not_a_number_stops_with_the_samples(
    small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, seen = relative_depth.prepare, []

    def spoiled(batch: Any, *arguments: Any) -> Any:
        example = prepare(batch, *arguments)
        seen.append(batch.keys)
        if len(seen) > 5 and arguments[1] is not None:  # validation, twice two batches, augments nothing
            example.images[1] = float("nan")
        return example

    monkeypatch.setattr(relative_depth, "prepare", spoiled)
    with pytest.raises(NonFiniteLossError, match="the loss is nan at step 6 of epoch 0") as caught:
        pretrain(CONFIGURATION, str(small_dataset), tmp_path, resume=False)
    culprit, others = seen[5][1], [key for key in seen[5] if key]
    assert f"with such a loss: {culprit}. The batch: {', '.join(others)}" in str(caught.value)
    newest = checkpoint.load(checkpoint.steps(tmp_path)[-1])
    assert newest.record["step"] == 5
    assert all(bool(torch.isfinite(value).all()) for value in newest.weights.values())


def test_a_run_is_not_overwritten_nor_resumed_as_another(small_dataset: Path, tmp_path: Path) -> None:
    configuration = replace(CONFIGURATION, optimisation=replace(CONFIGURATION.optimisation, steps=2))
    pretrain(configuration, str(small_dataset), tmp_path, resume=False)
    with pytest.raises(RunError, match="holds a run already; add --resume"):
        pretrain(configuration, str(small_dataset), tmp_path, resume=False)
    other = replace(configuration, optimisation=replace(configuration.optimisation, learning_rate=1.0))
    with pytest.raises(RunError, match=r"started with optimisation\.learning_rate 0\.001, not 1\.0"):
        pretrain(other, str(small_dataset), tmp_path, resume=True)
    longer = replace(configuration, optimisation=replace(configuration.optimisation, steps=3))
    assert pretrain(longer, str(small_dataset), tmp_path, resume=True) == 0
    assert len(losses(tmp_path)) == 3


def test_a_run_says_what_it_was_and_what_came_of_it(small_dataset: Path, tmp_path: Path) -> None:
    configuration = replace(CONFIGURATION, optimisation=replace(CONFIGURATION.optimisation, steps=2))
    pretrain(configuration, str(small_dataset), tmp_path, resume=False)
    facts = json.loads((tmp_path / "provenance.json").read_text())
    assert facts["data_fingerprint"] == "0123456789ab"
    assert facts["code"]
    assert facts["libraries"]["torch"] == torch.__version__.split("+")[0]
    card = (tmp_path / "README.md").read_text()
    network = read_metrics(tmp_path)[-1]["validation"]["network"]
    assert f"| network | 2 | {network['l1']:.4f} | {network['spearman']:.4f} |" in card
    assert "| mean label map | 0 |" in card
    assert "0123456789ab" in card
    assert list((tmp_path / "tensorboard").glob("events.*"))
