"""The folder of a run: what it was started with, what came of it.

``configuration.yaml``, ``provenance.json`` (code version, libraries, data), ``initialisation.txt``, ``metrics.jsonl``,
``baselines.npz``, ``checkpoints/``, ``tensorboard/`` and ``README.md``.
"""

import json
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
import yaml

from training import checkpoint
from training.ancestry import ancestry
from training.configuration import Configuration, RunConfiguration, from_dict, to_dict
from training.kinds import KINDS
from training.models.network import Network

CONFIGURATION, PROVENANCE, METRICS = "configuration.yaml", "provenance.json", "metrics.jsonl"
FREE = ("engine", "record", "cache", "initialisation", "prediction")
"""Sections that may change when a run is resumed; of others, ``FREE_FIELDS``."""
FREE_FIELDS = {"optimisation": ("epochs", "steps"), "loader": ("workers", "prefetch", "skipped_fraction")}


class RunError(ValueError):
    """A run folder that cannot be used as asked."""


def start(run: Path, configuration: RunConfiguration, provenance: dict[str, Any], resume: bool) -> None:
    """Make the folder, or take it up.

    Raises ``RunError`` where there is a run already and ``resume`` is not set, or where it was started with other
    parameters or data that decide its weights.
    """
    saved = checkpoint.steps(run)
    if saved and not resume:
        raise RunError(f"{run} holds a run already; add --resume to go on with it, or name another folder")
    if saved:
        _compare(run, to_dict(configuration))
        provenance = {**provenance, "initialised_from": read_provenance(run).get("initialised_from")}
    run.mkdir(parents=True, exist_ok=True)
    values = {"task": configuration.task, "data": provenance["data"], **to_dict(configuration)}
    _write(run / CONFIGURATION, yaml.safe_dump(values, sort_keys=False))
    _write(run / PROVENANCE, json.dumps(provenance, indent=2) + "\n")


def read_configuration(run: Path) -> tuple[RunConfiguration, str]:
    """What a run was started with, and its data. Raises ``RunError`` where the folder is no run."""
    try:
        values = yaml.safe_load((run / CONFIGURATION).read_text())
        kind, data = KINDS[values.pop("task", Configuration.task)], str(values.pop("data"))
        return from_dict(kind, values), data
    except (OSError, KeyError, AttributeError, TypeError, yaml.YAMLError) as error:
        raise RunError(f"{run} is no run of ours: {error}; give the folder that was --run of a training") from None


def read_provenance(run: Path) -> dict[str, Any]:
    """What ``provenance`` gave when the run was started; nothing where it is not there."""
    path = run / PROVENANCE
    return dict(json.loads(path.read_text())) if path.exists() else {}


def load_network(place: Path) -> tuple[Network, RunConfiguration, Path]:
    """The network of a run's best checkpoint or of a given one, its moving average where it has one, ready to predict.

    Also its configuration, and the checkpoint. Raises ``ValueError`` where there is none.
    """
    folder = checkpoint.find(place)
    configuration, _ = read_configuration(folder.parent.parent)
    network = configuration.network()
    network.load_state_dict(checkpoint.read_weights(folder, average=configuration.optimisation.ema > 0))
    return network.eval(), configuration, folder


def provenance(data: str, fingerprint: str, source: str | None, world_size: int) -> dict[str, Any]:
    """Code version, libraries, machine, data and where first weights came from, for whoever reads the run later."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    names = ("torch", "torchvision", "numpy", "simplejpeg", "opencv-python-headless")
    return {
        "data": data,
        "data_fingerprint": fingerprint,
        "initialised_from": ancestry(source),
        "code": _code_version(),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in names},
        "processor": platform.machine(),
        "gpu": gpu,
        "ranks": world_size,
        "threads": torch.get_num_threads(),
    }


def append_metrics(run: Path, values: dict[str, Any]) -> None:
    """Add a line to ``metrics.jsonl``."""
    with (run / METRICS).open("a") as file:
        file.write(json.dumps(values) + "\n")


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """The lines of ``metrics.jsonl``, whole ones."""
    path = run / METRICS
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def forget_metrics(run: Path, after: int) -> None:
    """Drop what was noted after a step: a resumed run comes there again."""
    kept = [line for line in read_metrics(run) if line["step"] <= after]
    _write(run / METRICS, "".join(json.dumps(line) + "\n" for line in kept))


def _compare(run: Path, given: dict[str, Any]) -> None:
    before, _ = read_configuration(run)
    old = to_dict(before)
    for section, values in given.items():
        if section in FREE:
            continue
        fields = values if isinstance(values, dict) else {"": values}
        earlier = old[section] if isinstance(values, dict) else {"": old[section]}
        for name, value in fields.items():
            if name not in FREE_FIELDS.get(section, ()) and value != earlier[name]:
                option = f"{section}.{name}".rstrip(".")
                raise RunError(
                    f"{run} was started with {option} {earlier[name]!r}, not {value!r}: resume with what it has "
                    f"(--config {run / CONFIGURATION}), or name another folder"
                )


def _code_version() -> str:
    """The commit of the code, marked where files differ from it; else the version of the package."""
    root = Path(__file__).parent.parent
    try:
        described = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        return described.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return _version("relative-depth") or "unknown"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".tmp-{path.name}")
    temporary.write_text(text)
    temporary.replace(path)
