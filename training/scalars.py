"""What a run notes while it trains: ``metrics.jsonl`` and TensorBoard always, Weights & Biases where asked for."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from training import run_folder
from training.configuration import RunConfiguration, to_dict
from training.progress import Progress
from training.validation import Validation


class Scalars:
    """Writes the curves of a run, from a step on."""

    def __init__(self, run: Path, configuration: RunConfiguration, step: int) -> None:
        """Raises ``ValueError`` where Weights & Biases is asked for and not installed."""
        self.run, self.every = run, configuration.record.log_steps
        self.board = SummaryWriter(str(run / "tensorboard"), purge_step=step + 1)
        self.wandb = _wandb(run, configuration)
        self._losses: list[float] = []

    def loss(self, step: int, epoch: int, loss: float, progress: Progress) -> None:
        """Note a step's loss; every ``log_steps`` steps the mean since the last time is written."""
        self._losses.append(loss)
        if step % self.every and progress.done != progress.of:
            return
        values = {
            "loss": float(np.mean(self._losses)),
            "images_per_second": round(progress.rate, 2),
            "data_wait_percent": round(progress.wait_percent, 2),
        }
        self._losses = []
        run_folder.append_metrics(self.run, {"step": step, "of": progress.of, "epoch": epoch, **values})
        self._add({f"training/{name}": value for name, value in values.items()}, step)

    def validation(self, step: int, epoch: int, found: Validation) -> None:
        """Note scores and show the overlays."""
        noted = {"validation": found.scores, "images": found.images, "error": found.error, **found.details}
        run_folder.append_metrics(self.run, {"step": step, "epoch": epoch, **noted})
        self._add({f"validation/{kind}/{name}": v for name, s in found.scores.items() for kind, v in s.items()}, step)
        for place, picture in enumerate(found.overlays):
            self.board.add_image(f"label and prediction/{place}", picture, step, dataformats="HWC")
        self.board.flush()

    def close(self) -> None:
        """Write what is left."""
        self.board.close()
        if self.wandb is not None:
            self.wandb.finish()

    def _add(self, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            self.board.add_scalar(name, value, step)
        if self.wandb is not None:
            self.wandb.log(values, step=step)


def _wandb(run: Path, configuration: RunConfiguration) -> Any:
    project = configuration.record.wandb_project
    if project is None:
        return None
    try:
        wandb = import_module("wandb")
    except ImportError:
        raise ValueError(
            "record.wandb_project is set but wandb is not installed: pip install wandb, or leave it out"
        ) from None
    return wandb.init(project=project, name=run.name, dir=str(run), config=to_dict(configuration), resume="allow")
