"""PlanShards: which sample goes into which shard, by one seeded shuffle over all videos."""

import hashlib
import math

import luigi
import numpy as np
import pyarrow as pa

from pipeline import growth, storage, tables
from pipeline.build import Build
from pipeline.label_pairs import LabelPairs
from pipeline.labelled_pairs import labelled_pairs
from pipeline.manifest import Video
from pipeline.storage import FsspecTarget
from pipeline.task import BuildTask

PLAN = pa.schema(
    [
        ("split", pa.string()),
        ("shard", pa.int32()),
        ("key", pa.string()),
        ("video_id", pa.string()),
        ("chunk", pa.string()),  # path of the chunk's tar below the labels folder of the video
        ("offset", pa.int64()),
        ("size", pa.int64()),
    ]
)


class PlanShards(BuildTask):
    """Deals the labelled samples of all videos into shards; writes ``plan.parquet``.

    A build that appends deals those alone that the version it extends lacks.
    """

    parts = luigi.IntParameter(significant=False, description="tasks that the labelling of a video is cut into")
    priority = 5

    def requires(self) -> list[luigi.Task]:
        """The labels of all videos."""
        return [
            LabelPairs(root=self.root, build_id=self.build_id, video_id=video.video_id, part=part, parts=self.parts)
            for video in self.build.videos
            for part in range(self.parts)
        ]

    def output(self) -> FsspecTarget:
        """The plan."""
        return plan_target(self.build)

    def run(self) -> None:
        """Shuffle, deal, write."""
        storage.forget_all()  # labels may have appeared, in other processes, since the last listing
        self.output().write(tables.to_bytes(plan(self.build)))


def plan_target(build: Build) -> FsspecTarget:
    """Where the plan of a build is."""
    return FsspecTarget(build.shards_folder(), "plan.parquet")


def read_plan(build: Build) -> pa.Table:
    """The plan of a build."""
    return tables.from_bytes(plan_target(build).read())


def plan(build: Build) -> pa.Table:
    """One row a sample that is to be written, in the order of the shards.

    The order depends on the keys and the seed alone, not on the order of the manifest or of the work.
    """
    shard = build.parameters.shard
    split_by_id = {video.video_id: split_of(build, video) for video in build.videos}
    labelled = labelled_pairs(build).select(["key", "video_id", "chunk", "offset", "size"])
    base = growth.base_of(build)
    held = set() if base is None else set(base.samples().column("key").to_pylist())
    first = growth.shards_by_split(base)
    samples = [
        {**row, "split": split_by_id[row["video_id"]]} for row in tables.rows(labelled) if row["key"] not in held
    ]
    rows: list[dict[str, object]] = []
    for split in sorted({str(row["split"]) for row in samples}):
        members = sorted((row for row in samples if row["split"] == split), key=lambda row: str(row["key"]))
        seed = int.from_bytes(hashlib.sha256(f"{shard.seed}/{split}".encode()).digest()[:8], "big")
        order = np.random.default_rng(seed).permutation(len(members))
        # Equal shards rather than full ones and a rest: trainers want shards of one size.
        shards = math.ceil(len(members) / shard.samples)
        rows += [
            {**members[index], "shard": first[split] + position * shards // len(members)}
            for position, index in enumerate(order)
        ]
    return pa.Table.from_pylist(rows, schema=PLAN)


def split_of(build: Build, video: Video) -> str:
    """The split of a video: the manifest's, or train or val by a seeded hash of its id."""
    if video.split:
        return video.split
    shard = build.parameters.shard
    digest = hashlib.sha256(f"{shard.seed}/{video.video_id}".encode()).digest()
    return "val" if int.from_bytes(digest[:8], "big") / 2**64 < shard.val_fraction else "train"
