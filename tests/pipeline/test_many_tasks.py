"""Thousands of tasks are asked whether they are complete: what that may cost."""

from collections import Counter
from pathlib import Path

import pytest

from pipeline import build as builds
from pipeline import storage
from pipeline.build import Build
from pipeline.manifest import Video
from pipeline.parameters import BuildParameters
from pipeline.plan_shards import PlanShards


@pytest.mark.parametrize("start_s", [None, 0.5], ids=["rows alike", "rows of their own"])
def test_listings_and_hashes_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_s: float | None) -> None:
    videos = tuple(Video(f"v{n}", "/v.mp4", start_s=None if start_s is None else n * start_s) for n in range(500))
    build = Build(str(tmp_path), "many", "many.csv", videos, BuildParameters())
    build.save()
    storage.forget_all()
    calls: Counter[str] = Counter()
    fingerprint, walk = builds.fingerprint, storage._walk
    monkeypatch.setattr(builds, "fingerprint", lambda *parts: calls.update(["hash"]) or fingerprint(*parts))
    monkeypatch.setattr(storage, "_walk", lambda folder: calls.update(["listing"]) or walk(folder))
    with storage.one_view():
        tasks = PlanShards(root=build.root, build_id=build.build_id, parts=4).requires()
        assert len(tasks) == 2000 and not any(task.complete() for task in tasks)
    assert calls["hash"] <= (3 if start_s is None else 1500)
    assert calls["listing"] <= 40


def test_fingerprints_depend_on_what_a_row_changes(tmp_path: Path) -> None:
    rows = [Video("a", "/a.mp4"), Video("b", "/b.mp4", licence="mine"), Video("c", "/c.mp4", crop_top=0.1)]
    build = Build(str(tmp_path), "three", "three.csv", tuple(rows), BuildParameters())
    alike, same, other = (build.labels_folder(video) for video in rows)
    assert alike == same != other
