"""The programs take the commands that the README and the pages show: names, options, choices, configurations."""

import argparse
import importlib
import shlex
from pathlib import Path

import jsonargparse
import pytest

from tests.docs.pages import PAGES, ROOT, mentioned, title, whole

OURS = ("pipeline", "training", "evaluation", "simulation", "benchmarks")


class Caught(BaseException):
    """Raised in place of reading the words; carries the parser that was about to."""


def parser_of(words: list[str]) -> argparse.ArgumentParser:
    """The parser of the program that the first word names, as it is for the others."""

    def caught(self: argparse.ArgumentParser, *_: object, **__: object) -> None:
        raise Caught(self)

    module = words[0] if "." in words[0] else f"{words[0]}.__main__"
    main = importlib.import_module(module).main
    with pytest.MonkeyPatch.context() as patch:
        for kind in (argparse.ArgumentParser, jsonargparse.ArgumentParser):
            patch.setattr(kind, "parse_args", caught)
        with pytest.raises(Caught) as told:
            main(words[1:])
    (parser,) = told.value.args
    assert isinstance(parser, argparse.ArgumentParser)
    return parser


def refusal(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a program says against a command; empty where it takes it."""
    try:
        parser_of(words).parse_args(words[1:])
    except SystemExit:
        return capsys.readouterr().err.strip().splitlines()[-1]
    return ""


def unknown(words: list[str]) -> list[str]:
    """The options, and the name, of a command that its program does not have; capitals stand for any name."""
    parser, rest = parser_of(words), words[1:]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) and rest and not rest[0].isupper():
            if rest[0] not in action.choices:
                return [rest[0]]
            parser = action.choices[rest[0]]
    return [word for word in rest if word.startswith("--") and word.split("=")[0] not in parser._option_string_actions]


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_programs_take_the_commands_of_the_pages(
    page: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)  # where configurations lie
    refused = {shlex.join(words): refusal(words, capsys) for words in whole(page) if words[0].split(".")[0] in OURS}
    assert {command: said for command, said in refused.items() if said} == {}
    strange = {shlex.join(words): unknown(words) for words in mentioned(page) if words[0].split(".")[0] in OURS}
    assert {command: told for command, told in strange.items() if told} == {}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("pipeline browse a --compare b", "--compare"),
        ("pipeline brows a", "brows"),
        ("pipeline diff a", "required"),
        ("simulation render a --frame-count 3", "--frame-count"),
        ("evaluation road --ground-truth a --predictions b --protocol none", "none"),
        ("training pretrain --config no.yaml --data d --run r", "no.yaml"),
        ("training pretrain --data d --run r --model.width_of 2", "width_of"),
        ("benchmarks.flow drive --preset best", "best"),
    ],
)
def test_a_wrong_command_is_refused(command: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in refusal(command.split(), capsys)


def test_a_wrong_mention_is_told_though_it_leaves_things_out() -> None:
    assert unknown(["training", "pretrain", "--data", "D"]) == []
    assert unknown(["evaluation", "NAME"]) == []
    assert unknown(["training", "pretrain", "--dat", "D"]) == ["--dat"]
    assert unknown(["training", "train"]) == ["train"]


def test_commands_are_found_on_the_pages(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Say `python -m pipeline status ROOT`, then\n\n```\n"
        "for seed in 1 2; do python -m simulation render d$seed --seed $seed \\\n    --frames 3; done  # slow\n"
        "$GPUS training pretrain --data D\n"
        "python -m pipeline diff $(ls -d */) > said\n```\n"
    )
    assert list(whole(page)) == [
        ["simulation", "render", "d1", "--seed", "1", "--frames", "3"],
        ["training", "pretrain", "--data", "D"],
        ["pipeline", "diff", "1", "1"],
    ]
    assert list(mentioned(page)) == [["pipeline", "status", "ROOT"]]
    assert sum(len(list(whole(each))) for each in PAGES) > 50
