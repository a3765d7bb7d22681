"""Builds through the command that users type, shared by the tests of the pipeline; the browser, by those of pages."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.chromium import Open

ROOT = Path(__file__).parent.parent
SMALL = ["--Decoding-width", "320", "--Chunk-pairs", "8", "--Shard-samples", "16"]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    names = sorted({name for row in rows for name in row})
    lines = [",".join(names)] + [",".join(str(row.get(name, "")) for name in names) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


class Build:
    """A root folder and the commands that fill it."""

    def __init__(self, root: Path, manifest: Path) -> None:
        self.root, self.manifest = root, manifest

    def command(self, *options: object, task: str = "BuildShards") -> list[str]:
        own = ["--root", self.root] if task == "PruneVersions" else ["--manifest", self.manifest, "--root", self.root]
        words = ["-m", "luigi", "--module", "pipeline", task, *own, *SMALL, *options]
        return [sys.executable, *map(str, words)]

    def run(self, *options: object, task: str = "BuildShards") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*options, task=task), cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
        )

    @property
    def folder(self) -> Path:
        """The shards folder of the newest finished version."""
        (pointer,) = (self.root / "datasets").glob("*.json")
        return self.root / "shards" / json.loads(pointer.read_text())["shards"]

    @property
    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.folder / "dataset.json").read_text())
        return record

    def hashes(self) -> dict[str, str]:
        return {shard["shard"]: shard["sha256"] for shard in self.record["shards"]}


@pytest.fixture(scope="session")
def drives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of two short simulated drives."""
    source = "simulated:street?seed={}&frames=36&width=320&height=192"
    rows = [
        {"video_id": "drive_1", "source": source.format(1), "split": "train"},
        {"video_id": "drive_2", "source": source.format(2), "split": "val"},
    ]
    return write_rows(tmp_path_factory.mktemp("manifest") / "drives.csv", rows)


@pytest.fixture(scope="session")
def start(drives: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Build]:
    """Makes builds in fresh roots, of the two drives or of other rows; the manifest's name is the dataset's."""

    def make(rows: list[dict[str, Any]] | None = None, name: str = "drives") -> Build:
        folder = tmp_path_factory.mktemp("build")
        return Build(folder / "root", write_rows(folder / f"{name}.csv", rows) if rows else drives)

    return make


@pytest.fixture(scope="session")
def built(start: Callable[..., Build]) -> Build:
    """A finished build of the two drives, for tests that only look."""
    build = start()
    finished = build.run()
    assert finished.returncode == 0, finished.stderr
    return build


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """The browser, for tests of pages; imported here, as most tests open none.

    Closed after each file: while it is open, an event loop runs in the thread of the tests, and processes that later
    tests fork keep it from closing.
    """
    from benchmarks.chromium import CHROMIUM, started

    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with started() as browser:
        yield browser


@pytest.fixture
def look(chromium: "Browser") -> "Iterator[Open]":
    """Opens a page, and holds that it complained of nothing; see ``tests.chromium.looking``."""
    from tests.chromium import looking

    with looking(chromium) as open_page:
        yield open_page
