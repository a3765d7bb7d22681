"""Whole builds through bad nights: each ends with the bytes of an undisturbed one."""

import json
import os
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from s3fs import S3FileSystem
from werkzeug.serving import make_server

from pipeline.prune_versions import superfluous

ROOT = Path(__file__).parents[2]
ROWS = [{"video_id": "drive_1", "source": "simulated:street?seed=1&frames=36&width=320&height=192", "split": "train"}]
TASK_FAILED, NOT_RUN = 11, 14
Start = Callable[..., Any]


def of_train(hashes: dict[str, str]) -> dict[str, str]:
    return {shard: digest for shard, digest in hashes.items() if "-train-" in shard}


# -- a clock that jumps, over what a crash left an hour ago -----------------------------------------------------------


def half_written(root: Path) -> list[Path]:
    """Unfinished files as a crash leaves them, an hour old, where a build will write."""
    found = [
        root / "videos" / "drive_1" / ".tmp-fetch-0a1b" / "simulated.mp4",
        root / "videos" / "drive_1" / ".tmp-fetch.json-01234567",
        root / "survey" / "0123456789ab" / "drive_1" / ".tmp-frames.parquet-01234567",
        root / "labels" / "0123456789ab" / "drive_1" / ".tmp-00000-of-00003.tar-01234567",
        root / "shards" / "0123456789ab" / ".tmp-drives-train-000000.tar-01234567",
        root / ".tmp-format.json-01234567",
    ]
    for path in found:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half of wh")
        for each in (path, path.parent):
            os.utime(each, (time.time() - 3700,) * 2)
    return found


@pytest.fixture(scope="module")
def jumped(start: Start) -> tuple[Any, list[Path]]:
    """A build under clocks that jump by a week, in a root with half-written files.

    Where it is the scheduler's clock that jumps, Luigi takes its worker for lost, or a task for late, and the command
    may end with that; the next one goes on.
    """
    build = start(ROWS)
    left = half_written(build.root)
    command = build.command("--dataset", "drives", "--workers", 2, "--scheduler-retry-delay", 0)
    command[command.index("pipeline")] = "tests.pipeline.jumping"
    places = {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=ROOT, env=os.environ | places, capture_output=True, text=True, timeout=600)
    assert ended.returncode in (0, TASK_FAILED, NOT_RUN) and "Traceback" not in ended.stderr, ended.stderr
    assert ended.returncode == 0 or "run the same command again" in ended.stderr, ended.stderr
    assert build.run("--dataset", "drives").returncode == 0
    return build, left


@pytest.mark.slow
def test_a_clock_that_jumps_changes_no_byte(jumped: tuple[Any, list[Path]], built: Any) -> None:
    build, _ = jumped
    assert build.hashes() == of_train(built.hashes())


@pytest.mark.slow
def test_half_written_files_are_never_taken_for_results_and_can_be_removed(jumped: tuple[Any, list[Path]]) -> None:
    build, left = jumped
    assert all(path.read_bytes() == b"half of wh" for path in left), "others' unfinished files were touched"
    gone = set(superfluous(str(build.root), 3600))
    for path in left:
        assert any(str(path).startswith(url) for url in gone), path
    assert str(build.folder) not in gone


# -- a store that fails every tenth request ------------------------------------------------------------------------

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
SLOW_S = 1.5
READ_TIMEOUT_S = 1.0


class Store:
    """moto's, over the wire, that fails a tenth of the requests: refused, too slow, or broken off."""

    def __init__(self) -> None:
        self.app: Application = DomainDispatcherApplication(create_backend_app)
        self.draw, self.lock, self.fails = random.Random(8), threading.Lock(), False
        self.seen: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with self.lock:
            due = self.fails and self.draw.random() < 0.1
            mood = self.draw.choice(("500", "503", "slow", "broken off")) if due else "well"
            self.seen[mood] += 1
        if mood in ("500", "503"):
            code = {"500": "InternalError", "503": "SlowDown"}[mood]
            content = f"<Error><Code>{code}</Code><Message>again, please</Message></Error>".encode()
            start(f"{mood} {code}", [("Content-Type", "application/xml"), ("Content-Length", str(len(content)))])
            return [content]
        if mood == "slow":
            time.sleep(SLOW_S)
        content = b"".join(self.app(environ, start))
        return [content[: len(content) // 2] if mood == "broken off" else content]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Where ``s3://`` leads, for this process and those it starts."""
    made = Store()
    server = make_server("127.0.0.1", 0, made, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    for name, value in {"ACCESS_KEY_ID": "key-of-mine", "SECRET_ACCESS_KEY": "hush-hush", "ENDPOINT_URL": url}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("FSSPEC_S3", json.dumps({"config_kwargs": {"read_timeout": READ_TIMEOUT_S}}))
    S3FileSystem.clear_instance_cache()
    S3FileSystem().mkdir("nights")
    yield made
    made.fails = False
    server.shutdown()
    S3FileSystem.clear_instance_cache()


def run_at(build: Any, root: str) -> subprocess.CompletedProcess[str]:
    command = build.command("--dataset", "drives", "--workers", 2, "--scheduler-retry-delay", 0)
    command[command.index("--root") + 1] = root
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)


@pytest.mark.slow
def test_a_store_that_fails_every_tenth_request_changes_no_byte(store: Store, start: Start, built: Any) -> None:
    store.fails = True
    ended = run_at(start(ROWS), "s3://nights/root")
    store.fails = False
    assert ended.returncode == 0, ended.stderr
    assert min(store.seen[mood] for mood in ("500", "503", "slow", "broken off")) > 0, store.seen
    fs = S3FileSystem()
    (pointer,) = fs.glob("nights/root/datasets/*.json")
    folder = f"nights/root/shards/{json.loads(fs.cat_file(pointer))['shards']}"
    record = json.loads(fs.cat_file(f"{folder}/dataset.json"))
    assert {shard["shard"]: shard["sha256"] for shard in record["shards"]} == of_train(built.hashes())
    assert "hush-hush" not in ended.stderr + ended.stdout and "key-of-mine" not in ended.stderr + ended.stdout


def test_a_store_that_is_away_is_one_sentence(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ACCESS_KEY_ID": "key-of-mine", "SECRET_ACCESS_KEY": "hush-hush"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    ended = run_at(start(ROWS), "s3://nights/root")
    assert ended.returncode == 13
    assert "s3://nights/root" in ended.stderr and "see that the storage answers" in ended.stderr
    assert "Traceback" not in ended.stderr and "hush-hush" not in ended.stderr
