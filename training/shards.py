"""A dataset of (frame, relative depth), as ``BuildShards`` leaves it, opened for training.

The interface of the data, all of it::

    dataset = Dataset.open("dataset")                    # a folder, a root of builds, or an s3://, gs://, https:// URL
    split = dataset.split("train")                       # or "val"
    loader = Loader(split, LoaderParameters(batch_size=64), size=(224, 416), seed=0, rank=rank, world_size=world_size)
    loader.steps_per_epoch                               # known beforehand, the same on every rank
    for batch in loader:                                 # the rest of the epoch; the next loop is the next epoch
        batch.images                                     # uint8 (N, 3, H, W) RGB, channels_last
        batch.codes                                      # uint8 (N, H, W), 0 = no label
        batch.confidence                                 # uint8 (N, H, W) where asked for, else None
        batch.keys                                       # N keys; "" in rows that hold no sample, where codes are all 0
        example = prepare(batch, device, augmentation)   # training.input: float images, z, valid, on the device
        state = loader.state_dict()                      # {"seed", "epoch", "position", "dataset"}
    loader.load_state_dict(state)                        # goes on behind the last batch that was handed out

N is ``batch_size / world_size`` on every rank and in every step: what is missing at the end of an epoch, or cannot be
read, is a row without labels. ``position`` counts samples of the epoch's order, which depends on the dataset, the seed
and the epoch alone: another number of ranks or workers, or another batch size, goes on with the same samples.
"""

import io
import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem
from numpy.typing import NDArray

from training import urls
from training.shard_cache import CacheParameters, ShardCache
from training.shard_reader import FileReader, Place, RangeReader, Reader

