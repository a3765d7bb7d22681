"""What stands beside the tars of a dataset: samples.parquet, videos.parquet, dataset.json, cost.json, README.md."""

import dataclasses
import importlib.metadata
import json
from collections import Counter
from typing import Any

import pyarrow as pa

from pipeline import growth, plan_shards, storage, tables, write_shard
from pipeline.build import Build
from pipeline.dataset import Dataset
from pipeline.funnel import Funnel
from pipeline.labelled_pairs import labelled_pairs
from pipeline.parameters import FORMAT, STAGE_VERSIONS
from pipeline.storage import FsspecTarget, join

LIBRARIES = ("relative-depth", "numpy", "numba", "opencv-python-headless", "av", "pyarrow", "luigi")


def write_dataset(build: Build, funnel: Funnel) -> None:
    """Write all descriptions; ``dataset.json`` last, since it says that the dataset is whole."""
    folder = build.shards_folder()
    plan, base = plan_shards.read_plan(build), growth.base_of(build)
    names = growth.old_shards(base) + [name for name, _ in write_shard.shards(build, plan)]
    index = [json.loads(write_shard.index_target(build, name).read()) for name in names]
    videos = pa.Table.from_pylist([_video_row(build, entry) for entry in _sorted_entries(funnel)])
    samples = samples_table(build, plan, index, base)
    storage.write_bytes(join(folder, "samples.parquet"), tables.to_bytes(samples))
    storage.write_bytes(join(folder, "videos.parquet"), tables.to_bytes(videos))
    storage.write_bytes(join(folder, "cost.json"), json.dumps(cost(funnel), indent=1).encode())
    record = dataset_record(build, funnel, index, base)
    storage.write_bytes(join(folder, "README.md"), readme(build, record).encode())
    FsspecTarget(folder, "dataset.json").write(json.dumps(record, indent=1).encode())


def samples_table(build: Build, plan: pa.Table, index: list[dict[str, Any]], base: Dataset | None) -> pa.Table:
    """One row a sample in the order of the shards: where it is, which frame of which video, and its statistics.

    The rows of the version that is appended to come first, as they are.
    """
    places = {
        sample["key"]: {"shard": shard["shard"], "offset": sample["offset"], "size": sample["size"]}
        for shard in index
        for sample in shard["samples"]
    }
    labelled = labelled_pairs(build)
    told = labelled.drop_columns(sorted(_NOT_OF_A_SAMPLE))
    statistics = dict(zip(labelled.column("key").to_pylist(), tables.rows(told)))
    rows = [] if base is None else tables.rows(base.samples())
    rows += [
        {
            "key": row["key"],
            "video_id": row["video_id"],
            "split": row["split"],
            **places[row["key"]],
            **statistics[row["key"]],
        }
        for row in tables.rows(plan)
    ]
    return pa.Table.from_pylist(rows)


# Columns of the label rows that say nothing of a finished sample.
_NOT_OF_A_SAMPLE = {"status", "reason", "detail", "key", "offset", "size", "video_id", "chunk"}


def dataset_record(build: Build, funnel: Funnel, index: list[dict[str, Any]], base: Dataset | None) -> dict[str, Any]:
    """The content of ``dataset.json``: the same for the same build, whoever made it."""
    shards = [{name: value for name, value in shard.items() if name != "samples"} for shard in index]
    counts: Counter[str] = Counter()
    for shard in shards:
        counts[shard["split"]] += shard["count"]
    return {
        "format": FORMAT,
        "dataset": build.dataset,
        "fingerprint": build.shards_fingerprint(),
        **({} if base is None else {"grown_from": growth.history(base)}),
        "samples": dict(sorted(counts.items())),
        "shards": shards,
        "funnel": funnel.to_json(),
        "licences": dict(sorted(Counter(video.licence or "not stated" for video in build.videos).items())),
        "provenance": {
            "manifest": build.manifest,
            "build": build.build_id,
            "stage_versions": STAGE_VERSIONS,
            "libraries": {name: version(name) for name in LIBRARIES},
            "parameters": dataclasses.asdict(build.parameters),
        },
    }


def scores(funnel: Funnel) -> dict[str, Any]:
    """The content of ``scores.json``, what a ``--score-only`` run leaves: counts and reasons, by video too."""
    return {"funnel": funnel.to_json(), "videos": _sorted_entries(funnel)}


def cost(funnel: Funnel) -> dict[str, float]:
    """Seconds of one core by part of the work (of the clock for the fetching), and pairs per second of one core.

    Of what is there so far.
    """
    seconds = sum(value for name, value in funnel.cost.items() if name != "fetch_s")
    speed = funnel.attempted / seconds if seconds else 0.0
    return {**funnel.cost, "pairs": funnel.attempted, "pairs_per_second_and_core": speed}


def readme(build: Build, record: dict[str, Any]) -> str:
    """The dataset's own README."""
    counts = "\n".join(f"- {split}: {count} samples" for split, count in record["samples"].items())
    reasons = "\n".join(
        f"| {r['stage']} | {r['status']} | {r['reason']} | {r['count']} |" for r in record["funnel"]["reasons"]
    )
    licences = "\n".join(f"- {_cell(licence)}: {count} videos" for licence, count in record["licences"].items())
    return README.format(
        dataset=build.dataset,
        fingerprint=record["fingerprint"],
        grown=_grown(record),
        counts=counts,
        reasons=reasons,
        licences=licences,
        funnel=" -> ".join(f"{name} {record['funnel'][name]}" for name in ("candidates", "selected", "labelled")),
    )


def version(name: str) -> str:
    """The installed version of a library, or ``unknown``."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


README = """# {dataset}

Frames of driving video with the relative depth of their static pixels: the percentile of a pixel's depth among the
labelled pixels of its frame, 0 near to 1 far. Version `{fingerprint}`{grown}.

{counts}

## Reading it

Plain WebDataset tars, listed with count, bytes and sha256 in `dataset.json`. A sample `<key>` has

- `<key>.jpg`: the frame;
- `<key>.depth.png`: codes; 0 = no label, else z = (code - 0.5) / 255;
- `<key>.confidence.png`: 0 = none to 255 = full;
- `<key>.json`: video, frames, camera motion and quality of the pair it was made from.

`samples.parquet` has a row a sample (shard, offset, size, video, statistics), `videos.parquet` a row a video with its
yield, or why it has none. `report.html` shows it: open it from disk.

## Funnel

{funnel}

| stage | end | reason | count |
|---|---|---|---|
{reasons}

## Licences of the videos

{licences}
"""


def _sorted_entries(funnel: Funnel) -> list[dict[str, Any]]:
    return [entry for _, entry in sorted(funnel.videos.items())]


def _video_row(build: Build, entry: dict[str, Any]) -> dict[str, Any]:
    video = build.video(entry["video_id"])
    return {**entry, "split": plan_shards.split_of(build, video), "licence": video.licence, "dataset": video.dataset}


def _grown(record: dict[str, Any]) -> str:
    if "grown_from" not in record:
        return ""
    last = record["grown_from"][-1]
    return f", which begins with the {last['shards']} shards of version `{last['fingerprint']}`"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("<", "(").replace(">", ")")
