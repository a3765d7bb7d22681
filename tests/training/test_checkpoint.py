"""Checkpoints: whole or absent, the newest and the best kept, nothing but tensors and plain values read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from training import checkpoint
from training.checkpoint import Checkpoint, CheckpointError


def content(step: int, l1: float | None = None) -> Checkpoint:
    scores = None if l1 is None else {"l1": l1, "spearman": 0.5, "ordinal_error": 0.1}
    weights = {"layer.weight": torch.full((2, 3), float(step))}
    return Checkpoint(weights, None, {"data": {"position": 4 * step}}, {"step": step, "epoch": 0, "validation": scores})


def names(run: Path) -> list[int]:
    return [int(path.name.removeprefix("step-")) for path in checkpoint.steps(run)]


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    found = checkpoint.load(checkpoint.save(tmp_path, content(3, 0.25), keep=2))
    assert torch.equal(found.weights["layer.weight"], torch.full((2, 3), 3.0))
    assert (found.average, found.state, found.record) == (None, {"data": {"position": 12}}, content(3, 0.25).record)


def test_the_newest_and_the_best_are_kept(tmp_path: Path) -> None:
    for step, l1 in ((1, 0.3), (2, 0.1), (3, None), (4, 0.2), (5, None)):
        checkpoint.save(tmp_path, content(step, l1), keep=2)
    assert names(tmp_path) == [2, 4, 5]
    assert checkpoint.find(tmp_path).name == "step-00000002"
    checkpoint.save(tmp_path, content(6, 0.1), keep=1)
    assert names(tmp_path) == [6]  # as good as step 2, and newer


def test_without_validation_the_newest_is_found(tmp_path: Path) -> None:
    for step in (1, 2):
        checkpoint.save(tmp_path, content(step), keep=2)
    assert checkpoint.find(tmp_path).name == "step-00000002"


@pytest.mark.parametrize("victim", ["torch.save", "safetensors.torch.save_file", "os.fsync"])
def test_a_failure_while_writing_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, victim: str) -> None:
    checkpoint.save(tmp_path, content(1), keep=2)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(victim, fail)
    with pytest.raises(OSError, match="no space"):
        checkpoint.save(tmp_path, content(2), keep=2)
    assert [path.name for path in (tmp_path / checkpoint.FOLDER).iterdir()] == ["step-00000001"]


def test_what_a_kill_left_is_not_read_and_goes_with_the_next(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, content(1), keep=2)
    half = tmp_path / checkpoint.FOLDER / f"{checkpoint.TEMPORARY}step-00000002-abc"
    half.mkdir()
    (half / checkpoint.WEIGHTS).write_bytes(b"half")
    assert names(tmp_path) == [1]
    checkpoint.save(tmp_path, content(3), keep=2)
    assert not half.exists()


class Evil:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return (Path.touch, (Path("evil"),))  # type: ignore[return-value]


def test_a_state_with_code_in_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = checkpoint.save(tmp_path, content(1), keep=2)
    torch.save({"optimizer": Evil()}, folder / checkpoint.STATE)
    with pytest.raises(CheckpointError, match="step-00000001 cannot be read"):
        checkpoint.load(folder)
    assert not Path("evil").exists()


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    folder = checkpoint.save(tmp_path, content(1), keep=2)
    (folder / checkpoint.WEIGHTS).write_bytes((folder / checkpoint.WEIGHTS).read_bytes()[:40])
    with pytest.raises(CheckpointError, match="step-00000001 has no readable weights"):
        checkpoint.load(folder)
    with pytest.raises(CheckpointError, match="has no checkpoint"):
        checkpoint.find(tmp_path / "nothing")
