"""The pairs that have a label so far, of all videos of a build."""

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import duplicates, label_pairs
from pipeline.build import Build
from pipeline.label_chunk import LABELS
from pipeline.outcome import DONE


def labelled_pairs(build: Build) -> pa.Table:
    """A row a label: the rows of the chunks, with ``video_id`` and ``chunk`` as ``write_shard.read_blocks`` takes them.

    In the order of videos and frames, without what a better video of the manifest shows, too.
    """
    parts = [_with_place(LABELS.empty_table(), "", "")]
    for video in build.videos:
        for chunk in label_pairs.chunks(build, video):
            table = label_pairs.read_chunk(build, video, chunk).replace_schema_metadata(None)
            table = table.filter(pc.invert(duplicates.is_duplicate(build, video.video_id, table)))
            done = table.filter(pc.equal(table.column("status"), DONE))
            parts.append(_with_place(done, video.video_id, f"{video.video_id}/{chunk}.tar"))
    return pa.concat_tables(parts)


def _with_place(table: pa.Table, video_id: str, chunk: str) -> pa.Table:
    table = table.append_column("video_id", pa.repeat(video_id, table.num_rows))
    return table.append_column("chunk", pa.repeat(chunk, table.num_rows))
