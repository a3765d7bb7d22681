"""A build whose records are written by hand, so that every count and cost of it is known."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline import fetch_video, label_pairs, select_pairs, storage, survey_video, tables
from pipeline.build import Build, open_root
from pipeline.label_chunk import LABELS
from pipeline.manifest import Video
from pipeline.outcome import DONE, FAILED
from pipeline.parameters import BuildParameters, ChunkParameters

PAIRS = 10  # selected of a video, of 12 frames


def half_done(root: Path | str) -> Build:
    """Four videos: one labelled but for its last chunk, one surveyed, one that failed, one waiting."""
    videos = tuple(Video(name, f"/v/{name}.mp4", split="train") for name in ("a", "b", "c", "d"))
    build = Build(str(root), "half", "half.csv", videos, BuildParameters(chunk=ChunkParameters(pairs=4)))
    storage.forget_all()
    open_root(build.root)
    build.save()
    for video in videos[:3]:
        fetched(build, video, 10.0)
    surveyed(build, videos[0], 30.0)
    surveyed(build, videos[1], 50.0)
    surveyed(build, videos[2], 10.0, FAILED, "no_frames")
    selected(build, videos[0], PAIRS)
    selected(build, videos[2], 0)
    labelled(build, videos[0], 0, [DONE] * 4)
    labelled(build, videos[0], 1, [DONE, FAILED, FAILED, DONE])
    return build


def of_another_version(build: Build) -> str:
    """The id of a build recorded under the same root when there was a parameter that is no more."""
    record = build.to_json()
    record["parameters"]["chunk"]["overlap"] = 3
    storage.write_bytes(storage.join(build.root, "builds", "0ther.json"), json.dumps(record).encode())
    return "0ther"


def fetched(build: Build, video: Video, seconds: float) -> None:
    told = {"status": DONE, "reason": "", "detail": "", "path": video.source, "seconds": seconds}
    fetch_video.record(build, video).write(json.dumps(told | {"source": video.source}).encode())


def surveyed(build: Build, video: Video, seconds: float, status: str = DONE, reason: str = "") -> None:
    told = {"status": status, "reason": reason, "detail": "", "seconds": seconds}
    survey_video.camera_target(build, video).write(json.dumps(told).encode())


def selected(build: Build, video: Video, pairs: int) -> None:
    rows = [{"frame": i, "reason": "" if i < pairs else "spacing"} for i in range(pairs + 2 if pairs else 0)]
    table = pa.Table.from_pylist(rows, select_pairs.PAIRS)
    select_pairs.pairs_target(build, video).write(tables.to_bytes(table, {"fault": ""}))


def labelled(build: Build, video: Video, index: int, ends: list[str]) -> None:
    """A chunk that took 2 s of a core for each of its pairs; a label has 1000 bytes."""
    rows: list[dict[str, Any]] = [
        {"status": end, "reason": "" if end == DONE else "odd", "detail": "said", "size": 1000 * (end == DONE)}
        for end in ends
    ]
    about = {"decode_s": f"{0.5 * len(ends)}", "label_s": f"{len(ends)}", "encode_s": f"{0.5 * len(ends)}"}
    chunk = f"{index:05d}-of-{-(-PAIRS // 4):05d}"
    content = tables.to_bytes(pa.Table.from_pylist(rows, LABELS), about)
    label_pairs.chunk_target(build, video, chunk).write(content)
