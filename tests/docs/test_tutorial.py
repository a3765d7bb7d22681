"""Runs the commands of the tutorial's own page, in a fresh folder and at a small size."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "tutorial.md").read_text()
SMALL = "--width 320 --height 192"
# what the page says -> what is run: the same steps on fewer and smaller frames
SMALLER = {
    "--frames 240": f"--frames 36 {SMALL}",
    "--frames 120": f"--frames 30 {SMALL}",
    "--frames 30 --seed 3": f"--frames 4 {SMALL} --seed 3",
    "--workers 2": "--workers 2 --Decoding-width 320",
    "--run tutorial/runs/first": "--run tutorial/runs/first --model.fc_channels 16 --input.height 64 --input.width 112",
}
FILE = re.compile(r"Save this as `([\w/.]+)`:\n\n```python\n(.*?)```", re.DOTALL)
BROWSE = "python -m pipeline browse"


def commands() -> list[str]:
    """The console blocks of the page, made small, in their order."""
    text = "\n".join(re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL))
    for long, short in SMALLER.items():
        assert long in text, f"the tutorial no longer says {long!r}; what makes it small?"
        text = text.replace(long, short)
    lines = re.findall(r"^.*<<END\n(?:.*\n)*?END$|^.+$", text, re.MULTILINE)
    return [line.strip() for line in lines]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the files of a clone, and nothing that was made there."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in {line.split("/")[0] for line in tracked.splitlines()}:
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.mark.slow
def test_the_commands_of_the_tutorial_do_what_they_say(clone: Path) -> None:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    said = ""
    for command in commands():
        for name, content in FILE.findall(PAGE):
            if name in command:
                (clone / name).write_text(content)
        if command.startswith(BROWSE):
            assert b"monday-" in first_page(command, clone, environment)
            continue
        run = subprocess.run(
            ["bash", "-euc", command], cwd=clone, env=environment, capture_output=True, text=True, timeout=600
        )
        assert run.returncode == 0, f"{command}\n{run.stdout}\n{run.stderr}"
        said += run.stdout
    assert "report.html" in said
    assert "no problems" in said
    assert re.search(r"^monday-\d{8} \(\d+, 320, 3\) labelled: \d+%$", said, re.MULTILINE)
    assert "friday.overlay.mp4" in said
    assert len(list((clone / "tutorial" / "clips" / "shards").iterdir())) == 2


def first_page(command: str, folder: Path, environment: dict[str, str]) -> bytes:
    """What the browser serves at the address that it prints; then it is interrupted, as with Ctrl-C."""
    with subprocess.Popen(
        [*command.split(), "--port", "0"],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    ) as server:
        try:
            assert server.stderr is not None
            (address,) = re.findall(r"http://\S+", server.stderr.readline())
            with urllib.request.urlopen(address, timeout=60) as answer:
                page: bytes = answer.read()
        finally:
            server.send_signal(signal.SIGINT)
    return page
