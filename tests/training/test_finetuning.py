"""Which task a command line of ``finetune`` means."""

from pathlib import Path

import pytest

from training.finetuning import CLASSES, task_class, task_of
from training.kinds import KINDS


def test_every_task_has_a_configuration_and_a_class() -> None:
    assert set(CLASSES) <= set(KINDS)
    for name in CLASSES:
        assert callable(task_class(name))


def test_the_command_line_goes_before_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("task: multinet\n")
    assert task_of(["finetune", "--config", str(config)]) == "multinet"
    assert task_of(["finetune", f"--config={config}"]) == "multinet"
    assert task_of(["finetune", "--config", str(config), "--task", "absolute_depth"]) == "absolute_depth"
    assert task_of(["finetune", "--task=absolute_depth", "--config", str(config)]) == "absolute_depth"


@pytest.mark.parametrize("content", ["", "- a\n", "model:\n  head: fcn8s\n", "task: nonsense\n", "a: [\n"])
def test_segmentation_is_meant_where_none_is_named(tmp_path: Path, content: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(content)
    assert task_of(["finetune", "--config", str(config)]) == "segmentation"
    assert task_of(["finetune", "--config", str(tmp_path / "gone.yaml")]) == "segmentation"
    assert task_of(["finetune", "--config"]) == "segmentation"
