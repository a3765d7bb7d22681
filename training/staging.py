"""Training in stages, each from the weights of the one before: FCN32s, then FCN16s, then FCN8s.

A stage is a run of its own, ``RUN/stages/1-fcn32s`` and so on; the last is ``RUN`` itself. A resumed run goes on in the
stage in which it was.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from training import checkpoint, distributed
from training.configuration import RunConfiguration, StageParameters
from training.distributed import World
from training.engine import Trainer
from training.initialisation import InitialisationParameters
from training.task import Task


def train_stages(configuration: Any, task: Callable[[Any, str], Task], data: str, run: Path, resume: bool) -> int:
    """Train the earlier stages of the configuration, then its own; the exit status of the last that ran."""
    configuration.check()
    world = distributed.join(configuration.engine.device)  # once: ranks that part may meet the store of the last time
    try:
        return _train(configuration, task, data, run, resume, world)
    finally:
        distributed.leave()


def _train(
    configuration: Any, task: Callable[[Any, str], Task], data: str, run: Path, resume: bool, world: World
) -> int:
    source = configuration.initialisation
    for number, stage in enumerate(configuration.optimisation.stages, 1):
        place = run / "stages" / f"{number}-{stage.head}"
        if status := Trainer(task(_of_stage(configuration, stage, source), data), place, resume, world).train():
            return status
        source = InitialisationParameters(str(checkpoint.steps(place)[-1]))
    return Trainer(task(replace(configuration, initialisation=source), data), run, resume, world).train()


def _of_stage(configuration: Any, stage: StageParameters, source: InitialisationParameters) -> RunConfiguration:
    own = configuration.optimisation
    optimisation = replace(
        own, stages=[], epochs=stage.epochs, learning_rate=stage.learning_rate, drops=list(stage.drops)
    )
    model = replace(configuration.model, head=stage.head)
    changed: RunConfiguration = replace(configuration, model=model, optimisation=optimisation, initialisation=source)
    return changed
