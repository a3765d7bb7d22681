"""Footage that two videos of a manifest show, from its hashes to the samples that are not in the dataset."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from labels.frame_hash import VIEWS, frame_hashes
from labels.repeats import DuplicateParameters, Repeat
from pipeline import build as builds
from pipeline import describe, plan_shards, storage, survey_video, tables, unlabelled, write_shard
from pipeline.build import Build
from pipeline.dataset import Dataset, open_dataset
from pipeline.duplicates import duplicates, duplicates_target
from pipeline.find_duplicates import FindDuplicates, left_out, preferences
from pipeline.forecast import forecast
from pipeline.funnel import Funnel
from pipeline.growth import APPEND, grown
from pipeline.hash_frames import HASHES, HashFrames, hashed, hashes_target, read_footage
from pipeline.label_pairs import LabelPairs
from pipeline.lint import lint
from pipeline.manifest import Video
from pipeline.parameters import BuildParameters
from pipeline.prune_versions import superfluous
from pipeline.retry_failed import failures
from tests.labels.hashed_drives import copied, drive, footage
from tests.pipeline.laid_build import lay_out

LABELS = 150  # of a laid-out video, 5 s at 30 a second
ONE, OTHER = drive(1, 5), drive(2, 5)


def dropping(build: Build) -> Build:
    """A build with the same labels that leaves out duplicates."""
    given = dataclasses.replace(build.parameters, duplicate=DuplicateParameters(drop=True, shortest_s=1.5))
    return dataclasses.replace(build, parameters=given)


def hash_all(build: Build, hashes: list[np.ndarray]) -> None:
    build.save()
    for video, shown in zip(build.videos, hashes):
        told = [pa.array(np.arange(len(shown)) / 5, pa.float32())] + [pa.array(shown)] * len(VIEWS)
        hashes_target(build, video).write(tables.to_bytes(pa.table(told, schema=HASHES)))


def found(build: Build) -> list[dict[str, Any]]:
    """Find the duplicates; their rows."""
    builds.load.cache_clear()
    FindDuplicates(root=build.root, build_id=build.build_id).run()
    return tables.rows(tables.from_bytes(duplicates_target(build).read()))


def finish(build: Build) -> Dataset:
    """The dataset of a build whose duplicates are known."""
    plan_shards.plan_target(build).write(tables.to_bytes(plan_shards.plan(build)))
    for name, rows in write_shard.shards(build, plan_shards.read_plan(build)):
        write_shard.write_shard(build, name, rows)
    storage.forget_all()
    describe.write_dataset(build, Funnel().update(build))
    builds.make_newest(build)
    return open_dataset(build.shards_folder())


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Three videos, the second the same as the first, the third the same for its last two seconds."""
    laid = dropping(lay_out(tmp_path / "root", videos=3, labels=LABELS))
    hash_all(laid, [ONE, copied(ONE, 3), np.concatenate([OTHER[:15], ONE[:10]])])
    return laid


def test_the_first_of_equals_keeps_what_others_show_too(build: Build) -> None:
    rows = found(build)
    assert [(row["video_id"], row["shown_in"], row["whole"]) for row in rows] == [
        ("v1", "v0", True),
        ("v2", "v0", False),
        ("v2", "v1", False),
    ]
    whole, part, _ = rows
    assert (whole["start_s"], whole["end_s"]) == (pytest.approx(0, abs=0.3), pytest.approx(4.8, abs=0.3))
    assert (part["start_s"], part["end_s"]) == (pytest.approx(3, abs=0.3), pytest.approx(4.8, abs=0.3))
    assert part["shift_s"] == pytest.approx(-3, abs=0.11)


