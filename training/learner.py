"""One step of training: forward, backward, update; the same whatever the global batch is split into."""

import contextlib
import hashlib
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.configuration import RunConfiguration
from training.distributed import World
from training.models.network import Network


class Learner:
    """A network with its optimizer, its objective and, where asked for, a moving average of its weights."""

    def __init__(self, network: Network, configuration: RunConfiguration, world: World) -> None:
        self.configuration, self.world = configuration, world
        engine, optimisation = configuration.engine, configuration.optimisation
        self.precision = precision(engine.precision, world.device)
        self.layout = torch.channels_last if engine.channels_last else torch.contiguous_format
        network = network.to(world.device)
        if engine.sync_batch_norm and world.size > 1 and world.device.type == "cuda":
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        self.network: Network = network.to(memory_format=self.layout)
        self.average: AveragedModel | None = None
        if optimisation.ema:
            self.average = AveragedModel(
                self.network, multi_avg_fn=get_ema_multi_avg_fn(optimisation.ema), use_buffers=True
            )
        # a clip is for the gradient with the decay's part, which is then added here and not by the optimizer
        decay = optimisation.weight_decay if optimisation.clip is None else 0.0
        self.optimizer = torch.optim.Adam(
            _groups(self.network, decay),
            lr=optimisation.learning_rate,
            betas=(optimisation.beta1, optimisation.beta2),
            eps=optimisation.epsilon,
            fused=True,  # one pass over the weights: a quarter of the time, also on CPUs
        )
        self.losses = configuration.losses()
        self.parallel: DistributedDataParallel | None = None
        if world.size > 1:
            devices = [world.device.index] if world.device.type == "cuda" else None
            self.parallel = DistributedDataParallel(self.network, device_ids=devices)
        self.model: nn.Module = self.parallel or self.network
        if engine.compile:
            self.model = torch.compile(self.model)  # type: ignore[assignment]

    def set_rate(self, rate: float) -> None:
        """Take another learning rate."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def step(self, example: Any, noise: Tensor, samples: int) -> Tensor:
        """Update the weights by a rank's part of a global batch of ``samples``; gives each row's objective, (N,).

        ``noise`` (N,) ``int64`` are the noise numbers of the rows (see ``noise_numbers``). The loss is the sum over the
        rows of all ranks divided by ``samples``: rows that hold no sample have no labels and add nothing. ``example``
        is what the task's ``prepare`` gave.
        """
        self.model.train()
        rows = len(noise)
        size = self.configuration.engine.micro_batch or rows
        losses = []
        for start in range(0, rows, size):
            part = slice(start, start + size)
            with self._together(last=start + size >= rows):
                found = self.losses(self._forward, example.part(part), noise[part])
                # the ranks' gradients are averaged, but their losses are to add up
                (found.sum() * (self.world.size / samples)).backward()
            losses.append(found.detach())
        self._clip()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update_parameters(self.network)
        return torch.cat(losses)

    def predict(self, *inputs: Tensor) -> Any:
        """What the network gives for inputs such as images in [0, 1], by the moving average where there is one."""
        model = self.network if self.average is None else self.average
        model.eval()
        with torch.inference_mode():
            return self._apply(model, *inputs)

    def weights(self) -> dict[str, Tensor]:
        """The weights by name."""
        return self.network.state_dict()

    def average_weights(self) -> dict[str, Tensor] | None:
        """The moving average by name, or None."""
        return None if self.average is None else self.average.module.state_dict()

    def state(self) -> dict[str, Any]:
        """All but the weights that the next step depends on."""
        averaged = None if self.average is None else int(self.average.n_averaged)
        return {"optimizer": self.optimizer.state_dict(), "averaged": averaged}

    def restore(self, weights: dict[str, Tensor], average: dict[str, Tensor] | None, state: dict[str, Any]) -> None:
        """Take up what ``weights``, ``average_weights`` and ``state`` gave."""
        self.network.load_state_dict(weights)
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average is not None:
            assert average is not None, "a run keeps the moving average it began with"
            self.average.module.load_state_dict(average)
            self.average.n_averaged.fill_(state["averaged"])

    def _forward(self, *inputs: Tensor) -> Any:
        return self._apply(self.model, *inputs)

    def _apply(self, model: nn.Module, *inputs: Tensor) -> Any:
        laid = [each.contiguous(memory_format=self.layout) if each.dim() == 4 else each for each in inputs]
        with torch.autocast(self.world.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16):
            return model(*laid)

    def _clip(self) -> None:
        """Cut the gradient of the whole loss, L2 included, to the largest norm that it may have."""
        optimisation = self.configuration.optimisation
        if optimisation.clip is None:
            return
        with torch.no_grad():
            for parameter in self.network.decayed():
                if parameter.grad is not None:
                    parameter.grad.add_(parameter, alpha=optimisation.weight_decay)
        nn.utils.clip_grad_norm_(self.network.parameters(), optimisation.clip)

    def _together(self, last: bool) -> contextlib.AbstractContextManager[None]:
        """Gradients are summed over ranks once a step, with the last of its parts."""
        if self.parallel is not None and not last:
            return self.parallel.no_sync()
        return contextlib.nullcontext()


def _groups(network: Network, weight_decay: float) -> list[dict[str, Any]]:
    """All parameters, those that decay first."""
    decayed = network.decayed()
    known = {id(parameter) for parameter in decayed}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in known]
    groups: list[dict[str, Any]] = [{"params": decayed, "weight_decay": weight_decay}]
    return [*groups, {"params": rest, "weight_decay": 0.0}] if rest else groups


def precision(name: str, device: torch.device) -> torch.dtype:
    """The type that layers compute in."""
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if name == "bfloat16" else torch.float32


def noise_numbers(keys: list[str], seed: int, epoch: int) -> Tensor:
    """(N,) ``int64`` numbers below 2^32 that dropout and drawn pairs follow from: of the sample, not of its batch."""
    digests = [hashlib.blake2b(f"{seed}/{epoch}/{key}".encode(), digest_size=4).digest() for key in keys]
    return torch.tensor([int.from_bytes(digest, "little") for digest in digests], dtype=torch.int64)
