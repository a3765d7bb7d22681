"""Copies of remote shards in a local folder of bounded size, shared by all processes of a machine."""

import contextlib
import fcntl
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from training import urls


@dataclass(frozen=True)
class CacheParameters:
    """Where copies of remote shards are kept; without a folder, samples are streamed one by one."""

    folder: str = ""
    """local folder, made where missing"""
    limit_gb: float = 50.0
    """gigabytes that the copies may take"""
    ahead: int = 2
    """shards fetched before they are needed"""


class ShardCache:
    """Fetches shards once per machine, keeps the most recently used.

    A copy appears under its name when it is whole and has the sha256 that ``dataset.json`` says; another process that
    wants it meanwhile waits. A copy that is removed while it is being read stays readable to who reads it.
    """

    def __init__(self, parameters: CacheParameters, fingerprint: str) -> None:
        self.folder = Path(parameters.folder) / fingerprint
        self.limit = int(parameters.limit_gb * 1e9)
        self.ahead = parameters.ahead
        self.folder.mkdir(parents=True, exist_ok=True)

    def require(self, shards_mixed: int, shard_bytes: int) -> None:
        """Raise ``ValueError`` where the shards in use at a time, and those fetched ahead, do not fit."""
        needed = (shards_mixed + 1 + self.ahead) * shard_bytes
        if needed > self.limit:
            raise ValueError(
                f"a cache of {self.limit / 1e9:g} GB cannot hold {shards_mixed} mixed shards and {self.ahead} ahead; "
                f"give {needed / 1e9:.1f} GB or more, or mix fewer"
            )

    def path(self, url: str, sha256: str) -> Path:
        """The local copy of a shard, fetched where it is not there. Raises ``OSError`` where it cannot be had."""
        path = self.folder / url.rpartition("/")[2]
        with self._locked(path.name):
            if not path.exists():
                self._fetch(url, sha256, path)
            os.utime(path)
        return path

    def fetch_ahead(self, shards: Iterable[tuple[int, str, str]], position: "Position") -> threading.Thread:
        """Fetch shards, given as (place of its first sample, URL, sha256), in time: a thread that never fails.

        It stays ``ahead`` shards before ``position`` and ends with it.
        """
        thread = threading.Thread(target=self._run_ahead, args=(list(shards), position), daemon=True)
        thread.start()
        return thread

    def _run_ahead(self, shards: list[tuple[int, str, str]], position: "Position") -> None:
        for number, (_, url, sha256) in enumerate(shards):
            # the place at which the shard `ahead` before this one comes into use
            if not position.wait_for(shards[max(0, number - self.ahead)][0]):
                return
            # A worker meets the same error and reports it with the samples it costs.
            with contextlib.suppress(OSError):
                self.path(url, sha256)

    def _fetch(self, url: str, sha256: str, path: Path) -> None:
        fs, remote = urls.filesystem(url)
        descriptor, temporary = tempfile.mkstemp(prefix=".tmp-", dir=self.folder)
        os.close(descriptor)
        try:
            fs.get_file(remote, temporary)
            with Path(temporary).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != sha256:
                raise OSError(f"sha256 {found}, dataset.json says {sha256}")
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        self._evict(path)

    def _evict(self, kept: Path) -> None:
        """Remove the least recently used copies until the rest fits."""
        copies = []
        for path in self.folder.glob("[!.]*.tar"):  # locks stay: others may wait at them
            with contextlib.suppress(FileNotFoundError):
                found = path.stat()
                copies.append((found.st_mtime, found.st_size, path))
        total = sum(size for _, size, _ in copies)
        for _, size, path in sorted(copies):
            if total <= self.limit:
                return
            if path != kept:
                path.unlink(missing_ok=True)
                total -= size

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with (self.folder / f".lock-{name}").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Position:
    """How far a loader is, for threads that work ahead of it."""

    def __init__(self, start: int) -> None:
        self._value, self._closed, self._changed = start, False, threading.Condition()

    def advance(self, value: int) -> None:
        """Say how many samples were handed out."""
        with self._changed:
            self._value = value
            self._changed.notify_all()

    def close(self) -> None:
        """Say that no more will be."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_for(self, value: int) -> bool:
        """Wait until so many samples were handed out; False where that will not happen."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._value >= value)
            return not self._closed
