"""WriteShard: the tars of a dataset, copied sample by sample from the tars of the labels."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import luigi
import pyarrow as pa

from pipeline import growth, plan_shards, sample, storage, tables
from pipeline.build import Build
from pipeline.dataset import Dataset
from pipeline.errors import UserError
from pipeline.plan_shards import PlanShards
from pipeline.storage import FsspecTarget, join
from pipeline.task import BuildTask


class WriteShard(BuildTask):
    """Writes the shards whose number modulo ``parts`` is ``part``.

    A shard is one durable unit: its tar, then ``index/<shard>.json`` with count, bytes and sha256. The number of
    shards is known only when all is labelled, so that a task is a part of them and not one.
    """

    part = luigi.IntParameter(description="which part of the shards, from 0")
    parts = luigi.IntParameter(description="number of parts")
    priority = 4

    def requires(self) -> PlanShards:
        """The plan."""
        return PlanShards(root=self.root, build_id=self.build_id, parts=self.parts)

    def output(self) -> FsspecTarget:
        """The mark that all shards of this part are there."""
        return FsspecTarget(self.build.shards_folder(), f"index/part-{self.part}-of-{self.parts}.json")

    def run(self) -> None:
        """Write the shards of this part that are not there yet."""
        base = growth.base_of(self.build)
        old = dict.fromkeys(growth.old_shards(base))
        new = dict(shards(self.build, plan_shards.read_plan(self.build)))
        written = list(old | new)[self.part :: self.parts]
        for name in written:
            if index_target(self.build, name).exists():
                continue
            if base is not None and name in old:
                take_over(self.build, base, name)
            else:
                write_shard(self.build, name, new[name])
        self.output().write(json.dumps(written).encode())


def index_target(build: Build, name: str) -> FsspecTarget:
    """Where count, bytes and sha256 of a shard are."""
    return FsspecTarget(build.shards_folder(), f"index/{name}.json")


def shards(build: Build, plan: pa.Table) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Names (without ``.tar``) and rows of the shards of a plan, in order."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in tables.rows(plan):
        grouped.setdefault(f"{build.dataset}-{row['split']}-{row['shard']:06d}", []).append(row)
    yield from grouped.items()


def write_shard(build: Build, name: str, rows: list[dict[str, Any]]) -> None:
    """Write one tar and its index entry."""
    content, samples = bytearray(), []
    for row in rows:
        blocks = read_blocks(build, row)
        samples.append({"key": row["key"], "offset": len(content), "size": len(blocks)})
        content += blocks
    content += sample.END
    storage.write_bytes(join(build.shards_folder(), f"{name}.tar"), content)
    entry = {
        "shard": f"{name}.tar",
        "split": rows[0]["split"],
        "count": len(rows),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "samples": samples,
    }
    index_target(build, name).write(json.dumps(entry).encode())


def take_over(build: Build, base: Dataset, name: str) -> None:
    """Let a shard of the version that is appended to be one of this build, with its index entry."""
    url = base.url(f"{name}.tar")
    try:
        entry = storage.read_bytes(join(base.folder, "index", f"{name}.json"))
        storage.take_over(url, join(build.shards_folder(), f"{name}.tar"))
    except FileNotFoundError as error:
        raise UserError(
            f"{url} or its index entry is gone, so that nothing can be appended to it; restore it, or give --growth "
            f"{growth.RESHUFFLE}, which deals all samples into shards anew"
        ) from error
    index_target(build, name).write(entry)


def read_blocks(build: Build, row: dict[str, Any]) -> bytes:
    """The tar blocks of a sample, by range from its chunk."""
    url = join(build.labels_folder(build.video(row["video_id"])), row["chunk"])
    blocks = storage.read_bytes(url, row["offset"], row["offset"] + row["size"])
    if len(blocks) != row["size"]:
        raise ValueError(f"{url} is shorter than its parquet says at {row['key']}; remove both and build again")
    return blocks
