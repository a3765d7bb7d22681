"""LabelPairs: the labels of a video, in chunks of some hundred pairs."""

import itertools
import re
from collections.abc import Iterator

import luigi
import pyarrow as pa

from pipeline import compilation, duplicates, label_chunk, select_pairs, storage, tables
from pipeline.build import Build
from pipeline.find_duplicates import FindDuplicates
from pipeline.label_chunk import Chunk
from pipeline.manifest import Video
from pipeline.outcome import Outcome
from pipeline.select_pairs import SelectPairs
from pipeline.storage import FsspecTarget
from pipeline.task import VideoTask

_CHUNK = re.compile(r"^(\d{5})-of-(\d{5})\.parquet$")


class LabelPairs(VideoTask):
    """Labels one part of a video's selected pairs.

    A chunk is the durable unit: ``labels/<fp>/<id>/<chunk>-of-<chunks>.tar`` with the samples, then ``.parquet`` with
    a row a pair. A chunk's content does not depend on the number of parts. How many chunks a video has is known only
    after its selection, so that a task is a fixed part of them and not one: no task appears while others run.
    """

    part = luigi.IntParameter(description="which part of the video's chunks, from 0")
    parts = luigi.IntParameter(description="number of parts")
    priority = 10
    _crashes = 0

    def requires(self) -> list[luigi.Task]:
        """The selected pairs and, where they are looked for, the duplicates."""
        names = {"root": self.root, "build_id": self.build_id}
        selected: list[luigi.Task] = [SelectPairs(**names, video_id=self.video_id)]
        return selected + [FindDuplicates(**names)] * self.build.parameters.duplicate.drop

    def output(self) -> list[FsspecTarget]:
        """The parquet files of this part's chunks; none while their number is unknown."""
        number = chunk_count(self.build, self.video)
        return [chunk_target(self.build, self.video, chunk) for chunk in self._chunks(number or 0)]

    def complete(self) -> bool:
        """Whether all chunks of this part are there."""
        return chunk_count(self.build, self.video) is not None and all(target.exists() for target in self.output())

    def run(self) -> None:
        """Label the chunks of this part that are not there yet."""
        compilation.wait()
        for chunk, pairs in self._todo():
            self._write(chunk, label_chunk.label_chunk(self.build, self.video, pairs))

    def record_crash(self, ended: Outcome) -> None:
        """All pairs of the chunk that was in work failed; at a second crash, of all chunks that are left.

        Luigi runs the task again for the other chunks, but not for ever.
        """
        self._crashes += 1
        for chunk, pairs in itertools.islice(self._todo(), 1 if self._crashes == 1 else None):
            self._write(chunk, label_chunk.without_labels(self.video, pairs, ended))

    def _todo(self) -> Iterator[tuple[str, pa.Table]]:
        """Names and pairs of the chunks of this part that are not there yet."""
        selected = select_pairs.read_selected(self.build, self.video)
        size = self.build.parameters.chunk.pairs
        for chunk in self._chunks(_count(selected, self.build)):
            if not chunk_target(self.build, self.video, chunk).exists():
                yield chunk, selected.slice(int(chunk[:5]) * size, size)

    def _write(self, chunk: str, labelled: Chunk) -> None:
        storage.write_bytes(_tar_url(self.build, self.video, chunk), labelled.tar)
        rows = tables.to_bytes(labelled.table, tables.about(labelled.table))
        chunk_target(self.build, self.video, chunk).write(rows)

    def _chunks(self, number: int) -> list[str]:
        own = range(self.part * number // self.parts, (self.part + 1) * number // self.parts)
        return [f"{index:05d}-of-{number:05d}" for index in own]


def chunk_count(build: Build, video: Video) -> int | None:
    """The number of a video's chunks: as their names say, else from the selection; None before that is made.

    0 where another video shows it as a whole, None before it is known whether one does.
    """
    known = duplicates.duplicates(build)
    if known is None or video.video_id in known.whole:
        return None if known is None else 0
    present = _present(build, video)
    if present:
        return int(present[0].rpartition("-")[2])
    if not select_pairs.pairs_target(build, video).exists():
        return None
    return _count(select_pairs.read_selected(build, video), build)


def chunks(build: Build, video: Video) -> list[str]:
    """The finished chunks of a video that count, in order.

    None of one that another video shows as a whole, or before it is known whether one does.
    """
    known = duplicates.duplicates(build)
    return [] if known is None or video.video_id in known.whole else sorted(_present(build, video))


def chunk_target(build: Build, video: Video, chunk: str) -> FsspecTarget:
    """Where the rows of a chunk are; they are written after its tar."""
    return FsspecTarget(build.labels_folder(video), f"{video.video_id}/{chunk}.parquet")


def read_chunk(build: Build, video: Video, chunk: str) -> pa.Table:
    """The rows of a chunk, one a pair."""
    return tables.from_bytes(chunk_target(build, video, chunk).read())


def _present(build: Build, video: Video) -> list[str]:
    found = storage.names(build.labels_folder(video), video.video_id)
    return [match[0].removesuffix(".parquet") for match in map(_CHUNK.match, found) if match]


def _tar_url(build: Build, video: Video, chunk: str) -> str:
    return storage.join(build.labels_folder(video), video.video_id, f"{chunk}.tar")


def _count(selected: pa.Table, build: Build) -> int:
    return -(-selected.num_rows // build.parameters.chunk.pairs)
