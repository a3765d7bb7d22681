"""What a dataset report says, counted from the outputs of the stages that are there so far."""

import dataclasses
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import chart, describe, fetch_video, survey_video
from pipeline.build import Build
from pipeline.funnel import Funnel
from pipeline.parameters import STAGE_VERSIONS, BuildParameters, by_name
from pipeline.source import redacted, without_secrets

HISTOGRAMS = (
    # column, name, what it says, range where it is not that of the values
    ("median_translational_flow_px", "Motion", "median flow without rotation, pixels", None),
    ("valid_fraction", "Labelled", "share of the frame with a label", (0.0, 1.0)),
    ("rotation_deg", "Rotation", "of the camera between the frames, degrees", None),
    ("inlier_ratio", "Inlier ratio", "share of flow that agrees with the camera's motion", (0.0, 1.0)),
    ("parallax_snr", "Parallax over noise", "translational flow over its noise", None),
    ("cost", "Cost", "of the fit of the camera's motion", None),
    ("moving_fraction", "Moving", "share of the frame that moves by itself", None),
    ("frame_distance", "Frame distance", "frames between the two of a pair", None),
)
ORIGINS = ("measured", "propagated", "plane", "sky")


def funnel_stages(funnel: Funnel) -> list[dict[str, Any]]:
    """The counts from videos to samples, each with its share of the largest of its kind."""
    counts = [
        ("videos in the manifest", len(funnel.videos), len(funnel.videos)),
        ("videos usable", sum(entry["status"] == "done" for entry in funnel.videos.values()), len(funnel.videos)),
        ("frames seen (candidates)", funnel.candidates, funnel.candidates),
        ("pairs selected", funnel.selected, funnel.candidates),
        ("pairs tried", funnel.attempted, funnel.candidates),
        ("pairs labelled", funnel.labelled, funnel.candidates),
        ("samples in shards", funnel.sharded, funnel.candidates),
    ]
    return [{"name": name, "count": count, "share": count / max(of, 1)} for name, count, of in counts]


def reasons(funnel: Funnel) -> list[dict[str, Any]]:
    """Why frames, pairs and videos are not in the dataset, the most frequent of each stage first."""
    listed: list[dict[str, Any]] = funnel.to_json()["reasons"]
    most = {stage: max(r["count"] for r in listed if r["stage"] == stage) for stage in {r["stage"] for r in listed}}
    order = {"video": 0, "frame": 1, "pair": 2}
    told = [{**reason, "share": reason["count"] / most[reason["stage"]]} for reason in listed]
    return sorted(told, key=lambda reason: order.get(reason["stage"], len(order)))


def videos(build: Build, funnel: Funnel) -> list[dict[str, Any]]:
    """A row a video: what it is called, how it ended, its yield, its camera; in the order of their ids."""
    return [{**_named(build, entry), **_camera(build, entry)} for _, entry in sorted(funnel.videos.items())]


def _named(build: Build, entry: dict[str, Any]) -> dict[str, Any]:
    video = build.video(entry["video_id"])
    title, licence = "", video.licence
    if fetch_video.record(build, video).exists():
        fetched = fetch_video.read_record(build, video)
        title, licence = fetched.get("title", ""), video.licence or fetched.get("licence", "")
    share = entry["labelled"] / entry["candidates"] if entry["candidates"] else 0.0
    return {
        **entry,
        "detail": redacted(entry["detail"]),
        "source": without_secrets(video.source),
        "title": title,
        "licence": licence or "not stated",
        "yield": share,
    }


def _camera(build: Build, entry: dict[str, Any]) -> dict[str, Any]:
    video = build.video(entry["video_id"])
    camera = {}
    if survey_video.camera_target(build, video).exists():
        camera = survey_video.read_camera(build, video)
    return {name: camera.get(name) for name in ("width", "height", "focal_px", "focal_state", "fixed_fraction")} | {
        "focal_reason": camera.get("focal_reason") or "",
        "fixed_reason": camera.get("fixed_reason") or "",
    }


def focal_states(rows: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """How many videos have a focal length of which state, the most frequent first."""
    told = Counter(row["focal_state"] for row in rows if row["focal_state"])
    return sorted(told.items(), key=lambda item: (-item[1], item[0]))


def licences(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Videos and samples by licence, as the manifest or the page of the video states it."""
    told: dict[str, dict[str, Any]] = {}
    for row in rows:
        entry = told.setdefault(row["licence"], {"licence": row["licence"], "videos": 0, "labelled": 0})
        entry["videos"] += 1
        entry["labelled"] += row["labelled"]
    return [entry for _, entry in sorted(told.items())]


def histograms(labelled: pa.Table) -> list[dict[str, Any]]:
    """The distributions of the labels' statistics."""
    found = []
    for column, name, about, bounds in HISTOGRAMS:
        low, high = bounds or (0.0, None)
        drawn = chart.histogram(labelled.column(column).to_numpy(), low, high)
        if drawn is not None:
            found.append({"column": column, "name": name, "about": about, "drawn": drawn})
    return found


def origins(labelled: pa.Table) -> list[dict[str, Any]]:
    """The mean share of a frame whose depth has which origin; ``none`` is the rest."""
    if not labelled.num_rows:
        return []
    shares = [(name, float(np.nanmean(labelled.column(f"{name}_fraction").to_numpy()))) for name in ORIGINS]
    return [{"name": name, "share": share} for name, share in [*shares, ("none", 1 - sum(s for _, s in shares))]]


def focus_of_expansion(labelled: pa.Table, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Where the focus of expansion is, as a fraction of the frame's width and height."""
    if not labelled.num_rows:
        return chart.scatter([], [])
    size = {row["video_id"]: (row["width"], row["height"]) for row in rows}
    of = np.array([size[video_id] for video_id in labelled.column("video_id").to_pylist()], np.float64)
    x = labelled.column("focus_of_expansion_x").to_numpy() / of[:, 0]
    y = labelled.column("focus_of_expansion_y").to_numpy() / of[:, 1]
    return chart.scatter(x, y)


COST_NAMES = {
    "fetch_s": "fetching (by the clock)",
    "survey_s": "survey",
    "decode_s": "decoding for the labels",
    "label_s": "flow, egomotion and depth",
    "encode_s": "writing samples",
}


def cost(funnel: Funnel) -> dict[str, Any]:
    """Seconds by part of the work, each with its share of the longest, and pairs per second of one core."""
    told = describe.cost(funnel)
    longest = max((told.get(name, 0.0) for name in COST_NAMES), default=0.0) or 1.0
    parts = [
        {"name": text, "seconds": told.get(name, 0.0), "share": told.get(name, 0.0) / longest}
        for name, text in COST_NAMES.items()
    ]
    return {"parts": parts, "rate": told["pairs_per_second_and_core"]}


def parameters(build: Build) -> list[dict[str, Any]]:
    """All parameters by their dotted name, and whether each is other than the default."""
    usual = by_name(dataclasses.asdict(BuildParameters()))
    return [
        {"name": name, "value": value, "usual": usual[name], "changed": value != usual[name]}
        for name, value in by_name(dataclasses.asdict(build.parameters)).items()
    ]


def versions() -> dict[str, dict[str, Any]]:
    """Versions of the stages and of the libraries."""
    return {"stages": STAGE_VERSIONS, "libraries": {name: describe.version(name) for name in describe.LIBRARIES}}
