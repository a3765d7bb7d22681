"""What the engine needs to know of a task; how a task is added.

A task is two things. Its *configuration*, a frozen dataclass derived from ``configuration.RunConfiguration``, adds the
sections that only this task has, and says what follows from parameters alone: ``network()`` builds the network with its
first weights, ``losses()`` gives the function from a forward pass to one loss a row, ``card()`` the words of the run's
README, ``input_size`` what an exported network is tried with, ``batch_size`` the samples of a step. The *task* adds
data: a class with what ``Task`` below lists, which opens its data in its constructor (raising ``ValueError`` for what
the user can mend), makes the loader of a rank, prepares a batch on the device, and validates.
``relative_depth.RelativeDepth`` is the shortest to read, ``segmentation.task.Segmentation`` has crops, images of many
sizes and scores that are summed over ranks.

To add one: derive the configuration and give it a ``task`` name; enter it in ``kinds.KINDS``, by which run folders are
read again; write the task class and enter it in ``finetuning.CLASSES``, by which ``finetune`` trains it; write what it
predicts and enter that in ``predict.PREDICTORS``. Checkpoints, exact resume, signals, ranks, accumulation, moving
averages, the learning rate of ``optimisation`` and its earlier stages come with it, on three conditions. Whatever is
random in a row follows from its key, seed and epoch (``learner.noise_numbers``, ``shard_order.uniform``), never from a
generator. A row's loss depends on this row alone, and rows without a sample (key "") give 0. The loader takes the same
steps on every rank and counts its position in samples over all ranks. A row may be more than an image: what ``losses``
hands to ``forward`` goes to the network as it is, one call of ``forward`` for each call of ``losses``. The loss of a
step is the sum over rows divided by the samples of the step, so a mean over something else belongs into the rows.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import torch

from training.configuration import RunConfiguration
from training.distributed import World
from training.validation import Validation

Predict = Callable[..., Any]
"""The network, or its moving average, in evaluation mode: images, or whatever the network takes, to what it gives."""


class BatchLoader(Protocol):
    """Iterates over the rest of an epoch, then over the next; batches have ``keys``, "" for rows without a sample."""

    epoch: int
    position: int  # samples of the epoch that are behind, over all ranks

    @property
    def steps_per_epoch(self) -> int:
        """Steps of a whole epoch, the same on every rank."""

    @property
    def steps_left(self) -> int:
        """Steps that remain of this epoch."""

    def state_dict(self) -> dict[str, Any]:
        """Where the loader is, plain values."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on there. Raises ``ValueError`` where that was other data."""

    def __iter__(self) -> Iterator[Any]:
        """Batches of this rank."""


class Task(Protocol):
    """Data, and what is done with it."""

    data: str  # where the data is, as the user gave it
    fingerprint: str  # of what the data holds

    @property
    def configuration(self) -> RunConfiguration:
        """All parameters."""

    def loader(self, rank: int, size: int) -> BatchLoader:
        """The training batches of a rank of ``size``."""

    def prepare(self, batch: Any, device: torch.device) -> Any:
        """A training batch, augmented, on the device; has ``part(rows: slice)``, the same for some of its rows."""

    def begin(self, run: Path, world: World) -> None:
        """Make, or find in the run folder, what is derived from the data once; all ranks call this together."""

    def validate(self, predict: Predict, world: World, first: bool) -> Validation:
        """Scores of the validation split; all ranks call this together. ``first``: also what does not change."""
