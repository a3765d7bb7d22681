"""The README and the pages, and the commands that they show."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "howto").glob("*.md")),
]
BLOCK = re.compile(r"^ *```(\S*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
COMMANDS = {"", "console", "bash"}
"""What a block of commands says of its language."""
MENTION = re.compile(r"`(python -m [^`]+)`")
LAUNCHER = re.compile(r"(?:\$GPUS|torchrun --nproc-per-node \S+ -m --) (?=training)")
"""What stands before the module where a program runs on several GPUs."""


def title(page: Path) -> str:
    """What a test calls a page."""
    return str(page.relative_to(ROOT))


def lines(page: Path) -> list[str]:
    """The lines of the page's blocks of commands; those that go on after a backslash are joined."""
    blocks = [block for language, block in BLOCK.findall(page.read_text()) if language in COMMANDS]
    return "\n".join(blocks).replace("\\\n", " ").splitlines()


def whole(page: Path) -> Iterator[list[str]]:
    """What follows ``python -m`` in each such command of the blocks; 1 for a variable, 1 1 for what a command says."""
    for line in lines(page):
        words = LAUNCHER.sub("python -m ", line)
        words = re.sub(r"\$\([^)]*\)", "1 1", words)
        yield from _programs(re.sub(r"\$\w+", "1", words))


def mentioned(page: Path) -> Iterator[list[str]]:
    """The same of each command within the text, which may leave out what does not matter there."""
    text = LAUNCHER.sub("python -m ", BLOCK.sub("", page.read_text()))
    for mention in MENTION.findall(text):
        yield from _programs(" ".join(mention.split()))


def _programs(line: str) -> Iterator[list[str]]:
    """The words after each ``python -m`` of a line of the shell, up to the next operator."""
    reader = shlex.shlex(line, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    words: list[str] | None = None
    before = ""
    for word in [*reader, ";"]:
        if word[0] in ";&|<>()":
            if words:
                yield words
            words = None
        elif words is not None:
            words.append(word)
        elif (before, word) == ("python", "-m"):
            words = []
        before = word
