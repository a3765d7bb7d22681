"""How far a build is, as any machine can tell from what lies under its root."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline import build as builds
from pipeline import growth, label_pairs, plan_shards, running, storage, survey_video
from pipeline.build import Build, require_root
from pipeline.errors import UserError
from pipeline.funnel import Funnel
from pipeline.outcome import FAILED
from pipeline.running import Running
from pipeline.storage import TEMPORARY, FsspecTarget, Stored, join
from pipeline.unit_costs import Left, UnitCosts, left, unit_costs

WINDOW_S = 900.0
"""How far back the pace looks."""


@dataclass(frozen=True)
class Stage:
    """How many units of a stage are finished; ``exact`` where all are known that are wanted."""

    name: str
    unit: str
    done: int
    wanted: int
    exact: bool = True


@dataclass(frozen=True)
class Pace:
    """What was finished lately."""

    pairs_per_s: float
    cores: float  # at work on surveys and labels, by what their results cost


@dataclass(frozen=True)
class Status:
    """Everything that ``python -m pipeline status`` tells."""

    build: Build
    others: int  # other builds recorded under the root
    funnel: Funnel
    stages: list[Stage]
    pace: Pace
    costs: UnitCosts
    left: Left
    running: list[Running]
    temporary: list[float]  # when unfinished files were last changed, seconds since the epoch, the oldest first
    finished: bool
    now: float  # seconds since the epoch

    @property
    def eta_s(self) -> float | None:
        """Seconds until all is labelled, at the pace of late; None where that cannot be told."""
        if self.finished:
            return 0.0
        core_s = self.left.core_s
        return None if core_s is None or self.pace.cores <= 0 else core_s / self.pace.cores

    def failures(self) -> Iterator[tuple[str, str, int]]:
        """Stage, reason and count of what failed, the most frequent first."""
        for (stage, status, reason), count in self.funnel.reasons.most_common():
            if status == FAILED:
                yield stage, reason, count


def status(root: str, build_id: str = "") -> Status:
    """The state of a build, of the last one recorded where no id is given. Raises ``UserError``."""
    require_root(root)
    build, others = _chosen(root, build_id)
    storage.forget_all()
    funnel = Funnel().update(build)
    costs = unit_costs([funnel])
    files = {folder: storage.stored(folder) for folder in _folders(build)}
    temporary = [file.changed for found in files.values() for name, file in found.items() if TEMPORARY in name]
    now, finished = time.time(), "dataset.json" in files[build.shards_folder()]
    return Status(
        build=build,
        others=others,
        funnel=funnel,
        stages=_stages(build, funnel, finished),
        pace=_pace(build, funnel, costs, files, now),
        costs=costs,
        left=left(funnel, costs),
        running=running.running(root),
        temporary=sorted(temporary),
        finished=finished,
        now=now,
    )


def _chosen(root: str, build_id: str) -> tuple[Build, int]:
    folder = join(root, "builds")
    recorded = {
        name.removesuffix(".json"): file.changed
        for name, file in storage.stored(folder).items()
        if TEMPORARY not in name
    }
    if not recorded:
        raise UserError(f"{root} records no build yet; BuildShards records one when it has checked its manifest")
    if build_id and build_id not in recorded:
        raise UserError(f"{root} has no build {build_id!r}; it has {', '.join(sorted(recorded)[:10])}")
    chosen = build_id or max(recorded, key=lambda name: (recorded[name], name))
    return builds.load(root, chosen), len(recorded) - 1


def _folders(build: Build) -> list[str]:
    folders = {build.videos_folder(), build.shards_folder()}
    for video in build.videos:
        folders |= {build.survey_folder(video), build.pairs_folder(video), build.labels_folder(video)}
    return sorted(folders)


def _stages(build: Build, funnel: Funnel, finished: bool) -> list[Stage]:
    videos, size = len(build.videos), build.parameters.chunk.pairs
    chunks = sum(-(-entry["selected"] // size) for entry in funnel.videos.values())
    shards = funnel.done["shard"] if finished else _shards(build, funnel)
    selected = funnel.done["select"] == videos
    labelled = selected and funnel.done["label"] == chunks
    return [
        *(Stage(name, "videos", funnel.done[name], videos) for name in ("fetch", "survey", "select")),
        Stage("label", "chunks", funnel.done["label"], chunks, selected),
        Stage("shard", "shards", funnel.done["shard"], shards, labelled),
    ]


def _shards(build: Build, funnel: Funnel) -> int:
    """The number of shards that what is labelled so far would fill."""
    splits: Counter[str] = Counter()
    for video in build.videos:
        splits[plan_shards.split_of(build, video)] += funnel.videos[video.video_id]["labelled"]
    base = growth.base_of(build)
    splits.subtract({} if base is None else base.record["samples"])
    new = sum(-(-max(0, count) // build.parameters.shard.samples) for count in splits.values())
    return new + len(growth.old_shards(base))


def _pace(build: Build, funnel: Funnel, costs: UnitCosts, files: dict[str, dict[str, Stored]], now: float) -> Pace:
    """What appeared in the last quarter of an hour, or since the first result where that is not so long ago."""
    surveys, chunks = [], []
    for video in build.videos:
        surveys += _changed(survey_video.camera_target(build, video), files)
        for chunk in label_pairs.chunks(build, video):
            chunks += _changed(label_pairs.chunk_target(build, video, chunk), files)
    latest = max([now, *surveys, *chunks])  # the clock of the storage may be ahead of this one
    began = max(latest - WINDOW_S, min([latest, *surveys]))
    elapsed = latest - began
    pairs = sum(changed > began for changed in chunks) * funnel.attempted / max(1, funnel.done["label"])
    spent = pairs * (costs.label_s or 0.0) + sum(changed > began for changed in surveys) * (costs.survey_s or 0.0)
    return Pace(pairs / elapsed, spent / elapsed) if elapsed > 0 else Pace(0.0, 0.0)


def _changed(target: FsspecTarget, files: dict[str, dict[str, Stored]]) -> list[float]:
    """When a file was written, if it is there."""
    file = files[target.folder].get(target.name)
    return [] if file is None else [file.changed]
