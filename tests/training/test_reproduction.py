"""The commands that ``docs/reproduction.md`` lists are commands: options that exist, configurations that are there."""

import shlex
from pathlib import Path

import pytest

from training.__main__ import _parser
from training.finetuning import task_of

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/reproduction.md").read_text()
VALUES = {"INIT": "scratch", "RUN": "runs/one", "FRAMES": "1000", "FRACTION": "0.5", "CHECKPOINT": "runs/one"}
VALUES |= {"SEED": "1", "VERSION": "0"}


def commands() -> list[list[str]]:
    blocks = TEXT.split("```")[1::2]
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").split("\n") if line.strip()]
    for name, value in VALUES.items():
        lines = [line.replace(f"${name}", value) for line in lines]
    return [shlex.split(line.replace("$GPUS training", "training")) for line in lines]


TRAINING = [words[words.index("training") + 1 :] for words in commands() if "training" in words]


@pytest.mark.parametrize("words", TRAINING, ids=lambda words: " ".join(words)[:70])
def test_a_command_is_understood(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    options = _parser(task_of(words)).parse_args(words)
    assert options.command == words[0]


def test_every_shipped_recipe_is_listed() -> None:
    assert len(TRAINING) >= 20
    folders = [f"training/configs/{name}/" for name in ("finetune", "multinet", "absolute_depth")]
    named = {word for words in commands() for word in words if word.startswith(tuple(folders))}
    shipped = {f"{folder}{path.name}" for folder in folders for path in (ROOT / folder).glob("*.yaml")}
    small = {f"training/configs/finetune/{name}_alexnet.yaml" for name in ("camvid_segnet", "cityscapes_256")}
    assert named == shipped - small
