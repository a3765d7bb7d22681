"""The pairs that have a label so far, of all videos of a build."""

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import label_pairs
from pipeline.build import Build
from pipeline.outcome import DONE


def labelled_pairs(build: Build) -> pa.Table:
    """A row a label: the rows of the chunks, with ``video_id`` and ``chunk`` as ``write_shard.read_blocks`` takes them.

    In the order of videos and frames; without columns where there is no chunk yet.
    """
    parts = []
    for video in build.videos:
        for chunk in label_pairs.chunks(build, video):
            table = label_pairs.read_chunk(build, video, chunk).replace_schema_metadata(None)
            table = table.filter(pc.equal(table.column("status"), DONE))
            table = table.append_column("video_id", pa.repeat(video.video_id, table.num_rows))
            parts.append(table.append_column("chunk", pa.repeat(f"{video.video_id}/{chunk}.tar", table.num_rows)))
    return pa.concat_tables(parts) if parts else pa.table({})