FORMAT = 1
_SHARD = re.compile(r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*\.tar\Z")
_NAME = "[A-Za-z0-9_-]{1,250}"
_LARGEST_SAMPLE = 256 << 20  # bytes
_LARGEST_JSON = 256 << 20  # bytes
_COLUMNS = ["key", "split", "shard", "offset", "size"]
_SCHEMA = pa.schema([(name, pa.int64() if name in ("offset", "size") else pa.string()) for name in _COLUMNS])


class DatasetError(ValueError):
    """A dataset that cannot be trained on; the message says where and what to do."""


@dataclass(frozen=True)
class Dataset:
    """What ``dataset.json`` and ``samples.parquet`` say."""

    folder: str
    name: str
    fingerprint: str
    shards: dict[str, dict[str, Any]]
    samples: pa.Table
    cache: CacheParameters

    @classmethod
    def open(cls, url: str, cache: CacheParameters | None = None) -> "Dataset":
        """The dataset in a folder or URL with ``dataset.json``, or the only finished one under a root of builds.

        Raises ``DatasetError`` where there is none or it contradicts itself, ``ValueError`` for other places.
        """
        folder = _shards_folder(url.rstrip("/") or "/")
        record = _json(f"{folder}/dataset.json")
        if record.get("format") != FORMAT:
            raise DatasetError(f"{folder}/dataset.json has format {record.get('format')!r}; this code reads {FORMAT}")
        try:
            if not _is_name(record["fingerprint"]):  # it names the folder of the cache
                raise DatasetError(
                    f"{folder}/dataset.json has the fingerprint {record['fingerprint']!r}, which is none"
                )
            shards = {shard["shard"]: shard for shard in record["shards"]}
            samples = _samples(f"{folder}/samples.parquet", shards)
            return cls(folder, record["dataset"], record["fingerprint"], shards, samples, cache or CacheParameters())
        except (KeyError, TypeError, AttributeError) as error:
            raise DatasetError(f"{folder}/dataset.json is not what BuildShards writes: {error!r}") from None

    def split(self, name: str) -> "Split":
        """The samples of a split. Raises ``DatasetError`` where it has none."""
        samples = self.samples.filter(pc.equal(self.samples["split"], name))
        if not samples.num_rows:
            known = ", ".join(sorted(pc.unique(self.samples["split"]).to_pylist()))
            raise DatasetError(
                f"{self.folder} has no sample in split {name!r}, only in {known}; give a video of the manifest "
                "that split and build again"
            )
        return Split(self, name, samples)


class Split:
    """The samples of a split, numbered from 0 as ``samples.parquet`` lists them."""

    def __init__(self, dataset: Dataset, name: str, samples: pa.Table) -> None:
        self.dataset, self.name = dataset, name
        self.keys: pa.ChunkedArray = samples["key"]
        self.shards: list[str] = pc.unique(samples["shard"]).to_pylist()
        self.shard: NDArray[np.int32] = pc.index_in(samples["shard"], pa.array(self.shards)).to_numpy()
        self._offset, self._size = samples["offset"].to_numpy(), samples["size"].to_numpy()

    def __len__(self) -> int:
        return len(self.shard)

    def key(self, number: int) -> str:
        """The key of a sample."""
        return str(self.keys[number].as_py())

    def place(self, number: int) -> Place:
        """Where a sample is."""
        return self.shards[self.shard[number]], int(self._offset[number]), int(self._size[number])

    def cache(self) -> ShardCache | None:
        """The cache of the shards; none where they are local, or streamed."""
        dataset = self.dataset
        return ShardCache(dataset.cache, dataset.fingerprint) if dataset.cache.folder and not self._local() else None

    def reader(self) -> Reader:
        """What reads the samples, for one process."""
        cache, folder = self.cache(), self.dataset.folder
        if cache is not None:
            return FileReader(folder, cache, {name: shard["sha256"] for name, shard in self.dataset.shards.items()})
        return FileReader(urls.filesystem(folder)[1]) if self._local() else RangeReader(folder)

    def _local(self) -> bool:
        return isinstance(urls.filesystem(self.dataset.folder)[0], LocalFileSystem)


def _shards_folder(place: str) -> str:
    fs, path = urls.filesystem(place)
    try:
        found = fs.exists(f"{path}/dataset.json")
    except Exception as error:  # of whatever kind the store's library has
        raise DatasetError(f"{place} cannot be read: {str(error) or type(error).__name__}") from None
    if found:
        return place
    finished = sorted(fs.glob(f"{path}/datasets/*.json")) if fs.exists(f"{path}/datasets") else []
    if not finished:
        raise DatasetError(
            f"{place} holds no finished dataset; give a root that BuildShards finished, or a shards folder"
        )
    names = [_json(f"{place}/datasets/{name.rpartition('/')[2]}").get("shards") for name in finished]
    if len(names) > 1:
        raise DatasetError(
            f"{place} holds {len(names)} datasets; give one of: {', '.join(f'{place}/shards/{n}' for n in names)}"
        )
    if not _is_name(names[0]):
        raise DatasetError(f"{place}/datasets names {names[0]!r}, which is no version; build it again")
    return f"{place}/shards/{names[0]}"


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and re.fullmatch(_NAME, name) is not None


def _json(url: str) -> dict[str, Any]:
    try:
        text = _bytes(url)
        if len(text) > _LARGEST_JSON:
            raise ValueError(f"more than {_LARGEST_JSON} bytes")
        content = json.loads(text)
    except RecursionError:
        raise DatasetError(f"{url} is nested too deep") from None
    except ValueError as error:
        raise DatasetError(f"{url} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise DatasetError(f"{url} is not a JSON object")
    return content


def _bytes(url: str) -> bytes:
    fs, path = urls.filesystem(url)
    try:
        content: bytes = fs.cat_file(path)
    except FileNotFoundError:
        raise DatasetError(f"{url} is missing: the dataset is not whole; build or copy it again") from None
    return content


def _samples(url: str, shards: dict[str, dict[str, Any]]) -> pa.Table:
    """The columns of ``samples.parquet`` that training needs, checked against the shards."""
    if bad := [name for name in shards if not _SHARD.match(name)]:
        raise DatasetError(f"dataset.json names a shard {bad[0]!r}; shards are files beside it")
    try:
        table = _table(_bytes(url), url, sum(shard["count"] for shard in shards.values()))
    except (pa.ArrowException, KeyError, OSError) as error:
        raise DatasetError(f"{url} is not a table of samples: {error}") from None
    if problem := _contradiction(table, shards):
        raise DatasetError(f"{url} has {problem}; check the dataset with `python -m pipeline lint`")
    return table


def _table(content: bytes, url: str, count: int) -> pa.Table:
    """The columns, where they are ``count`` rows of short names and numbers.

    Looked at before it is unpacked: in parquet a few bytes can stand for gigabytes. Raises ``pa.ArrowException``, and
    ``DatasetError`` for another number of rows.
    """
    file = pq.ParquetFile(io.BytesIO(content), read_dictionary=["key", "split", "shard"])
    if file.metadata.num_rows != count:
        raise DatasetError(f"{url} has {file.metadata.num_rows} samples, dataset.json {count}; build or copy it again")
    if count > len(content):
        raise pa.ArrowInvalid(f"{count} rows in {len(content)} bytes")
    batches = []
    for batch in file.iter_batches(batch_size=65536, columns=_COLUMNS, use_threads=False):
        batch = batch.select(_COLUMNS)
        for name in ("key", "split", "shard"):
            held = batch[name].dictionary if pa.types.is_dictionary(batch[name].type) else batch[name]
            if (pc.max(pc.binary_length(held)).as_py() or 0) > 255:
                raise pa.ArrowInvalid(f"a {name} of more than 255 bytes")
        batches.append(batch.cast(_SCHEMA))
    return pa.Table.from_batches(batches, _SCHEMA)


def _contradiction(table: pa.Table, shards: dict[str, dict[str, Any]]) -> str:
    """What is wrong with a table of samples; empty where nothing is."""
    if any(column.null_count for column in table.columns):
        return "a sample without key or place"
    if pc.count_distinct(table["key"]).as_py() != table.num_rows:
        return "a key twice"
    if not pc.all(pc.match_substring_regex(table["key"], f"^{_NAME}$")).as_py():
        return "a key that is none"
    number = pc.index_in(table["shard"], pa.array(list(shards), pa.string()))
    if number.null_count:
        return "a shard that dataset.json does not have"
    length = np.array([shard["bytes"] for shard in shards.values()], np.int64)[number.to_numpy()]
    offset, size = table["offset"].to_numpy(), table["size"].to_numpy()
    if (offset < 0).any() or (size <= 0).any() or (size > length - offset).any():
        return "a sample outside of its shard"
    if (size > _LARGEST_SAMPLE).any():
        return f"a sample of more than {_LARGEST_SAMPLE >> 20} MiB"
    return ""