def test_what_is_left_out_has_its_reason_and_is_in_no_shard(build: Build) -> None:
    found(build)
    funnel = Funnel().update(build)
    plan = tables.rows(plan_shards.plan(build))
    kept = {name: [row["key"] for row in plan if row["video_id"] == name] for name in ("v0", "v1", "v2")}
    assert len(kept["v0"]) == LABELS and not kept["v1"]
    assert max(kept["v2"]) <= "v2-00000090"
    assert 80 < len(kept["v2"]) <= 91
    assert funnel.reasons["video", "filtered", "shown_elsewhere"] == 1
    assert funnel.reasons["frame", "filtered", "shown_elsewhere"] == LABELS + 1
    assert funnel.reasons["pair", "filtered", "shown_elsewhere"] == LABELS - len(kept["v2"])
    assert funnel.labelled == len(plan) and funnel.selected == 2 * (LABELS + 1) == funnel.attempted
    assert funnel.videos["v1"]["detail"] == "shows what v0 shows"
    listed = tables.rows(unlabelled.unlabelled(build))
    assert sum(row["reason"] == "shown_elsewhere" for row in listed) == LABELS + 1 + LABELS - len(kept["v2"])


def test_the_counts_are_the_same_however_often_they_are_updated(build: Build) -> None:
    early = Funnel().update(build)
    assert early.labelled == 0 and early.selected == 3 * (LABELS + 1), "nothing counts before duplicates are known"
    found(build)
    assert early.update(build).update(build).to_json() == Funnel().update(build).to_json()


def test_a_video_that_is_shown_elsewhere_is_not_labelled(build: Build) -> None:
    names = {"root": build.root, "build_id": build.build_id, "part": 0, "parts": 1}
    for chunk in Path(build.root).glob("labels/*/v1/*"):
        chunk.unlink()
    storage.forget_all()
    task = LabelPairs(**names, video_id="v1")
    assert not task.complete(), "whether it is shown elsewhere is not known"
    found(build)
    assert task.complete() and task.output() == []
    assert LabelPairs(**names, video_id="v0").complete() and LabelPairs(**names, video_id="v0").output()


def test_whether_duplicates_are_left_out_changes_no_label_and_no_other_dataset(build: Build) -> None:
    usual = dataclasses.replace(build, parameters=BuildParameters())
    assert usual.labels_folder(usual.videos[0]) == build.labels_folder(build.videos[0])
    assert usual.shards_fingerprint() != build.shards_fingerprint()
    assert "duplicate" not in usual.to_json()["parameters"]
    assert duplicates(usual) is not None and Funnel().update(usual).labelled == 3 * LABELS
    assert len(plan_shards.plan(usual)) == 3 * LABELS
    task = LabelPairs(root="r", build_id="b", video_id="v", part=0, parts=1)
    task.build = usual
    assert len(task.requires()) == 1


def test_hashes_are_kept_with_the_dataset_and_made_anew_after_a_failure(build: Build) -> None:
    found(build)
    assert list(lint(finish(build))) == []
    laid = dataclasses.replace(build, parameters=BuildParameters())  # recorded as well, and finished never
    assert list(superfluous(build.root, 3600)) == [storage.join(build.root, "builds", f"{laid.build_id}.json")]
    camera = survey_video.camera_target(build, build.videos[0])
    camera.write(json.dumps({"status": "failed"}).encode())
    assert hashes_target(build, build.videos[0]).url in failures(build, build.videos[0])


# -- which of them stays ----------------------------------------------------------------------------------------------


def of_size(build: Build, number: int, width: int, height: int) -> None:
    target = survey_video.camera_target(build, build.videos[number])
    target.write(json.dumps(json.loads(target.read()) | {"source_size": [width, height]}).encode())


def test_more_pixels_win_then_length_then_the_name(build: Build) -> None:
    of_size(build, 1, 1280, 720)
    of_size(build, 2, 640, 360)
    assert {row["video_id"] for row in found(build) if row["whole"]} == {"v0"}
    hashes = [read_footage(build, video) for video in build.videos]
    names = [name for *_, name in sorted(preferences(build, hashes))]
    assert names == ["v1", "v2", "v0"]
    of_size(build, 1, 640, 360)
    hashes[1] = dataclasses.replace(hashes[1], time_s=hashes[1].time_s + 1)
    assert [name for *_, name in sorted(preferences(build, hashes))] == ["v1", "v2", "v0"]


