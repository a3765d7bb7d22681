"""The pictures of a dataset report: the best, median and worst label of each score, and fixed masks by video."""

from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import survey_video, tables, write_shard
from pipeline.build import Build
from pipeline.html_page import data_url
from pipeline.sample_images import NO_LABEL, SampleImages, colour, jpeg, sample_images, with_fixed

SCORES = (
    # column, name, whether more is better
    ("inlier_ratio", "Inlier ratio", True),
    ("valid_fraction", "Share with a label", True),
    ("measured_fraction", "Share measured", True),
    ("parallax_snr", "Parallax over noise", True),
    ("cost", "Cost of the motion's fit", False),
    ("moving_fraction", "Share that moves", False),
)
WIDTH = 400
"""Of a picture, in pixels at most."""
MOST_VIDEOS = 24
"""Videos whose fixed masks are shown."""


def examples(build: Build, labelled: pa.Table) -> list[dict[str, Any]]:
    """For each score the labels with its best, median and worst value; ties are broken by key."""
    found = []
    keys = np.array(labelled.column("key").to_pylist())
    for column, name, more in SCORES if len(keys) else ():
        values = labelled.column(column).to_numpy().astype(np.float64)
        order = np.lexsort((keys, -values if more else values))
        order = order[np.isfinite(values[order])]
        if len(order):
            places = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
            shown = [_example(build, labelled, column, end, int(place)) for end, place in places.items()]
            found.append({"column": column, "name": name, "more": more, "shown": shown})
    return found


def _example(build: Build, labelled: pa.Table, column: str, end: str, place: int) -> dict[str, Any]:
    row = tables.rows(labelled.slice(place, 1))[0]
    images = sample_images(write_shard.read_blocks(build, row))
    return {
        "end": end,
        "value": row[column],
        "row": row,
        "frame": _url(_frame_with_fixed(build, row["video_id"], images)),
        "depth": _url(colour(images.codes)),
        "confidence": "" if images.confidence is None else _url(images.confidence),
    }


def _frame_with_fixed(build: Build, video_id: str, images: SampleImages) -> Any:
    fixed = survey_video.read_fixed(build, build.video(video_id))
    return with_fixed(images.frame, fixed) if fixed.shape == images.frame.shape[:2] else images.frame


def fixed_masks(build: Build, labelled: pa.Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is taken for fixed to the car, over a labelled frame of each video; the largest masks first.

    ``rows`` are those of ``report_facts.videos``. A video without a label shows the mask alone, one without a survey
    is left out, and so is what follows the first ``MOST_VIDEOS``.
    """
    surveyed = [row for row in rows if row["fixed_fraction"] is not None]
    surveyed.sort(key=lambda row: (-row["fixed_fraction"], row["video_id"]))
    first = _first_labels(labelled)
    return [
        {**row, "picture": _url(_mask(build, row["video_id"], first.get(row["video_id"])))}
        for row in surveyed[:MOST_VIDEOS]
    ]


def _first_labels(labelled: pa.Table) -> dict[str, dict[str, Any]]:
    """The first label of each video."""
    first: dict[str, int] = {}
    for place, video_id in enumerate(labelled.column("video_id").to_pylist()):
        first.setdefault(video_id, place)
    return {video_id: tables.rows(labelled.slice(place, 1))[0] for video_id, place in first.items()}


def _mask(build: Build, video_id: str, label: dict[str, Any] | None) -> Any:
    if label is not None:
        return _frame_with_fixed(build, video_id, sample_images(write_shard.read_blocks(build, label)))
    fixed = survey_video.read_fixed(build, build.video(video_id))
    return with_fixed(np.full((*fixed.shape, 3), NO_LABEL, np.uint8), fixed)


def _url(picture: Any) -> str:
    return data_url(jpeg(picture, WIDTH), "image/jpeg")
