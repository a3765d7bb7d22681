"""What a dry run tells: the tasks that Luigi would run, and their cost by the records of finished work."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from labels.pair import LabelParameters
from pipeline import storage
from pipeline.build import Build
from pipeline.forecast import forecast
from pipeline.label_pairs import LabelPairs
from pipeline.plan_shards import PlanShards
from pipeline.select_pairs import SelectPairs
from tests.pipeline.half_done import half_done, of_another_version


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return half_done(tmp_path / "root")


def test_the_tasks_that_are_missing_and_what_they_need(build: Build) -> None:
    told = forecast(build, [PlanShards(root=build.root, build_id=build.build_id, parts=2)])
    # of a: chunk 0 is part 0, chunks 1 and 2 are part 1; c failed, and has nothing to label
    assert told.tasks == {"FetchVideo": 1, "SurveyVideo": 1, "SelectPairs": 2, "LabelPairs": 5, "PlanShards": 1}
    assert list(told.lines()) == [
        "would run: FetchVideo 1, SurveyVideo 1, SelectPairs 2, LabelPairs at most 5, PlanShards 1",
        "hours of a core: 0.015 (surveys 0.00833, labels 0.00667 for about 12 pairs)",
        "hours of downloads, one after the other: 0.00278",
        "bytes of labels and shards: 2.25e-05 GB; fetched videos are not counted",
    ]


def test_what_stops_after_the_selection_labels_nothing(build: Build) -> None:
    names = {"root": build.root, "build_id": build.build_id}
    told = forecast(build, [SelectPairs(video_id=video.video_id, **names) for video in build.videos])
    assert told.tasks == {"FetchVideo": 1, "SurveyVideo": 1, "SelectPairs": 2}
    assert (told.left.survey_s, told.left.pairs, told.left.label_s, told.left.bytes) == (30.0, 0.0, 0.0, 0.0)


def test_without_a_record_the_cost_is_unknown(build: Build) -> None:
    label = dataclasses.replace(build.parameters.label, min_valid_fraction=0.5)
    assert isinstance(label, LabelParameters)
    other = dataclasses.replace(build, parameters=dataclasses.replace(build.parameters, label=label))
    names = {"root": other.root, "build_id": other.build_id, "parts": 1}
    told = forecast(other, [PlanShards(**names)])
    assert told.tasks["LabelPairs"] == 4 - 1  # one failed; nothing of the new version is there
    assert told.left.survey_s == 30.0 and told.left.label_s is None
    assert list(told.lines())[1].startswith("hours: unknown, no cost is recorded")
    assert LabelPairs(**names, part=0, video_id="a").complete() is False


def test_a_dataset_of_another_version_tells_no_cost(build: Build) -> None:
    wanted = [PlanShards(root=build.root, build_id=build.build_id, parts=2)]
    before = list(forecast(build, wanted).lines())
    pointer = json.dumps({"build": of_another_version(build), "shards": "0"})
    storage.write_bytes(storage.join(build.root, "datasets", "older.json"), pointer.encode())
    assert list(forecast(build, wanted).lines()) == before


def test_only_costs_of_another_version_are_told_apart_from_none(build: Build) -> None:
    decoding = dataclasses.replace(build.parameters.decoding, width=320)
    other = dataclasses.replace(build, parameters=dataclasses.replace(build.parameters, decoding=decoding))
    pointer = json.dumps({"build": of_another_version(build), "shards": "0"})
    storage.write_bytes(storage.join(build.root, "datasets", "older.json"), pointer.encode())
    told = forecast(other, [PlanShards(root=other.root, build_id=other.build_id, parts=2)])
    assert list(told.lines())[1].startswith("hours: unknown, what is finished under this root was made by another vers")


def files(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if path.is_file()}


def test_a_dry_run_of_a_changed_parameter_writes_nothing(built: Any) -> None:
    before = files(built.root)
    told = built.run("--dry-run", "--Egomotion-noise-floor-px", 0.5)
    assert told.returncode == 0, told.stderr
    # 18 pairs a drive are 3 chunks, so that one of its 4 parts has none
    assert "would run: LabelPairs 6, PlanShards 1, WriteShard 4, BuildShards 1" in told.stderr
    assert f"for about {built.record['funnel']['selected']} pairs" in told.stderr
    assert files(built.root) == before


def test_a_dry_run_before_any_work_leaves_no_root(start: Any) -> None:
    build = start()
    told = build.run("--dry-run")
    assert told.returncode == 0, told.stderr
    first, last = "FetchVideo 2, SurveyVideo 2, SelectPairs 2", "PlanShards 1, WriteShard 4, BuildShards 1"
    assert f"would run: {first}, LabelPairs at most 8, {last}" in told.stderr and "hours: unknown" in told.stderr
    assert not build.root.exists()
