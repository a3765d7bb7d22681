"""A finished dataset as a reader finds it."""

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline import storage, tables
from pipeline.errors import UserError
from pipeline.storage import join


@dataclass(frozen=True)
class Dataset:
    """The folder with the tars and what ``dataset.json`` says of them."""

    folder: str
    record: dict[str, Any]

    def samples(self) -> pa.Table:
        """``samples.parquet``, one row a sample."""
        return tables.from_bytes(storage.read_bytes(join(self.folder, "samples.parquet")))

    def read(self, row: dict[str, Any]) -> bytes:
        """The tar blocks of the sample in a row of ``samples()``. Raises ``UserError`` where it leads elsewhere."""
        if "/" in row["shard"] or row["shard"].startswith("."):
            raise UserError(
                f"{self.folder}/samples.parquet: {row['key']!r} lies in {row['shard']!r}, which is no shard of the "
                "folder; the dataset is damaged or not from BuildShards"
            )
        return storage.read_bytes(join(self.folder, row["shard"]), row["offset"], row["offset"] + row["size"])


def open_dataset(place: str) -> Dataset:
    """The dataset in a folder with ``dataset.json``, or the only finished one under a root.

    Raises ``UserError`` where there is none, or more than one.
    """
    if storage.exists(join(place, "dataset.json")):
        return Dataset(place, _json(join(place, "dataset.json")))
    finished = storage.children(join(place, "datasets"))
    if not finished:
        raise UserError(f"{place} holds no finished dataset; give a root that BuildShards finished, or a shards folder")
    folders = [join(place, "shards", _json(join(place, "datasets", name))["shards"]) for name in finished]
    if len(folders) > 1:
        raise UserError(f"{place} holds {len(folders)} datasets; give one of: {', '.join(folders)}")
    return Dataset(folders[0], _json(join(folders[0], "dataset.json")))


def _json(url: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(storage.read_bytes(url))
    return content
