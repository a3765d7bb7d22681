"""``--help`` of every training command says what each of its options is."""

import re
from dataclasses import fields

import pytest

from training.__main__ import main
from training.configuration import Configuration, RunConfiguration, StageParameters
from training.kinds import KINDS

COMMANDS = [["pretrain"], *(["finetune", "--task", task] for task in KINDS if task != "relative_depth")]
COMMANDS += [["score"], ["predict"], ["report"], ["export"]]
OPTION = re.compile(r"^  (\S.*?)(?:\n +|  +)(.*(?:\n {10,}.*)*)$", re.MULTILINE)


def meanings(words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the help of a command says of each option or argument."""
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as end:
        main([*words, "--help"])
    assert end.value.code == 0
    _, listed = capsys.readouterr().out.split("\n\n", 1)
    found = {}
    for option, meaning in OPTION.findall(listed):
        for name in re.findall(r"--[\w.-]+", option) or [option]:
            found[name] = meaning
    return found


@pytest.mark.parametrize("words", COMMANDS, ids="-".join)
def test_every_option_says_what_it_is(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = meanings(words, capsys, monkeypatch)
    assert [option for option, meaning in found.items() if re.match(r"\(|$", meaning)] == []
    if words[0] in {"pretrain", "finetune"}:
        assert set(offered(KINDS.get(words[-1], Configuration))) <= set(found)


def offered(kind: type[RunConfiguration]) -> list[str]:
    """The options that a configuration has, such as ``--engine.device``."""
    sections = {entry.name: entry.default_factory for entry in fields(kind)}
    parameters = {name: make() for name, make in sections.items() if callable(make)}
    assert len(parameters) > 5
    return [f"--{name}.{entry.name}" for name, section in parameters.items() for entry in fields(section)]


def test_a_stage_says_what_its_options_are(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        main(["pretrain", "--optimisation.stages.help"])
    heard = capsys.readouterr().out
    for entry in fields(StageParameters):
        assert re.search(rf"--\S*{entry.name}\b[^\n]*?(\n +|  +)[a-z]", heard), heard