def test_what_old_shards_hold_stays_when_a_better_copy_is_appended(tmp_path: Path) -> None:
    two = dropping(lay_out(tmp_path / "root", videos=2, labels=LABELS))
    hash_all(two, [ONE, OTHER])
    found(two)
    finish(two)
    three = grown(dropping(lay_out(tmp_path / "root", videos=3, labels=LABELS)), APPEND)
    hash_all(three, [ONE, OTHER, ONE])
    of_size(three, 2, 3840, 2160)
    assert three.base and [(row["video_id"], row["shown_in"]) for row in found(three)] == [("v2", "v0")]
    assert len(plan_shards.plan(three)) == 0


def test_several_videos_can_show_a_whole_one_together() -> None:
    order = [(True, -1, -9.0, "a"), (True, -1, -9.0, "b"), (True, -1, -5.0, "c")]
    shown = [footage(drive(seed, 10)) for seed in range(3)]
    halves = [Repeat(0, 2, 20.0, 25.0, -20.0, 1.0), Repeat(1, 2, 0.0, 4.8, 5.0, 1.0)]
    rows = tables.rows(left_out(halves, shown, order, DuplicateParameters()))
    assert [(row["video_id"], row["shown_in"], row["whole"]) for row in rows] == [("c", "a", True), ("c", "b", True)]
    assert [row["start_s"] for row in rows] == pytest.approx([-0.1, 4.9])
    rows = tables.rows(left_out(halves[:1], shown, order, DuplicateParameters()))
    assert [row["whole"] for row in rows] == [False]


def test_no_duplicates_are_an_empty_table() -> None:
    assert len(left_out([], [], [], DuplicateParameters())) == 0


# -- the hashes of a video, and the command ---------------------------------------------------------------------------


def test_five_frames_a_second_are_hashed(built: Any) -> None:
    build = builds.load(str(built.root), built.record["provenance"]["build"])
    video = build.videos[0]
    table = tables.rows(hashed(build, video))
    frames = survey_video.read_frames(build, video)
    assert [row["time_s"] for row in table] == pytest.approx(np.arange(len(table)) / 5, abs=1 / 30 + 1e-3)
    assert len(table) == int(frames.column("time_s").to_pylist()[-1] * 5) + 1
    with survey_video.open_video(
        build, video, built.root / "videos" / video.video_id / "source.mp4", survey_video.read_camera(build, video)
    ) as source:
        first = next(iter(source.frames()))
    assert [table[0][f"hash_{view}"] for view in range(len(VIEWS))] == frame_hashes(first.image).tolist()


def test_a_video_without_a_survey_has_no_hashes(tmp_path: Path) -> None:
    build = dropping(lay_out(tmp_path / "root", videos=1))
    build.save()
    survey_video.camera_target(build, build.videos[0]).write(
        json.dumps({"status": "failed", "reason": "no_frames", "detail": ""}).encode()
    )
    HashFrames(root=build.root, build_id=build.build_id, video_id="v0").run()
    assert len(read_footage(build, build.videos[0]).time_s) == 0


def test_a_dry_run_counts_the_tasks(tmp_path: Path) -> None:
    videos = (Video("a", "/a.mp4"), Video("b", "/b.mp4"))
    build = dropping(Build(str(tmp_path), "d", "d.csv", videos, BuildParameters()))
    task = LabelPairs(root=build.root, build_id=build.build_id, video_id="a", part=0, parts=1)
    told = forecast(build, [task]).tasks
    assert told == {
        "FetchVideo": 2,
        "SurveyVideo": 2,
        "HashFrames": 2,
        "SelectPairs": 1,
        "FindDuplicates": 1,
        "LabelPairs": 1,
    }
