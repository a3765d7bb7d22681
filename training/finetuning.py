"""The tasks of ``finetune``, and which of them a command line means."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from training.task import Task

DEFAULT = "segmentation"
CLASSES = {
    DEFAULT: ("training.segmentation.task", "Segmentation"),
    "multinet": ("training.multinet.task", "MultiNetTask"),
    "absolute_depth": ("training.absolute_depth.task", "AbsoluteDepthTask"),
}
"""Module and class of each task, imported where it is trained."""


def task_of(words: list[str]) -> str:
    """The task that ``--task`` names, or the last ``--config`` with a ``task``; segmentation where none does.

    What names no task that is known is left to the parser of segmentation, which refuses it.
    """
    named = _values(words, "--task") or [found for path in _values(words, "--config") if (found := _noted(Path(path)))]
    return named[-1] if named and named[-1] in CLASSES else DEFAULT


def _noted(path: Path) -> str | None:
    """The task that a configuration file names; a file that is none is left to the parser."""
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return str(content["task"]) if isinstance(content, dict) and "task" in content else None


def task_class(name: str) -> "Callable[[Any, str], Task]":
    """The task's class."""
    module, kind = CLASSES[name]
    found: Callable[[Any, str], Task] = getattr(import_module(module), kind)
    return found


def _values(words: list[str], option: str) -> list[str]:
    """What an option is given, as ``--option value`` or ``--option=value``."""
    after = [words[place + 1] for place, word in enumerate(words[:-1]) if word == option]
    return after + [word.removeprefix(option + "=") for word in words if word.startswith(option + "=")]
