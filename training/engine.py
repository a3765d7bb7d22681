"""Training of a task from start, or from where it was, to end.

Weights are a function of configuration, data and libraries: interrupted or not, and up to rounding on any number of
ranks. What a step computes is looked at one step later, so that a GPU does not wait for Python; nothing is saved
unseen.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training import checkpoint, distributed, model_card, run_folder
from training.configuration import Configuration
from training.distributed import World
from training.initialisation import initialise
from training.learner import Learner, noise_numbers
from training.pretraining import pretraining_task
from training.progress import Progress
from training.scalars import Scalars
from training.task import Task
from training.validation import NETWORK, Validation, table

REQUEUE = 75
"""Exit status of a run that a signal stopped after it saved (EX_TEMPFAIL): start it again with ``--resume``."""
SIGNALS = {signal.SIGTERM, signal.SIGUSR1}
UNTRAINED = "untrained network"


class NonFiniteLossError(RuntimeError):
    """The loss is NaN or infinite; the message names the samples."""


@dataclass
class _Pending:
    """A step whose loss has not been looked at."""

    losses: Tensor  # of each row
    sums: Tensor  # over all ranks: loss, ranks that were asked to stop
    keys: list[str]
    step: int
    epoch: int
    images: int
    waited: float


class Trainer:
    """One process of a run."""

    def __init__(self, task: Task, run: Path, resume: bool, world: World) -> None:
        """Make or take up the run. Raises ``ValueError`` for what the user can mend."""
        self.task, self.run, self.world = task, run, world
        self.configuration = configuration = task.configuration
        self.loader = task.loader(world.rank, world.size)
        _set_determinism(configuration.engine.deterministic)
        if world.leads:
            facts = run_folder.provenance(task.data, task.fingerprint, configuration.initialisation.source, world.size)
            run_folder.start(run, configuration, facts, resume)
        world.wait()
        torch.manual_seed(configuration.seed)
        network = configuration.network()
        saved = checkpoint.steps(run)
        report = None if saved else initialise(network, configuration.initialisation)
        self.learner = Learner(network, configuration, world)
        self.step, self.stop, self.signalled, self.judged = 0, False, False, False
        self.pending: _Pending | None = None
        if saved:
            self._restore(checkpoint.load(saved[-1]))
        if report is not None and world.leads:
            (run / "initialisation.txt").write_text(f"{report}\n")
            print(report, flush=True)
        task.begin(run, world)
        self.scalars = Scalars(run, configuration, self.step) if world.leads else None
        limit = configuration.optimisation.steps
        whole = configuration.optimisation.epochs * self.loader.steps_per_epoch
        self.steps = whole if limit is None else min(limit, whole)
        self.progress = Progress(self.step, self.steps, shown=world.leads)

    def train(self) -> int:
        """Train to the end; the exit status, ``REQUEUE`` where a signal came first."""
        if self.step == 0:
            self._note_validation(self._validate(UNTRAINED))
        with _noted_signals(self):
            if self.step >= self.steps and not self.judged:  # a signal came in the last step
                self._end_epoch()
            while self.step < self.steps:
                if not self._epoch():
                    self._save(None)
                    self._say(f"stopped by a signal at step {self.step}, saved; go on with --resume")
                    return REQUEUE
                self._end_epoch()
        if self.scalars is not None:
            self.scalars.close()
        return 0

    def _epoch(self) -> bool:
        """Train to the end of the epoch, or to the last step; False where a signal asks to stop."""
        batches = iter(self.loader)
        try:
            while self.step < self.steps:
                before, began, epoch = self.loader.position, time.monotonic(), self.loader.epoch
                with _blocked_signals():  # the processes that read are forked here and must not get ours
                    batch = next(batches, None)
                if batch is None:
                    break
                self._step(batch, self.loader.position - before, epoch, time.monotonic() - began)
                if self.stop:
                    self._look()
                    return False
                if self.step % self.configuration.record.checkpoint_steps == 0 and self.loader.steps_left:
                    self._look()
                    self._save(None)
            self._look()
            return not self.stop
        finally:
            batches.close()  # type: ignore[attr-defined]

    def _step(self, batch: Any, samples: int, epoch: int, waited: float) -> None:
        example = self.task.prepare(batch, self.world.device)
        noise = noise_numbers(batch.keys, self.configuration.seed, epoch).to(self.world.device)
        asked = self.signalled
        self.learner.set_rate(self.configuration.optimisation.rate(epoch))
        losses = self.learner.step(example, noise, samples)
        sums = torch.stack([losses.sum() / samples, losses.new_tensor(float(asked))])
        self._look()
        self.step += 1
        self.pending = _Pending(losses, self.world.sum(sums), batch.keys, self.step, epoch, samples, waited)

    def _look(self) -> None:
        """Look at the step before: its loss, and whether any rank was asked to stop."""
        if self.pending is None:
            return
        seen, self.pending = self.pending, None
        loss, asked = seen.sums.tolist()
        if not np.isfinite(loss):
            raise NonFiniteLossError(self._complaint(seen, loss))
        self.stop = self.stop or asked > 0
        self.progress.step(seen.images, seen.waited, loss, seen.epoch)
        if self.scalars is not None:
            self.scalars.loss(seen.step, seen.epoch, loss, self.progress)

    def _complaint(self, seen: _Pending, loss: float) -> str:
        bad = [key for key, finite in zip(seen.keys, torch.isfinite(seen.losses).tolist()) if not finite]
        saved = checkpoint.steps(self.run)
        rank = f"rank {self.world.rank}: " if self.world.size > 1 else ""
        return (
            f"{rank}the loss is {loss} at step {seen.step} of epoch {seen.epoch}; nothing of it was saved, the last "
            f"checkpoint is {saved[-1] if saved else 'none'}. Samples of the batch with such a loss: "
            f"{', '.join(bad) or 'none of this rank'}. The batch: {', '.join(key for key in seen.keys if key)}"
        )

    def _end_epoch(self) -> None:
        record, ended = self.configuration.record, self.step >= self.steps
        found = self._validate(NETWORK) if ended or self.loader.epoch % record.validate_epochs == 0 else None
        if found is not None:
            self._note_validation(found)
        if found or self.loader.epoch % record.checkpoint_epochs == 0 or self.step % record.checkpoint_steps == 0:
            self._save(found)

    # -- validation ----------------------------------------------------------------------------------------------------

    def _validate(self, name: str) -> Validation:
        began = time.monotonic()
        found = self.task.validate(self.learner.predict, self.world, name == UNTRAINED)
        scores = {name if other == NETWORK else other: s for other, s in found.scores.items()}
        self.progress.pause(time.monotonic() - began)
        return replace(found, scores=scores)

    def _note_validation(self, found: Validation) -> None:
        if self.scalars is None:
            return
        self.scalars.validation(self.step, self.loader.epoch, found)
        known = model_card.known_scores(self.run)
        titles = self.configuration.card().scores
        print(table({**known, **found.scores}, found.images, titles), flush=True)
        model_card.write(self.run)

    # -- the run on disk -----------------------------------------------------------------------------------------------

    def _save(self, found: Validation | None) -> None:
        if self.world.leads:
            record: dict[str, Any] = {"step": self.step, "epoch": self.loader.epoch, "validation": None}
            if found is not None:
                record |= {"validation": found.scores[NETWORK], "error": found.error}
            state = {**self.learner.state(), "data": self.loader.state_dict()}
            content = checkpoint.Checkpoint(self.learner.weights(), self.learner.average_weights(), state, record)
            checkpoint.save(self.run, content, self.configuration.record.keep)
            model_card.write(self.run)
        self.world.wait()

    def _restore(self, saved: checkpoint.Checkpoint) -> None:
        self.learner.restore(saved.weights, saved.average, saved.state)
        self.loader.load_state_dict(saved.state["data"])
        self.step, self.judged = saved.record["step"], saved.record["validation"] is not None
        if self.world.leads:
            run_folder.forget_metrics(self.run, self.step)
        self._say(f"going on from step {self.step}, epoch {self.loader.epoch}")

    def _say(self, text: str) -> None:
        if self.world.leads:
            print(text, flush=True)


def train(task: Task, run: Path, resume: bool) -> int:
    """Train as one of the ranks that ``torchrun`` started, or alone; the exit status."""
    world = distributed.join(task.configuration.engine.device)
    try:
        return Trainer(task, run, resume, world).train()
    finally:
        distributed.leave()


def pretrain(configuration: Configuration, data: str, run: Path, resume: bool) -> int:
    """Pre-train on shards; the exit status."""
    return train(pretraining_task(configuration, data), run, resume)


def _set_determinism(deterministic: bool) -> None:
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.benchmark = not deterministic


@contextmanager
def _noted_signals(trainer: Trainer) -> Iterator[None]:
    """Note signals that ask to stop, instead of dying of them."""

    def note(number: int, frame: Any) -> None:
        trainer.signalled = True

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _blocked_signals() -> Iterator[None]:
    """Processes forked here do not get signals that are meant for the trainer; those that come here wait for it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS | {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
