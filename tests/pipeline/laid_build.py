"""A build whose stages' outputs are laid out directly, in milliseconds, for tests of what only reads them."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from pipeline import (
    describe,
    fetch_video,
    plan_shards,
    report_page,
    sample,
    select_pairs,
    storage,
    survey_video,
    tables,
    write_shard,
)
from pipeline.build import Build, open_root
from pipeline.funnel import Funnel
from pipeline.label_chunk import LABELS
from pipeline.label_pairs import chunk_target
from pipeline.manifest import Video
from pipeline.parameters import BuildParameters

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&amp;"
WIDTH, HEIGHT = 64, 36


def lay_out(root: Path, videos: int = 2, labels: int = 6, dataset: str = "laid", contrast: int = 0) -> Build:
    """A build under ``root`` up to its labels: in each video every third frame is dropped, one more pair filtered.

    Titles, licences and sources are hostile; ``contrast`` shifts the codes, for another version of the same frames.
    """
    rows = tuple(
        Video(f"v{number}", f"https://user:secret@example.org/{HOSTILE}?token=secret", licence=f"L{HOSTILE}")
        for number in range(videos)
    )
    build = Build(str(root), dataset, f"m{HOSTILE}.csv", rows, BuildParameters())
    open_root(build.root)
    build.save()
    for number, video in enumerate(rows):
        _fetch_and_survey(build, video, fixed_rows=4 * number)
        _label(build, video, labels, np.random.default_rng(number), contrast)
    storage.forget_all()
    return build


def finish(build: Build) -> Path:
    """Deal the labels into shards and describe them; the folder of the dataset."""
    storage.forget_all()
    plan = plan_shards.plan(build)
    plan_shards.plan_target(build).write(tables.to_bytes(plan))
    for name, rows in write_shard.shards(build, plan):
        write_shard.write_shard(build, name, rows)
    storage.forget_all()
    funnel = Funnel().update(build)
    report_page.write_report(build, funnel)
    describe.write_dataset(build, funnel)
    return Path(build.shards_folder())


def _fetch_and_survey(build: Build, video: Video, fixed_rows: int) -> None:
    done: dict[str, Any] = {"status": "done", "reason": "", "detail": "", "seconds": 1.5}
    fetched = {**done, "source": video.source, "path": "source.mp4", "title": HOSTILE, "licence": "of the page"}
    fetch_video.record(build, video).write(json.dumps(fetched).encode())
    fixed = np.zeros((HEIGHT, WIDTH), np.uint8)
    fixed[HEIGHT - fixed_rows :] = 255
    survey_video.fixed_target(build, video).write(cv2.imencode(".png", fixed)[1].tobytes())
    camera = done | {"width": WIDTH, "height": HEIGHT, "focal_px": 50.0, "focal_state": "default"}
    camera |= {"focal_reason": "uncertain", "fixed_fraction": float((fixed > 0).mean()), "fixed_reason": ""}
    survey_video.camera_target(build, video).write(json.dumps(camera).encode())


def _label(build: Build, video: Video, labels: int, generator: np.random.Generator, contrast: int) -> None:
    tar, rows, pairs = bytearray(), [], []
    for frame in range(labels + 1):
        values = generator.uniform(0.1, 1.0, len(LABELS))
        done = frame < labels
        row: dict[str, Any] = {
            name: float(value) if pa.types.is_floating(kind) else 0
            for (name, kind), value in zip(((field.name, field.type) for field in LABELS), values)
        }
        row |= {
            "key": sample.key(video.video_id, frame),
            "frame": frame,
            "second_frame": frame + 1,
            "time_s": frame / 30,
        }
        row |= {"frame_distance": 1, "focus_of_expansion_x": 30.0 + frame, "focus_of_expansion_y": 18.0}
        row |= {"time_s": frame / 30, "detail": ""}
        row |= {"status": "done", "reason": ""} if done else {"status": "filtered", "reason": "few_inliers"}
        blocks = _blocks(row, video, generator, contrast) if done else b""
        rows.append(row | {"offset": len(tar), "size": len(blocks)})
        tar += blocks
        pairs.append({"frame": 2 * frame, "reason": ""})
        pairs.append({"frame": 2 * frame + 1, "reason": "spacing"})
    table = pa.Table.from_pylist(rows, LABELS)
    target = chunk_target(build, video, "00000-of-00001")
    storage.write_bytes(target.url.removesuffix(".parquet") + ".tar", tar + sample.END)
    target.write(tables.to_bytes(table, {"decode_s": "1.0", "label_s": "2.0", "encode_s": "0.5"}))
    chosen = pa.Table.from_pylist(pairs, select_pairs.PAIRS)
    select_pairs.pairs_target(build, video).write(tables.to_bytes(chosen, {"fault": ""}))


def _blocks(row: dict[str, Any], video: Video, generator: np.random.Generator, contrast: int) -> bytes:
    frame = generator.integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    ramp = np.linspace(255 - contrast, 1, HEIGHT).astype(np.uint8)
    codes = np.repeat(ramp[:, None], WIDTH, axis=1)
    codes[:4, :4] = 0
    record = {"video_id": video.video_id, "licence": video.licence, "frame_distance": 1}
    record |= {name: row[name] for name in ("frame", "valid_fraction")} | {"focus_of_expansion": None}
    return sample.encode(row["key"], frame, codes, codes // 2, record, 92)
