"""Where the first weights come from, and a report of what was taken from there.

A source is nothing (He's rule), a run or checkpoint of ours, or a file with a state dict: safetensors, or torch's
format read with ``weights_only``. Names in a file are first changed by the key map; then they may be our names, our
names below ``backbone.``, or those of the stock library of the backbone's layout (torchvision; Caffe's for
``caffenet``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError  # what torch raises for what it refuses to load; nothing is unpickled here
from typing import Any

import safetensors
import safetensors.torch
import torch
import yaml
from torch import Tensor

from training import checkpoint
from training.models.network import Network

_NESTED = ("state_dict", "model_state_dict", "model", "network", "net")


@dataclass(frozen=True)
class InitialisationParameters:
    """Where the weights come from."""

    source: str | None = None
    """run folder, checkpoint folder or state dict file; default: He's rule"""
    key_map: dict[str, str] = field(default_factory=dict)
    """regular expression: replacement, at the beginning of a name"""
    part: str = ""
    """take only tensors whose names begin with this, such as ``backbone.``"""


@dataclass
class Report:
    """What became of each tensor of the network and of the source."""

    source: str
    taken: list[str] = field(default_factory=list)
    resized: list[str] = field(default_factory=list)  # "name: shape there -> shape here"
    left: list[str] = field(
        default_factory=list
    )  # in the network, not in the source or of another shape: as initialised
    unused: list[str] = field(default_factory=list)  # in the source, not in the network

    def __str__(self) -> str:
        lines = [
            f"weights from {self.source}: {len(self.taken)} tensors taken, {len(self.resized)} resized, "
            f"{len(self.left)} left as initialised, {len(self.unused)} of the source unused"
        ]
        for name in ("resized", "left", "unused"):
            entries: list[str] = getattr(self, name)
            if entries:
                shown = ", ".join(entries[:8]) + (f" and {len(entries) - 8} more" if len(entries) > 8 else "")
                lines.append(f"  {name}: {shown}")
        return "\n".join(lines)


def first_weights(text: str) -> InitialisationParameters:
    """What ``--init`` names: ``scratch``, ``imagenet:FILE``, ``external:FILE:MAP``, or a run or checkpoint of ours.

    ``MAP`` is a YAML file of the key map. Raises ``ValueError`` for what is none of these.
    """
    kind, _, rest = text.partition(":")
    if text == "scratch":
        return InitialisationParameters()
    if kind == "imagenet":
        return InitialisationParameters(rest, part="backbone.")
    if kind != "external":
        return InitialisationParameters(text)
    source, separator, key_map = rest.rpartition(":")
    if not separator:
        raise ValueError(f"--init {text}: give external:FILE:MAP, MAP being a YAML file of names")
    try:
        found = yaml.safe_load(Path(key_map).read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"--init {text}: {key_map} cannot be read: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(each, str) for pair in found.items() for each in pair):
        raise ValueError(f"--init {text}: {key_map} does not map names to names")
    return InitialisationParameters(source, found)


def initialise(network: Network, parameters: InitialisationParameters) -> Report | None:
    """Fill the network, which has been initialised by He's rule, from the source; None where there is none.

    Raises ``ValueError`` where the source cannot be read, or nothing of it fits.
    """
    if parameters.source is None:
        return None
    found = {_mapped(name, parameters.key_map): value for name, value in read_state(parameters.source).items()}
    report, used = Report(parameters.source), set()
    state = network.state_dict()
    for name, own in state.items():
        names = _names(network, name) if name.startswith(parameters.part) else []
        there = next((other for other in names if other in found), None)
        fitted = None if there is None else fit(found[there], own.shape)
        if there is None or fitted is None:
            shapes = "" if there is None else f" {tuple(found[there].shape)} -> {tuple(own.shape)}"
            report.left.append(name + shapes)
            continue
        used.add(there)
        if found[there].shape == own.shape:
            report.taken.append(name)
        else:
            report.resized.append(f"{name} {tuple(found[there].shape)} -> {tuple(own.shape)}")
        state[name] = fitted.to(own.dtype)
    report.unused = sorted(set(found) - used)
    if misshapen := [line for line in report.left if " -> " in line and not used]:
        raise ValueError(
            f"nothing in {parameters.source} fits the network, {misshapen[0]}; give the --model options that it was "
            "trained with, such as --model.width"
        )
    if not used:
        some = ", ".join(sorted(found)[:4])
        raise ValueError(
            f"nothing in {parameters.source} fits the network; it has {some} ...: give initialisation.key_map"
        )
    network.load_state_dict(state)
    return report


def fit(value: Tensor, shape: torch.Size) -> Tensor | None:
    """A tensor of the source in another shape, or None where there is no way.

    A matrix of a fully connected layer becomes the convolution it is. A first layer for one channel becomes one for
    three, each of a third of its weights: a grey image then gives what it gave.
    """
    if value.shape == shape:
        return value
    if value.dim() == 2 and len(shape) == 4 and value.shape[0] == shape[0] and value.numel() == shape.numel():
        return value.reshape(shape)
    if value.dim() == 4 and value.shape[1] == 1 and (value.shape[0], 3, *value.shape[2:]) == shape:
        return (value / 3).expand(shape).clone()
    return None


def read_state(source: str) -> dict[str, Tensor]:
    """The named tensors of a run, a checkpoint or a file. Raises ``ValueError`` where there are none."""
    path = Path(source)
    if path.is_dir():
        return checkpoint.read_weights(checkpoint.find(path))
    if not path.is_file():
        raise ValueError(
            f"initialisation.source {source} does not exist; give a run folder or a file with a state dict"
        )
    try:
        if path.suffix == ".safetensors":
            return dict(safetensors.torch.load_file(path))
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (safetensors.SafetensorError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise ValueError(f"{source} is no state dict that can be read: {error}") from None
    except UnpicklingError as error:
        raise ValueError(f"{source} holds more than tensors and is not loaded: {str(error).splitlines()[0]}") from None
    return _tensors(content, source)


def _tensors(content: Any, source: str) -> dict[str, Tensor]:
    if isinstance(content, Mapping):
        tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
        if tensors:
            return tensors
        for name in _NESTED:
            if isinstance(content.get(name), Mapping):
                return _tensors(content[name], source)
    raise ValueError(f"{source} has no named tensors, also not under {', '.join(_NESTED)}")


def _mapped(name: str, key_map: Mapping[str, str]) -> str:
    for pattern, replacement in key_map.items():
        changed, count = re.subn(f"^(?:{pattern})", replacement, name, count=1)
        if count:
            return changed
    return name


def _names(network: Network, name: str) -> list[str]:
    """Names under which a source may have a tensor of the network."""
    own = name.removeprefix("backbone.")
    return [name] if own == name else [name, own, network.backbone.stock_name(own)]
