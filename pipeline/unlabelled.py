"""The frames of a dataset's videos that got no label, with the reason: from the stages beside the shards."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import build as builds
from pipeline import duplicates, label_pairs, sample, select_pairs
from pipeline.build import Build
from pipeline.dataset import Dataset
from pipeline.errors import UserError
from pipeline.label_chunk import LABELS
from pipeline.manifest import Video
from pipeline.outcome import DONE, FILTERED

_LATER = {"offset", "size", "second_pts", "second_frame", "frame_distance"}
COLUMNS = pa.schema(
    [("stage", pa.string()), ("video_id", pa.string()), *(item for item in LABELS if item.name not in _LATER)]
)


def unlabelled(build: Build) -> pa.Table:
    """A row a frame or pair without a label, by video and stage; with statistics where labelling had got so far."""
    parts = [part for video in build.videos for part in (*_frames(build, video), *_pairs(build, video))]
    return pa.concat_tables(parts) if parts else COLUMNS.empty_table()


def build_of(dataset: Dataset) -> Build:
    """The build that made a dataset.

    Raises ``UserError`` where it is not beside the dataset, or is one of another version of the software.
    """
    root = dataset.folder.rstrip("/").rpartition("/")[0].rpartition("/")[0]
    try:
        return builds.load_version(root, dataset.record["provenance"]["build"], dataset.record["fingerprint"])
    except (UserError, OSError) as error:
        raise UserError(
            f"frames without a label cannot be listed: {dataset.folder} has no record of its build beside it that "
            f"this version reads ({error}); they are listed under the root that it was built in, by the version that "
            "built it"
        ) from error


def _frames(build: Build, video: Video) -> Iterator[pa.Table]:
    if not select_pairs.pairs_target(build, video).exists():
        return
    pairs = select_pairs.read_pairs(build, video)
    known = duplicates.duplicates(build)
    if known and video.video_id in known.whole:
        reason = pairs.column("reason")
        reason = pc.if_else(pc.equal(reason, ""), duplicates.REASON, reason)
        pairs = pairs.set_column(pairs.schema.get_field_index("reason"), "reason", reason)
    pairs = pairs.filter(pc.not_equal(pairs.column("reason"), "")).select(["frame", "pts", "time_s", "reason"])
    keys = [sample.key(video.video_id, frame) for frame in pairs.column("frame").to_pylist()]
    pairs = pairs.append_column("key", pa.array(keys, pa.string()))
    yield _whole(pairs.append_column("status", pa.repeat(FILTERED, len(pairs))), "frame", video)


def _pairs(build: Build, video: Video) -> Iterator[pa.Table]:
    for chunk in label_pairs.chunks(build, video):
        table = label_pairs.read_chunk(build, video, chunk).replace_schema_metadata(None)
        yield _whole(table.filter(pc.not_equal(table.column("status"), DONE)), "pair", video)
        shown = duplicates.is_duplicate(build, video.video_id, table)
        left_out = table.filter(pc.and_(shown, pc.equal(table.column("status"), DONE)))
        for name, told in (("status", FILTERED), ("reason", duplicates.REASON)):
            place = left_out.schema.get_field_index(name)
            left_out = left_out.set_column(place, name, pa.array([told] * len(left_out), pa.string()))
        yield _whole(left_out, "pair", video)


def _whole(table: pa.Table, stage: str, video: Video) -> pa.Table:
    """The table with all columns, null where it had none."""
    same = {"stage": stage, "video_id": video.video_id}
    columns = []
    for item in COLUMNS:
        if item.name in same:
            columns.append(pa.repeat(same[item.name], len(table)))
        elif item.name in table.column_names:
            columns.append(table.column(item.name).cast(item.type))
        else:
            columns.append(pa.nulls(len(table), item.type))
    return pa.table(columns, schema=COLUMNS)
