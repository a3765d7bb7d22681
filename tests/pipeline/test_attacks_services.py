"""Services that listen to this machine alone, code that runs nothing it reads, and the page that says so."""

import ast
import dataclasses
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import dataset, frame_source, manifest_rows, playlist, sample, tables
from pipeline.fetched import FetchParameters

ROOT = Path(__file__).parents[2]
ROOMS = ("pipeline", "labels", "simulation", "training", "evaluation")
PAGE = (ROOT / "docs" / "security.md").read_text()
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "benchmarks").glob("*.md"))]
LISTENING = r"(?:luigid|tensorboard)(?= -|\s*$)|python -m pipeline browse\b"  # not a sentence that begins so
COMMAND = re.compile(rf"^\s*(?:\$ )?((?:{LISTENING}).*)$", re.MULTILINE)


def commands() -> list[str]:
    """The commands in our documents that start something that listens."""
    return [found for document in DOCUMENTS for found in COMMAND.findall(document.read_text())]


def test_documented_services_listen_at_loopback() -> None:
    found = commands()
    for program, option in (("luigid", "--address"), ("tensorboard", "--host")):
        own = [line for line in found if line.startswith(program)]
        assert own and all(f"{option} 127.0.0.1" in line for line in own), own
    assert all("--host" not in line for line in found if "browse" in line), "its own default is loopback"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_the_documented_scheduler_is_reached_at_loopback_and_nowhere_else(tmp_path: Path) -> None:
    (command,) = {line for line in commands() if line.startswith("luigid") and "--port" not in line}
    port = free_port()
    program = [str(Path(sys.executable).with_name("luigid")), *command.split()[1:], "--port", str(port)]
    server = subprocess.Popen([*program, "--state-path", str(tmp_path / "state")], cwd=tmp_path)
    try:
        for _ in range(300):
            if socket.socket().connect_ex(("127.0.0.1", port)) == 0:
                break
            time.sleep(0.1)
        else:
            pytest.fail("luigid does not answer")
        assert socket.socket().connect_ex(("127.0.0.2", port)) != 0, "it listens at all addresses"
    finally:
        server.kill()
        server.wait()


# -- what the code never does -----------------------------------------------------------------------------------------

NEVER = {
    *("eval", "exec", "compile", "os.system", "os.popen", "pickle.load", "pickle.loads", "dill.load", "joblib.load"),
    *("marshal.load", "marshal.loads", "shelve.open", "yaml.load", "yaml.unsafe_load", "yaml.full_load"),
}


def wrongs(source: str) -> list[str]:
    """Calls in Python source that would run what they read."""
    found = []
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func)
        given = {word.arg: ast.unparse(word.value) for word in call.keywords}
        loads = name == "torch.load" and given.get("weights_only") != "True"
        loads |= name in ("np.load", "numpy.load") and given.get("allow_pickle") != "False"
        unpacks = name.endswith((".extractall", ".extract"))
        if name in NEVER or loads or unpacks or given.get("shell", "False") != "False":
            found.append(f"line {call.lineno}: {name}")
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_that_is_read_is_run(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    assert {str(file): found for file in files if (found := wrongs(file.read_text()))} == {}


@pytest.mark.parametrize(
    "line",
    [
        *("eval(x)", "exec(x)", "os.system(x)", "pickle.load(f)", "subprocess.run(x, shell=True)", "yaml.load(f)"),
        *("torch.load(f)", "torch.load(f, weights_only=False)", "np.load(f)", "np.load(f, allow_pickle=True)"),
        "tar.extractall(x)",
    ],
)
def test_what_would_run_it_is_found(line: str) -> None:
    assert wrongs(f"def f():\n    return {line}\n")


# -- the page ---------------------------------------------------------------------------------------------------------


def test_the_options_on_the_page_are_there() -> None:
    named = {name.replace("-", "_") for name in re.findall(r"--Fetch-([a-z-]+)", PAGE)}
    assert named <= {field.name for field in dataclasses.fields(FetchParameters)}
    assert {"max_bytes", "max_duration_s", "max_seconds", "max_redirects", "allowed_networks"} <= named


def test_the_limits_on_the_page_are_those_in_force() -> None:
    limits = FetchParameters()
    told = {
        "bytes of a video | 16 GiB": limits.max_bytes == 16 * 2**30,
        "720 pixels, 6 hours": (limits.max_height, limits.max_duration_s) == (720, 6 * 3600),
        "retries | 6 hours": limits.max_seconds == 6 * 3600,
        "redirects | 10": limits.max_redirects == 10,
        "1 KiB/s, 60 s": (limits.min_rate, limits.stall_s) == (1024, 60),
        "playlist | 100,000": playlist.MAX_ENTRIES == 100_000,
        "256 MiB, 1 GiB unpacked, 5 million rows": (manifest_rows.MAX_BYTES, manifest_rows.MAX_ROWS)
        == (256 * 2**20, 5_000_000),
        "16,384 pixels a side, 2^27": (frame_source.LARGEST_SIDE, frame_source.LARGEST_AREA) == (16_384, 2**27),
        "frames of a video | 10 million": frame_source.MOST_FRAMES == 10_000_000,
        "its JSON | 64 MiB, 1 MiB": (sample.LARGEST_MEMBER, sample.LARGEST_RECORD) == (64 * 2**20, 2**20),
        "a sample in a tar | 256 MiB": dataset.LARGEST_SAMPLE == 256 * 2**20,
        "4 KiB a text": tables.LONGEST_TEXT == 4096,
    }
    assert [words for words, holds in told.items() if words not in PAGE or not holds] == []
