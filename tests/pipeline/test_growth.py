"""Datasets that grow: appended versions keep the old shards byte for byte and add those of what is new."""

import dataclasses
import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import build as builds
from pipeline import storage, tables
from pipeline.build import Build
from pipeline.build_shards import BuildShards
from pipeline.dataset import Dataset, open_dataset
from pipeline.errors import UserError
from pipeline.growth import APPEND, RESHUFFLE, grown
from pipeline.lint import lint
from pipeline.parameters import STAGE_VERSIONS
from pipeline.plan_shards import PlanShards
from pipeline.prune_versions import superfluous
from pipeline.status import Stage, status
from pipeline.write_shard import WriteShard
from tests.conftest import write_rows
from tests.pipeline.laid_build import lay_out

PARTS = 2


def of_small_shards(root: str, videos: int, labels: int = 6) -> Build:
    """A whole build of so many laid-out videos, with four samples in a shard at most."""
    build = lay_out(root, videos, labels)  # type: ignore[arg-type]
    shard = dataclasses.replace(build.parameters.shard, samples=4, val_fraction=0.0)
    return dataclasses.replace(build, parameters=dataclasses.replace(build.parameters, shard=shard))


def finish(build: Build) -> Dataset:
    """Do what Luigi would of the tasks after the labels."""
    build.save()
    builds.load.cache_clear()
    storage.forget_all()
    names = {"root": build.root, "build_id": build.build_id, "parts": PARTS}
    for task in [PlanShards(**names), *(WriteShard(**names, part=part) for part in range(PARTS))]:
        if not task.complete():
            task.run()
    last = BuildShards(manifest="m.csv", root=build.root)
    last._planned, last._announced = build, False
    if not last.complete():
        last.run()
    return open_dataset(build.shards_folder())


def append(root: str, videos: int) -> Dataset:
    return finish(grown(of_small_shards(root, videos), APPEND))


