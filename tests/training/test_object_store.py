"""Datasets in an S3-compatible store (moto's), streamed and through the cache, while the store has its moods."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from s3fs import S3FileSystem
from werkzeug.serving import make_server

from training import urls
from training.loader import Loader, LoaderParameters
from training.shard_cache import CacheParameters
from training.shards import Dataset, DatasetError

DATASET = "s3://streets/shards/aaaa"
READ_TIMEOUT = 0.5
FAILURES = 2
"""Requests that fail in a test, each once."""

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def refuse(status: str, code: str) -> Callable[..., Iterable[bytes]]:
    def answer(app: Application, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        content = f"<Error><Code>{code}</Code><Message>again, please</Message></Error>".encode()
        start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(content)))])
        return [content]

    return answer


def stall(app: Application, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    time.sleep(3 * READ_TIMEOUT)
    return app(environ, start)


def break_off(app: Application, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Half of what the header promises."""
    content = b"".join(app(environ, start))
    return [content[: len(content) // 2]]


MOODS = {
    "500": refuse("500 Internal Server Error", "InternalError"),
    "503": refuse("503 Slow Down", "SlowDown"),
    "slow": stall,
    "broken off": break_off,
}


class Store:
    """moto's, that answers the first requests for tars in a mood."""

    def __init__(self) -> None:
        self.app: Application = DomainDispatcherApplication(create_backend_app)
        self.mood: Callable[..., Iterable[bytes]] | None = None
        self.failed: list[tuple[str, str]] = []
        self.lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        wanted = environ["PATH_INFO"], environ.get("HTTP_RANGE", "")
        with self.lock:
            due = self.mood is not None and environ["REQUEST_METHOD"] == "GET" and wanted[0].endswith(".tar")
            due = due and len(self.failed) < FAILURES and wanted not in self.failed
            if due:
                self.failed.append(wanted)
        return self.mood(self.app, environ, start) if self.mood and due else self.app(environ, start)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Store, str]]:
    store = Store()
    server = make_server("127.0.0.1", 0, store, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield store, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def store(served: tuple[Store, str], small_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Holds the dataset, and is where ``s3://`` leads."""
    found, url = served
    for name, value in {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret", "ENDPOINT_URL": url}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setitem(fsspec.config.conf, "s3", {"config_kwargs": {"read_timeout": READ_TIMEOUT}})
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    S3FileSystem.clear_instance_cache()
    found.mood, found.failed = None, []
    fs = S3FileSystem()
    if not fs.exists("streets"):
        fs.mkdir("streets")
        for path in small_dataset.iterdir():
            fs.put_file(str(path), f"{DATASET}/{path.name}")
    yield found
    S3FileSystem.clear_instance_cache()


def epoch(place: str, cache: CacheParameters | None = None, workers: int = 0) -> list[tuple[str, bytes]]:
    """Key and pixels of every sample of the first epoch."""
    parameters = LoaderParameters(batch_size=4, workers=workers, shards_mixed=2)
    batches = Loader(Dataset.open(place, cache).split("train"), parameters, (32, 48))
    return [(key, b.images[row].numpy().tobytes()) for b in batches for row, key in enumerate(b.keys) if key]


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize(("mood", "workers"), [(None, 0), (None, 2), *((mood, 0) for mood in MOODS), ("500", 2)])
def test_the_store_gives_the_batches_of_the_folder(
    store: Store, small_dataset: Path, tmp_path: Path, cached: bool, workers: int, mood: str | None
) -> None:
    store.mood = MOODS[mood] if mood else None
    cache = CacheParameters(str(tmp_path / "cache")) if cached else None
    assert epoch(DATASET, cache, workers) == epoch(str(small_dataset))
    assert len(store.failed) == (FAILURES if mood else 0)
    if cached:
        copies = {path.name: path.read_bytes() for path in (tmp_path / "cache").rglob("[!.]*.tar")}
        assert copies == {path.name: path.read_bytes() for path in small_dataset.glob("*train*.tar")}


def test_what_the_store_does_not_hold_is_said(store: Store) -> None:
    with pytest.raises(DatasetError, match="s3://other/shards holds no finished dataset"):
        Dataset.open("s3://other/shards")


def test_a_store_that_nobody_has_the_keys_of_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "EC2_METADATA_DISABLED": "true",
        "SHARED_CREDENTIALS_FILE": "/none",
        "CONFIG_FILE": "/none",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    S3FileSystem.clear_instance_cache()
    with pytest.raises(DatasetError, match="s3://streets/shards/aaaa cannot be read: Unable to locate credentials"):
        Dataset.open(DATASET)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(url: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(ValueError, match="'s3://a/b' needs a package that is not here: Install s3fs"):
        urls.filesystem("s3://a/b")
