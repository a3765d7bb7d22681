"""Stages: each starts from the one before, with its own head and rate; a run goes on in the stage it was in."""

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from training import checkpoint
from training.configuration import (
    Configuration,
    EngineParameters,
    InputParameters,
    OptimisationParameters,
    RecordParameters,
    StageParameters,
)
from training.loader import LoaderParameters
from training.models.network import ModelParameters
from training.relative_depth import RelativeDepth
from training.run_folder import RunError, read_configuration
from training.staging import train_stages

STAGED = Configuration(
    model=ModelParameters("vgg16", "fcn8s", fc_channels=8),
    input=InputParameters(32, 32),
    loader=LoaderParameters(batch_size=4, workers=0),
    optimisation=OptimisationParameters(
        epochs=1,
        steps=2,
        learning_rate=1e-5,
        stages=[StageParameters("fcn32s", 1, 1e-4), StageParameters("fcn16s", 1, 2e-5)],
    ),
    engine=EngineParameters(device="cpu", deterministic=True),
    record=RecordParameters(validation_samples=1, overlays=0),
)


@pytest.fixture(scope="module")
def staged(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("staged") / "run"
    assert train_stages(STAGED, RelativeDepth, str(small_dataset), run, resume=False) == 0
    return run


def test_every_stage_is_a_run_with_its_own_head_and_rate(staged: Path) -> None:
    places = [staged / "stages/1-fcn32s", staged / "stages/2-fcn16s", staged]
    found = [read_configuration(place)[0] for place in places]
    assert [each.model.head for each in found] == ["fcn32s", "fcn16s", "fcn8s"]
    assert [each.optimisation.learning_rate for each in found] == [1e-4, 2e-5, 1e-5]
    rates = [
        checkpoint.load(checkpoint.steps(place)[-1]).state["optimizer"]["param_groups"][0]["lr"] for place in places
    ]
    assert rates == [1e-4, 2e-5, 1e-5]


def test_a_stage_starts_from_the_newest_weights_of_the_one_before(staged: Path) -> None:
    facts = json.loads((staged / "provenance.json").read_text())["initialised_from"]
    assert facts["source"] == str(staged / "stages/2-fcn16s/checkpoints/step-00000002")
    assert facts["step"] == 2
    assert facts["initialised_from"]["source"] == str(staged / "stages/1-fcn32s/checkpoints/step-00000002")
    assert facts["initialised_from"]["initialised_from"] is None
    report = (staged / "initialisation.txt").read_text()
    assert "left: head.score_pool3.weight, head.score_pool3.bias" in report
    before = checkpoint.read_weights(staged / "stages/2-fcn16s/checkpoints/step-00000002")
    after = checkpoint.read_weights(checkpoint.steps(staged)[-1])
    name = "backbone.features.0.weight"
    # two steps of Adam at 1e-5 move no weight by more than 2e-5; another start is 0.3 away
    assert 0 < float((after[name] - before[name]).abs().max()) < 2.1e-5


def test_a_stopped_run_goes_on_in_its_stage(staged: Path, small_dataset: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = replace(STAGED.optimisation, stages=STAGED.optimisation.stages[:1], steps=1)
    # as if stopped in the second stage: a first stage that has ended, nothing of the others
    train_stages(
        replace(STAGED, model=replace(STAGED.model, head="fcn16s"), optimisation=first),
        RelativeDepth,
        str(small_dataset),
        run,
        resume=False,
    )
    (run / "elsewhere").mkdir()
    for each in run.iterdir():
        if each.name not in ("stages", "elsewhere"):
            each.rename(run / "elsewhere" / each.name)
    with pytest.raises(RunError, match="holds a run already; add --resume"):
        train_stages(STAGED, RelativeDepth, str(small_dataset), run, resume=False)
    assert train_stages(STAGED, RelativeDepth, str(small_dataset), run, resume=True) == 0
    found, expected = (checkpoint.read_weights(checkpoint.steps(place)[-1]) for place in (run, staged))
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_ranks_stay_together_over_the_stages(
    staged: Path, small_dataset: Path, tmp_path: Path, start: Callable[..., Any]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    arguments = (STAGED, RelativeDepth, str(small_dataset), tmp_path / "run", False)
    processes = [start(train_stages, *arguments, environment={**shared, "RANK": str(rank)}) for rank in range(2)]
    for process in processes:
        process.join(180)
    assert [process.exitcode for process in processes] == [0, 0]
    for place in ("stages/1-fcn32s", "stages/2-fcn16s", "."):
        saved = [checkpoint.steps(root / place)[-1] for root in (tmp_path / "run", staged)]
        found, expected = (checkpoint.read_weights(each) for each in saved)
        # what two steps of Adam move is 2e-4 in the first stage, 2e-5 in the last
        assert all(torch.allclose(found[name], value, atol=1e-5) for name, value in expected.items())
