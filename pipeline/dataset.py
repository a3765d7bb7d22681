"""A finished dataset as a reader finds it."""

import json
import re
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline import storage, tables
from pipeline.errors import UserError
from pipeline.sample import LARGEST_MEMBER
from pipeline.storage import join

LARGEST_SAMPLE = 4 * LARGEST_MEMBER
LARGEST_JSON = 256 << 20
"""Bytes of a sample with all its members, and of ``dataset.json``, that are read."""
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*\Z")


@dataclass(frozen=True)
class Dataset:
    """The folder with the tars and what ``dataset.json`` says of them."""

    folder: str
    record: dict[str, Any]

    def url(self, shard: str) -> str:
        """Where a shard is. Raises ``UserError`` for a name that leads out of the folder."""
        if not _FILE.match(shard):
            raise UserError(
                f"{self.folder}: {shard!r} is no shard of the folder; the dataset is damaged or not from BuildShards"
            )
        return join(self.folder, shard)

    def samples(self) -> pa.Table:
        """``samples.parquet``, one row a sample. Raises ``UserError`` where it is not one."""
        name = join(self.folder, "samples.parquet")
        table = tables.from_stranger(storage.read_bytes(name), name)
        if missing := {"key", "video_id", "split", "shard", "offset", "size"} - set(table.column_names):
            raise UserError(f"{name} has no column {', '.join(sorted(missing))}; the dataset is not from BuildShards")
        return table

    def read(self, row: dict[str, Any]) -> bytes:
        """The tar blocks of the sample in a row of ``samples()``. Raises ``UserError`` where it leads elsewhere."""
        url, offset, size = self.url(row["shard"]), row["offset"], row["size"]
        if not 0 <= offset < 2**62 or not 0 < size <= LARGEST_SAMPLE:
            raise UserError(f"{url}: {row['key']!r} has {size} bytes at {offset}; at most {LARGEST_SAMPLE} are read")
        return storage.read_bytes(url, offset, offset + size)


def open_dataset(place: str) -> Dataset:
    """The dataset in a folder with ``dataset.json``, or the only finished one under a root.

    Raises ``UserError`` where there is none, or more than one.
    """
    if storage.exists(join(place, "dataset.json")):
        return Dataset(place, _json(join(place, "dataset.json")))
    finished = storage.children(join(place, "datasets"))
    if not finished:
        raise UserError(f"{place} holds no finished dataset; give a root that BuildShards finished, or a shards folder")
    folders = [_pointed(place, name) for name in finished]
    if len(folders) > 1:
        raise UserError(f"{place} holds {len(folders)} datasets; give one of: {', '.join(folders)}")
    return Dataset(folders[0], _json(join(folders[0], "dataset.json")))


def _pointed(root: str, name: str) -> str:
    url = join(root, "datasets", name)
    version = _json(url).get("shards")
    if not isinstance(version, str) or not _FILE.match(version):
        raise UserError(f"{url} names no version of a dataset; build it again with BuildShards")
    return join(root, "shards", version)


def _json(url: str) -> dict[str, Any]:
    content = storage.read_bytes(url)
    try:
        if len(content) > LARGEST_JSON:
            raise ValueError(f"more than {LARGEST_JSON} bytes")
        found = json.loads(content)
        if not isinstance(found, dict):
            raise ValueError("not an object")
    except (ValueError, RecursionError) as error:
        raise UserError(f"{url} is not what BuildShards writes: {type(error).__name__}, {error}") from None
    return found
