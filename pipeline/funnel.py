"""The funnel: how many frames of how many videos come how far, and why the others do not.

It is counted from the outputs of the stages alone, so that any process on any machine sees the same, and a resumed
build counts what was done before.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from pipeline import duplicates, fetch_video, label_pairs, select_pairs, storage, survey_video, tables
from pipeline.build import Build
from pipeline.manifest import Video
from pipeline.outcome import DONE, FAILED, FILTERED, Outcome
from pipeline.storage import FsspecTarget


@dataclass
class Funnel:
    """Counts of a build so far; ``update`` adds what has appeared since."""

    videos: dict[str, dict[str, Any]] = field(default_factory=dict)  # by id: status, reason, detail, counts
    reasons: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # (stage, status, reason) -> how many
    candidates: int = 0  # decoded frames
    selected: int = 0  # pairs chosen for labelling
    attempted: int = 0  # pairs that went through labelling
    labelled: int = 0  # pairs with a label
    sharded: int = 0  # samples in finished shards
    label_bytes: int = 0  # of the samples in the tars of the labels
    cost: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))  # seconds of a core by part of
    # the work, ``fetch_s`` by the clock
    done: Counter[str] = field(default_factory=Counter)  # finished fetches, surveys, selections, chunks, shards
    _seen: set[str] = field(default_factory=set)

    def update(self, build: Build) -> "Funnel":
        """Read the outputs that have appeared since the last call."""
        with storage.one_view():
            for video in build.videos:
                entry = self.videos.setdefault(video.video_id, _entry(video))
                self._fetched(build, video, entry)
                self._surveyed(build, video, entry)
                self._selected(build, video, entry)
                self._left_out(build, video, entry)
                self._labelled(build, video, entry)
            self._sharded(build)
        return self

    def failed_fraction(self) -> float:
        """The larger of the share of videos that failed and the share of attempted pairs that failed."""
        videos = sum(entry["status"] == FAILED for entry in self.videos.values()) / max(1, len(self.videos))
        pairs = sum(count for (stage, status, _), count in self.reasons.items() if (stage, status) == ("pair", FAILED))
        return max(videos, pairs / max(1, self.attempted))

    def worst(self) -> list[str]:
        """The videos that failed, with their reasons, those with the most failed pairs first after those."""
        failed = [entry for entry in self.videos.values() if entry["status"] == FAILED]
        partly = sorted(
            (e for e in self.videos.values() if e["failed"] and e not in failed), key=lambda e: -e["failed"]
        )
        return [f"{e['video_id']}: {e['reason']} {e['detail']}".strip() for e in failed] + [
            f"{e['video_id']}: {e['failed']} pairs failed, {e['detail']}" for e in partly
        ]

    def top_reasons(self, most: int = 6) -> list[tuple[str, int]]:
        """The most frequent reasons as ``stage: reason``, with counts."""
        return [(f"{stage} {status}: {reason}", n) for (stage, status, reason), n in self.reasons.most_common(most)]

    def to_json(self) -> dict[str, Any]:
        """Counts and reasons, for ``dataset.json``."""
        return {
            "videos": dict(sorted(Counter(entry["status"] for entry in self.videos.values()).items())),
            "candidates": self.candidates,
            "selected": self.selected,
            "labelled": self.labelled,
            "sharded": self.sharded,
            "reasons": [
                {"stage": stage, "status": status, "reason": reason, "count": count}
                for (stage, status, reason), count in sorted(self.reasons.items(), key=lambda item: (-item[1], item[0]))
            ],
        }

    # -- one stage each -----------------------------------------------------------------------------------------------

    def _new(self, target: FsspecTarget) -> bool:
        if target.url in self._seen or target.name not in storage.names(target.folder):
            return False
        self._seen.add(target.url)
        return True

    def _end(self, entry: dict[str, Any], stage: str, ended: Any) -> None:
        entry.update(stage=stage, status=ended.status, reason=ended.reason, detail=ended.detail)
        if not ended.done:
            self.reasons[("video", ended.status, ended.reason)] += 1

    def _fetched(self, build: Build, video: Video, entry: dict[str, Any]) -> None:
        if self._new(fetch_video.record(build, video)):
            fetched = fetch_video.read_record(build, video)
            ended = fetch_video.ended(fetched)
            self.done["fetch"] += 1
            self.cost["fetch_s"] += fetched["seconds"]
            entry.update(stage="fetch", reason="", status="waiting")
            if not ended.done:
                self._end(entry, "fetch", ended)

    def _surveyed(self, build: Build, video: Video, entry: dict[str, Any]) -> None:
        if not self._new(survey_video.camera_target(build, video)):
            return
        camera = survey_video.read_camera(build, video)
        self.done["survey"] += 1
        self.cost["survey_s"] += camera["seconds"]
        if entry["status"] == "waiting":
            self._end(entry, "survey", survey_video.ended(camera))

    def _selected(self, build: Build, video: Video, entry: dict[str, Any]) -> None:
        target = select_pairs.pairs_target(build, video)
        if not self._new(target):
            return
        self.done["select"] += 1
        if entry["status"] != DONE:
            return
        table = select_pairs.read_pairs(build, video)
        ended = select_pairs.ended(table)
        if not ended.done:
            self._end(entry, "select", ended)
        reasons = Counter(table.column("reason").to_pylist())
        kept = reasons.pop("", 0)
        entry.update(candidates=table.num_rows, selected=kept)
        self.candidates += table.num_rows
        self.selected += kept
        for reason, count in reasons.items():
            self.reasons[("frame", FILTERED, reason)] += count

    def _left_out(self, build: Build, video: Video, entry: dict[str, Any]) -> None:
        known = duplicates.duplicates(build)
        better = known.whole.get(video.video_id) if known else None
        if better and entry["status"] == DONE and select_pairs.pairs_target(build, video).url in self._seen:
            self.reasons[("frame", FILTERED, duplicates.REASON)] += entry["selected"]
            self.selected -= entry["selected"]
            entry["selected"] = 0
            self._end(entry, "duplicates", Outcome(FILTERED, duplicates.REASON, f"shows what {better} shows"))

    def _labelled(self, build: Build, video: Video, entry: dict[str, Any]) -> None:
        for chunk in label_pairs.chunks(build, video) if entry["status"] == DONE else []:
            if not self._new(label_pairs.chunk_target(build, video, chunk)):
                continue
            table = label_pairs.read_chunk(build, video, chunk)
            self.done["label"] += 1
            for name, told in tables.about(table).items():
                self.cost[name] += float(told) if name.endswith("_s") else 0.0
            shown = duplicates.is_duplicate(build, video.video_id, table).to_pylist()
            for row, elsewhere in zip(table.select(["status", "reason", "detail", "size"]).to_pylist(), shown):
                entry["attempted"] += 1
                self.attempted += 1
                self.label_bytes += row["size"]
                if row["status"] == DONE and elsewhere:
                    self.reasons[("pair", FILTERED, duplicates.REASON)] += 1
                elif row["status"] == DONE:
                    entry["labelled"] += 1
                    self.labelled += 1
                else:
                    entry["failed"] += row["status"] == FAILED
                    entry["detail"] = entry["detail"] or row["detail"]
                    self.reasons[("pair", row["status"], row["reason"])] += 1

    def _sharded(self, build: Build) -> None:
        # A shard of the version that is appended to has the same name in both folders.
        for folder in [build.base_folder()] * bool(build.base) + [build.shards_folder()]:
            for name in sorted(storage.names(folder)):
                if name.startswith(f"index/{build.dataset}-") and name not in self._seen:
                    self._seen.add(name)
                    self.done["shard"] += 1
                    self.sharded += json.loads(FsspecTarget(folder, name).read())["count"]


def _entry(video: Video) -> dict[str, Any]:
    counts = dict.fromkeys(("candidates", "selected", "attempted", "labelled", "failed"), 0)
    return {"video_id": video.video_id, "stage": "", "status": "waiting", "reason": "", "detail": "", **counts}
