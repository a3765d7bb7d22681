"""Fetches the bytes of samples: from local tars by range, from copies in a cache, or by ranges of a URL."""

import io
import os
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from training import urls
from training.sample import SampleError
from training.shard_cache import ShardCache

Place = tuple[str, int, int]
"""Shard, offset and size of a sample."""

_OPEN_AT_MOST = 24


class Reader(Protocol):
    """What fetches samples."""

    def read(self, places: Sequence[Place]) -> list[bytes | SampleError]:
        """The bytes of each sample, or why there are none."""


class FileReader:
    """Reads tars of a local folder, or their copies in a cache."""

    def __init__(self, folder: str, cache: ShardCache | None = None, sha256: dict[str, str] | None = None) -> None:
        self.folder, self.cache, self.sha256 = folder.rstrip("/"), cache, sha256 or {}
        self._files: OrderedDict[str, io.FileIO] = OrderedDict()

    def read(self, places: Sequence[Place]) -> list[bytes | SampleError]:
        """The bytes of each sample, or why there are none."""
        return [self._read(*place) for place in places]

    def _read(self, shard: str, offset: int, size: int) -> bytes | SampleError:
        try:
            content = os.pread(self._file(shard).fileno(), size, offset)
        except OSError as error:
            return SampleError(f"cannot be read: {error}")
        return content if len(content) == size else SampleError(_SHORT)

    def _file(self, shard: str) -> io.FileIO:
        if shard not in self._files:
            url = f"{self.folder}/{shard}"
            path = self.cache.path(url, self.sha256[shard]) if self.cache else url
            self._files[shard] = io.FileIO(path)
            if len(self._files) > _OPEN_AT_MOST:
                self._files.popitem(last=False)[1].close()
        self._files.move_to_end(shard)
        return self._files[shard]


class RangeReader:
    """Streams samples by ranges of remote tars, those of a batch at the same time."""

    def __init__(self, folder: str) -> None:
        self.folder = folder.rstrip("/")

    def read(self, places: Sequence[Place]) -> list[bytes | SampleError]:
        """The bytes of each sample, or why there are none."""
        fs, folder = urls.filesystem(self.folder)
        paths = [f"{folder}/{shard}" for shard, _, _ in places]
        starts = [offset for _, offset, _ in places]
        ends = [offset + size for _, offset, size in places]
        found = fs.cat_ranges(paths, starts, ends, on_error="return")
        return [_checked(content, size) for content, (_, _, size) in zip(found, places)]


_SHORT = "the tar is truncated: it ends before this sample does"


def _checked(content: bytes | BaseException, size: int) -> bytes | SampleError:
    if isinstance(content, bytes):
        return content if len(content) == size else SampleError(_SHORT)
    if not isinstance(content, Exception):
        raise content
    return SampleError(f"cannot be read: {str(content) or type(content).__name__}")