@pytest.fixture(params=["local", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A root with a finished dataset of two videos."""
    place = str(tmp_path / "root") if request.param == "local" else f"memory://{tmp_path.name}/root"
    finish(of_small_shards(place, 2))
    return place


@pytest.fixture
def local(tmp_path: Path) -> str:
    finish(of_small_shards(str(tmp_path / "root"), 2))
    return str(tmp_path / "root")


def tars(dataset: Dataset) -> dict[str, bytes]:
    return {shard["shard"]: storage.read_bytes(dataset.url(shard["shard"])) for shard in dataset.record["shards"]}


def test_an_append_keeps_old_shards_and_adds_new_ones(root: str) -> None:
    old = open_dataset(root)
    new = append(root, 3)
    assert open_dataset(root).folder == new.folder != old.folder
    before, after = tars(old), tars(new)
    assert list(after)[: len(before)] == list(before) and {name: after[name] for name in before} == before
    assert list(after)[len(before) :] == ["laid-train-000003.tar", "laid-train-000004.tar"]
    assert new.record["samples"] == {"train": 18}
    rows = tables.rows(new.samples())
    assert rows[:12] == tables.rows(old.samples())
    assert {row["video_id"] for row in rows[12:]} == {"v2"}
    assert list(lint(new)) == []
    expected = {"fingerprint": old.record["fingerprint"], "shards": 3, "samples": 12}
    assert new.record["grown_from"] == [expected]
    readme = storage.read_bytes(storage.join(new.folder, "README.md")).decode()
    assert f"begins with the 3 shards of version `{old.record['fingerprint']}`" in readme


def test_an_append_to_an_append_knows_its_whole_history(root: str) -> None:
    first = open_dataset(root)
    second = append(root, 3)
    third = append(root, 4)
    assert [each["fingerprint"] for each in third.record["grown_from"]] == [
        first.record["fingerprint"],
        second.record["fingerprint"],
    ]
    assert tars(second).items() <= tars(third).items()
    assert list(lint(third)) == []
    # the versions before can go, and the last one still stands
    for url in list(superfluous(root, 3600)):
        storage.remove(url)
    assert storage.children(storage.join(root, "shards")) == [third.record["fingerprint"]]
    assert list(lint(open_dataset(root))) == []
    assert status(root).stages[-1] == Stage("shard", "shards", 7, 7)


def test_on_a_disk_an_append_takes_no_room_for_old_shards(local: str) -> None:
    old = open_dataset(local)
    new = append(local, 3)
    for shard in old.record["shards"]:
        assert Path(old.url(shard["shard"])).samefile(new.url(shard["shard"]))


def test_without_links_an_append_copies(local: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    old = open_dataset(local)
    new = append(local, 3)
    assert tars(old).items() <= tars(new).items()
    assert not Path(old.url("laid-train-000000.tar")).samefile(new.url("laid-train-000000.tar"))


def test_the_first_append_is_a_whole_build(tmp_path: Path) -> None:
    whole = of_small_shards(str(tmp_path / "root"), 2)
    assert grown(whole, APPEND) == grown(whole, RESHUFFLE) == whole


def test_an_append_of_nothing_new_is_the_finished_build(root: str) -> None:
    append(root, 3)
    before = storage.stored(root)
    dataset = append(root, 3)
    assert dataset.folder == open_dataset(root).folder
    assert [name for name in storage.stored(root) if name not in before] == []


def test_a_reshuffle_deals_all_samples_anew(root: str) -> None:
    old, whole = open_dataset(root), grown(of_small_shards(root, 3), RESHUFFLE)
    assert whole.base == "" and "base" not in whole.to_json()
    new = finish(whole)
    assert "grown_from" not in new.record
    assert new.record["samples"] == {"train": 18}
    assert not tars(old).items() <= tars(new).items()


def test_what_failed_before_is_appended_too(local: str) -> None:
    """After RetryFailed a video of the base may have samples that its shards lack."""
    whole = of_small_shards(local, 2, labels=9)
    new = finish(grown(dataclasses.replace(whole, attempt=1), APPEND))
    assert new.record["samples"] == {"train": 18}
    assert {row["video_id"] for row in tables.rows(new.samples())[12:]} == {"v0", "v1"}
    assert list(lint(new)) == []


# -- what is refused --------------------------------------------------------------------------------------------------


def with_video(build: Build, **changes: Any) -> Build:
    return dataclasses.replace(build, videos=(dataclasses.replace(build.videos[0], **changes), *build.videos[1:]))


def with_parameter(build: Build, section: str, **changes: Any) -> Build:
    changed = dataclasses.replace(getattr(build.parameters, section), **changes)
    return dataclasses.replace(build, parameters=dataclasses.replace(build.parameters, **{section: changed}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda b: dataclasses.replace(b, videos=b.videos[1:]), "has no row for 'v0' any more"),
        (lambda b: with_video(b, crop_top=0.25), "the row of 'v0' has changed (crop_top 0.0 -> 0.25)"),
        (lambda b: with_video(b, split="val"), "the row of 'v0' has changed (split '' -> 'val')"),
        (lambda b: with_parameter(b, "label", min_valid_fraction=0.9), "(label.min_valid_fraction"),
        (lambda b: with_parameter(b, "decoding", width=320), "(decoding.width 640 -> 320)"),
        (lambda b: with_parameter(b, "shard", seed=7), "(shard.seed 0 -> 7)"),
    ],
)
def test_old_shards_that_would_not_be_what_is_asked_for_are_not_kept(
    local: str, change: Callable[[Build], Build], said: str
) -> None:
    build = change(of_small_shards(local, 3))
    with pytest.raises(UserError) as refused:
        grown(build, APPEND)
    assert said in str(refused.value) and "or give --growth reshuffle" in str(refused.value)
    assert grown(build, RESHUFFLE) == build


def test_how_videos_are_fetched_may_change(local: str) -> None:
    assert grown(with_parameter(of_small_shards(local, 3), "fetch", retries=9), APPEND).base


def test_labels_of_another_version_of_the_software_are_refused(local: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STAGE_VERSIONS, "labels", STAGE_VERSIONS["labels"] + 1)
    builds.load.cache_clear()
    with pytest.raises(UserError, match=r"laid cannot be appended to: .* another version .* --growth reshuffle"):
        grown(of_small_shards(local, 3), APPEND)


def test_a_version_that_is_gone_is_not_appended_to(local: str) -> None:
    whole = of_small_shards(local, 3)
    shutil.rmtree(open_dataset(local).folder)
    with pytest.raises(UserError, match="is gone, so that nothing can be appended to it"):
        grown(whole, APPEND)


def test_a_shard_that_is_gone_is_named(local: str) -> None:
    old = open_dataset(local)
    Path(old.url("laid-train-000001.tar")).unlink()
    with pytest.raises(UserError, match=r"laid-train-000001.tar or its index entry is gone"):
        append(local, 3)


def test_another_way_to_grow_is_refused(local: str) -> None:
    with pytest.raises(UserError, match="--growth shrink cannot work; allowed: reshuffle, append"):
        grown(of_small_shards(local, 3), "shrink")


# -- interrupted, and twice -------------------------------------------------------------------------------------------


def killed_at(build: Build, file: int) -> bool:
    """Append in a process that is killed before its so-manieth file appears; whether it came so far."""

    def work() -> None:
        left, appear = iter(range(file)), Path.replace

        def counted(self: Path, target: Path) -> Path:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return appear(self, target)

        Path.replace = counted  # type: ignore[assignment, method-assign]
        finish(grown(build, APPEND))
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def test_killed_at_any_file_it_ends_with_the_same_bytes(local: str, tmp_path: Path) -> None:
    old, build = open_dataset(local).record["fingerprint"], of_small_shards(local, 3)
    killed, ends = True, list[dict[str, bytes]]()
    while killed:
        root = str(tmp_path / f"killed-{len(ends)}")
        shutil.copytree(local, root)
        here = dataclasses.replace(build, root=root)
        killed = killed_at(here, len(ends))
        assert (open_dataset(root).record["fingerprint"] == old) == killed
        ends.append(tars(finish(grown(here, APPEND))))
        assert list(lint(open_dataset(root))) == []
        for leftover in storage.leftovers(root, 2e10):
            storage.remove(leftover)
        assert list(Path(root).rglob(".tmp-*")) == []
    assert len(ends) > 20 and all(end == ends[-1] for end in ends)


def test_a_kill_between_the_last_two_files_does_not_hide_the_new_version(local: str) -> None:
    pointer = Path(local) / "datasets" / "laid.json"
    before = pointer.read_bytes()
    new = append(local, 3)
    pointer.write_bytes(before)
    append(local, 3)
    assert open_dataset(local).folder == new.folder


def test_two_workers_on_one_task_leave_the_same_files(local: str) -> None:
    new = append(local, 3)
    before = storage.stored(local), tars(new)
    build = builds.load(local, new.record["provenance"]["build"])
    names = {"root": local, "build_id": build.build_id, "parts": PARTS}
    for mark in Path(new.folder).glob("index/*.json"):
        mark.unlink()
    for task in [WriteShard(**names, part=part) for part in range(PARTS)]:
        storage.forget_all()
        task.run()
    after = storage.stored(local)
    assert (after.keys(), tars(new)) == (before[0].keys(), before[1])


# -- the command, and who reads what it made --------------------------------------------------------------------------


def test_the_command_appends_and_the_trainer_reads_it(built: Any, start: Callable[..., Any], tmp_path: Path) -> None:
    from training.shards import Dataset as Trained

    build = start([], "drives")
    shutil.copytree(built.root, build.root)
    lines = built.manifest.read_text().splitlines()
    rows = [dict(zip(lines[0].split(","), line.split(","))) for line in lines[1:]]
    third = {"video_id": "drive_0", "source": built.root / "videos" / "drive_1" / "source.mp4", "split": "train"}
    build.manifest = write_rows(tmp_path / "drives.csv", [*rows, third])
    before = built.record
    told = build.run("--growth", "append", "--dry-run")
    everything = "SurveyVideo 1, SelectPairs 1, LabelPairs at most 4, PlanShards 1, WriteShard 4, BuildShards 1"
    assert f"would run: FetchVideo 1, {everything}" in told.stderr
    finished = build.run("--growth", "append", "--workers", 2)
    assert finished.returncode == 0, finished.stderr
    after = build.record
    assert built.hashes().items() < build.hashes().items()
    assert [each["fingerprint"] for each in after["grown_from"]] == [before["fingerprint"]]
    trained = Trained.open(str(build.root))
    assert len(trained.split("train")) == after["samples"]["train"] > before["samples"]["train"]
    assert len(trained.split("val")) == before["samples"]["val"]
    again = build.run("--growth", "append")
    assert again.returncode == 0 and json.loads((build.folder / "dataset.json").read_text()) == after
