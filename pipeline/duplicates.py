"""What of a build's videos is left out because a better video of the manifest shows it, too (``find_duplicates``)."""

import functools
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import tables
from pipeline.build import Build
from pipeline.storage import FsspecTarget

REASON = "shown_elsewhere"
DUPLICATES = pa.schema(
    [
        ("video_id", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("shown_in", pa.string()),  # the better video
        ("shift_s", pa.float64()),  # how much later it shows it
        ("bits", pa.float32()),  # of 64 in which the hashes differ in the mean
        ("whole", pa.bool_()),  # whether no frame of the video is used
    ]
)


@dataclass(frozen=True)
class Duplicates:
    """What is left out: spans of seconds by video, and where wholly duplicate videos are shown."""

    spans: dict[str, list[tuple[float, float]]]
    whole: dict[str, str]


def duplicates_target(build: Build) -> FsspecTarget:
    """Where the duplicates of a build are: they depend on all of its videos, as the shards do."""
    return FsspecTarget(build.shards_folder(), "duplicates.parquet")


def duplicates(build: Build) -> Duplicates | None:
    """What a build leaves out; nothing where it does not look for duplicates, None while it is not known."""
    if not build.parameters.duplicate.drop:
        return Duplicates({}, {})
    target = duplicates_target(build)
    return _read(target.url) if target.exists() else None


@functools.lru_cache(maxsize=4)
def _read(url: str) -> Duplicates:
    """The file never changes once it is there; thousands of tasks ask."""
    folder, _, name = url.rpartition("/")
    spans: dict[str, list[tuple[float, float]]] = {}
    whole: dict[str, str] = {}
    for row in tables.rows(tables.from_bytes(FsspecTarget(folder, name).read())):
        spans.setdefault(row["video_id"], []).append((row["start_s"], row["end_s"]))
        if row["whole"]:
            whole.setdefault(row["video_id"], row["shown_in"])
    return Duplicates(spans, whole)


def is_duplicate(build: Build, video_id: str, rows: pa.Table) -> pa.BooleanArray:
    """For each of the rows of a video, which have a ``time_s``, whether a better video shows that moment."""
    known, time_s = duplicates(build), rows.column("time_s")
    inside = pa.chunked_array([pa.repeat(False, len(rows))])
    for start, end in known.spans.get(video_id, []) if known else []:
        inside = pc.or_(inside, pc.and_(pc.greater_equal(time_s, start), pc.less_equal(time_s, end)))
    return inside
