"""FindDuplicates: which footage several videos of the manifest show, and which of them keeps it."""

from typing import Any

import luigi
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labels.repeats import DuplicateParameters, Footage, Repeat, repeats
from pipeline import growth, hash_frames, storage, survey_video, tables
from pipeline.build import Build
from pipeline.duplicates import DUPLICATES, duplicates_target
from pipeline.hash_frames import STEP_S, HashFrames
from pipeline.storage import FsspecTarget
from pipeline.task import BuildTask

Preference = tuple[bool, int, float, str]


class FindDuplicates(BuildTask):
    """Compares the hashes of all videos; writes ``duplicates.parquet`` beside the shards.

    Of two videos that show the same, the one keeps it whose samples are in shards that are appended to, else the one of
    more pixels, else the longer one, else the one whose id comes first: the order of the manifest and of the work says
    nothing.
    """

    priority = 15

    def requires(self) -> list[luigi.Task]:
        """The hashes of all videos."""
        names = {"root": self.root, "build_id": self.build_id}
        return [HashFrames(**names, video_id=video.video_id) for video in self.build.videos]

    def output(self) -> FsspecTarget:
        """The duplicates."""
        return duplicates_target(self.build)

    def run(self) -> None:
        """Compare, decide, write."""
        storage.forget_all()
        footage = [hash_frames.read_footage(self.build, video) for video in self.build.videos]
        found = repeats(footage, self.build.parameters.duplicate)
        table = left_out(found, footage, preferences(self.build, footage), self.build.parameters.duplicate)
        self.output().write(tables.to_bytes(table))


def preferences(build: Build, footage: list[Footage]) -> list[Preference]:
    """For each video what decides whether it keeps what others show, too; the smallest does."""
    base = growth.base_of(build)
    held = set() if base is None else set(pc.unique(base.samples().column("video_id")).to_pylist())
    told = []
    for video, hashed in zip(build.videos, footage):
        width, height = survey_video.read_camera(build, video).get("source_size") or (0, 0)
        length = float(hashed.time_s[-1]) if len(hashed.time_s) else 0.0
        told.append((video.video_id not in held, -width * height, -round(length, 1), video.video_id))
    return told


def left_out(
    found: list[Repeat], footage: list[Footage], order: list[Preference], parameters: DuplicateParameters
) -> pa.Table:
    """The rows of ``DUPLICATES``: what each video does not keep, by video and time."""
    rows = sorted((_row(each, order) for each in found), key=lambda row: tuple(row.values()))
    by_id = {name: hashed for hashed, (*_, name) in zip(footage, order)}
    for row in rows:
        own = [(each["start_s"], each["end_s"]) for each in rows if each["video_id"] == row["video_id"]]
        row["whole"] = _covered(by_id[row["video_id"]], own) >= parameters.whole
    return pa.Table.from_pylist(rows, schema=DUPLICATES)


def _row(repeat: Repeat, order: list[Preference]) -> dict[str, Any]:
    *_, first = order[repeat.first]
    *_, second = order[repeat.second]
    keeps_first = order[repeat.first] < order[repeat.second]
    later = repeat.shift_s if keeps_first else 0.0
    return {
        "video_id": second if keeps_first else first,
        "start_s": repeat.start_s + later - STEP_S / 2,
        "end_s": repeat.end_s + later + STEP_S / 2,
        "shown_in": first if keeps_first else second,
        "shift_s": -repeat.shift_s if keeps_first else repeat.shift_s,
        "bits": repeat.bits,
    }


def _covered(footage: Footage, spans: list[tuple[float, float]]) -> float:
    """The share of the moments of a video, but for those at which it stands, that lie in one of the spans."""
    time_s = footage.time_s[footage.moving()]
    inside = np.zeros(len(time_s), bool)
    for start, end in spans:
        inside |= (time_s >= start) & (time_s <= end)
    return float(inside.mean()) if len(time_s) else 0.0
