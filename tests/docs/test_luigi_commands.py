"""The options that the README and the pages give to the tasks of luigi exist."""

import shlex
from pathlib import Path

import pytest

import pipeline
from pipeline.parameters import SECTIONS
from tests.docs.pages import PAGES, lines, title

OWN = {"--workers", "--scheduler-host", "--scheduler-port", "--local-scheduler", "--help-all"}
"""Options of luigi itself."""


def commands(page: Path) -> list[list[str]]:
    """The words of each ``luigi`` command in the blocks of a page; what follows ``#`` is a comment."""
    found = [shlex.split(line, comments=True) for line in lines(page) if "luigi --module pipeline" in line]
    return [words for words in found if words[:1] == ["luigi"]]


def unknown(words: list[str]) -> list[str]:
    """The options of a luigi command that neither its task, a section of parameters nor luigi has."""
    task = getattr(pipeline, words[3])
    known = OWN | {f"--{name.replace('_', '-')}" for name, _ in task.get_params()}
    for section in SECTIONS.values():
        known |= {f"--{section.__name__}-{name.replace('_', '-')}" for name, _ in section.get_params()}
    return [word for word in words[4:] if word.startswith("--") and word.split("=")[0] not in known]


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_the_tasks_have_the_options_that_pages_give_them(page: Path) -> None:
    assert [(words, unknown(words)) for words in commands(page) if unknown(words)] == []


def test_commands_are_found_and_a_wrong_option_is_told() -> None:
    assert sum(len(commands(page)) for page in PAGES) > 10
    words = shlex.split("luigi --module pipeline BuildShards --root r --Selection-target-px 18 --Flow-presett x")
    assert unknown(words) == ["--Flow-presett"]
