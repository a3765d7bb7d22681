"""Checkpoints: a folder each, whole or absent.

``RUN/checkpoints/step-00000120/`` holds ``weights.safetensors``, ``average.safetensors`` where a moving average is
kept, ``state.pt`` (optimizer and place in the data; read with ``weights_only``) and ``checkpoint.json`` (step, epoch,
validation). All randomness follows from seed, epoch and sample, so that the place in the data is all there is to say of
it.
"""

import json
import os
import re
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError  # what torch raises for what it refuses to load; nothing is unpickled here
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

FOLDER = "checkpoints"
WEIGHTS, AVERAGE, STATE, RECORD = "weights.safetensors", "average.safetensors", "state.pt", "checkpoint.json"
TEMPORARY = ".tmp-"
_NAME = re.compile(r"step-(\d{8,})")


class CheckpointError(ValueError):
    """A checkpoint that is not there or not whole."""


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds."""

    weights: dict[str, Tensor]
    average: dict[str, Tensor] | None
    state: dict[str, Any]  # tensors and plain values
    record: dict[str, Any]  # for JSON: "step", "epoch", "validation" (None where it was not validated), its "error"


def save(run: Path, content: Checkpoint, keep: int) -> Path:
    """Write the checkpoint of ``content.record["step"]``, then remove what is neither among the newest nor the best."""
    folder = run / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"step-{content.record['step']:08d}"
    temporary = folder / f"{TEMPORARY}{target.name}-{uuid.uuid4().hex[:8]}"
    temporary.mkdir()
    try:
        _write_tensors(temporary / WEIGHTS, content.weights)
        if content.average is not None:
            _write_tensors(temporary / AVERAGE, content.average)
        torch.save(content.state, temporary / STATE)
        (temporary / RECORD).write_text(json.dumps(content.record, indent=2) + "\n")
        for path in [*temporary.iterdir(), temporary]:
            _sync(path)
        _replace(temporary, target)
        _sync(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _prune(run, keep)
    return target


def load(folder: Path) -> Checkpoint:
    """Read a checkpoint. Raises ``CheckpointError`` where it cannot be."""
    try:
        average = _read_tensors(folder / AVERAGE) if (folder / AVERAGE).exists() else None
        state = torch.load(folder / STATE, map_location="cpu", weights_only=True)
        return Checkpoint(read_weights(folder), average, state, read_record(folder))
    except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{folder} cannot be read: {reason}; remove it, and the one before is used") from None


def read_weights(folder: Path, average: bool = False) -> dict[str, Tensor]:
    """The weights alone, or their moving average. Raises ``CheckpointError`` where they cannot be read."""
    try:
        return _read_tensors(folder / (AVERAGE if average else WEIGHTS))
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{folder} has no readable weights: {error}") from None


def read_record(folder: Path) -> dict[str, Any]:
    """Step, epoch and validation of a checkpoint."""
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder} is no checkpoint: {error}") from None
    return record


def steps(run: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    found = [path for path in (run / FOLDER).glob("step-*") if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.name.removeprefix("step-")))


def best(run: Path) -> Path | None:
    """The checkpoint with the least validation error; None where none was validated."""
    scored = [(error(record), path) for path in steps(run) if (record := read_record(path))["validation"]]
    # of equals the newest
    return min(scored, key=lambda pair: (pair[0], -int(pair[1].name.removeprefix("step-"))))[1] if scored else None


def error(record: dict[str, Any]) -> float:
    """What the best of validated checkpoints has least of: what its task says, or the L1 of relative depth."""
    return float(record["error"] if "error" in record else record["validation"]["l1"])


def find(place: Path) -> Path:
    """A checkpoint folder itself, or the best of a run, or its newest where none was validated.

    Raises ``CheckpointError`` where there is none.
    """
    if (place / RECORD).exists():
        return place
    if not (saved := steps(place)):
        raise CheckpointError(f"{place} has no checkpoint; give a run folder or one of its checkpoints")
    return best(place) or saved[-1]


def _prune(run: Path, keep: int) -> None:
    kept = {*steps(run)[-keep:], best(run)}
    for path in steps(run):
        if path not in kept:
            # out of sight first: half a checkpoint must not have the name of a whole one
            gone = path.with_name(f"{TEMPORARY}{path.name}-{uuid.uuid4().hex[:8]}")
            path.rename(gone)
            shutil.rmtree(gone)
    for left in (run / FOLDER).glob(f"{TEMPORARY}*"):
        shutil.rmtree(left, ignore_errors=True)


def _replace(temporary: Path, target: Path) -> None:
    if target.exists():  # the same step again, now with its validation
        old = target.with_name(f"{TEMPORARY}{target.name}-old-{uuid.uuid4().hex[:8]}")
        target.rename(old)
    temporary.rename(target)


def _write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    safetensors.torch.save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, path)


def _read_tensors(path: Path) -> dict[str, Tensor]:
    return dict(safetensors.torch.load_file(path))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
