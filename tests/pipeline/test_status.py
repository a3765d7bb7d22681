"""How far a build is, told from its records alone."""

import os
import re
import time
from pathlib import Path
from typing import Any

import fsspec
import pytest

from pipeline import running, status_text, storage
from pipeline.__main__ import main
from pipeline.build import Build
from pipeline.label_pairs import LabelPairs
from pipeline.status import Stage, status
from pipeline.survey_video import SurveyVideo
from tests.pipeline.half_done import half_done, of_another_version


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return half_done(tmp_path / "root")


def test_stages_count_what_is_done_and_wanted(build: Build) -> None:
    assert status(build.root).stages == [
        Stage("fetch", "videos", 3, 4),
        Stage("survey", "videos", 3, 4),
        Stage("select", "videos", 2, 4),
        Stage("label", "chunks", 2, 3, exact=False),
        Stage("shard", "shards", 0, 1, exact=False),
    ]


def test_a_root_in_an_object_store_tells_the_same(build: Build, tmp_path: Path) -> None:
    other = half_done(f"memory://{tmp_path.name}/root")
    running.begin(other.root, SurveyVideo(root=other.root, build_id=other.build_id, video_id="b"))
    found = status(other.root)
    assert found.stages == status(build.root).stages and found.pace.pairs_per_s > 0
    assert [mark.about for mark in found.running] == ["b"]


def test_what_is_left_follows_from_what_work_cost(build: Build) -> None:
    found = status(build.root)
    assert (found.costs.fetch_s, found.costs.survey_s, found.costs.label_s) == (10.0, 30.0, 2.0)
    # 2 pairs of a, and of each of the 2 unselected videos the 5 that the selected ones have on average
    assert found.left.pairs == 12 and found.left.label_s == 24.0
    assert found.left.survey_s == 30.0 and found.left.core_s == 54.0
    # 12 pairs to label and to shard, 6 labelled ones to shard; a pair has 750 bytes on average
    assert found.left.bytes == 30 * 750
    assert "cost    in seconds of a core: survey 30 a video, label 2 a pair" in list(status_text.lines(found))


def test_the_pace_is_what_appeared_lately(build: Build) -> None:
    begun, now = time.time() - 200, time.time()
    for path in Path(build.root).rglob("*"):
        os.utime(path, (begun, begun))
    for chunk in Path(build.root).glob("labels/*/a/*.parquet"):
        os.utime(chunk, (now - 1, now - 1))
    found = status(build.root)
    assert found.pace.pairs_per_s == pytest.approx(8 / 200, rel=0.05)
    assert found.pace.cores == pytest.approx(16 / 200, rel=0.05)
    assert found.eta_s == pytest.approx(54 / (16 / 200), rel=0.05)


def test_nothing_of_late_gives_no_time_left(build: Build) -> None:
    for path in Path(build.root).rglob("*"):
        os.utime(path, (1e9, 1e9))
    found = status(build.root)
    assert (found.pace.cores, found.eta_s) == (0.0, None)
    assert "pace    nothing was finished lately" in list(status_text.lines(found))


def test_failures_are_told_by_reason_and_the_worst_named(build: Build, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", build.root]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line for line in told if line.startswith(("failed", "worst"))] == [
        "failed  pair: odd 2",
        "failed  video: no_frames 1",
        "worst   c: no_frames",
        "worst   a: 2 pairs failed, said",
    ]
    assert "label   2 of 3 or more chunks | labelled 6 of 8 pairs tried so far, 2 or more to come; odd 2" in told


def test_tasks_at_work_are_told_until_they_end(build: Build) -> None:
    names = {"root": build.root, "build_id": build.build_id, "video_id": "b"}
    survey, label = SurveyVideo(**names), LabelPairs(**names, part=1, parts=2)
    survey.trigger_event("event.core.start", survey)
    label.trigger_event("event.core.start", label)
    assert [(mark.task, mark.about) for mark in running.running(build.root)] == [
        ("SurveyVideo", "b"),
        ("LabelPairs", "b, part 1"),
    ]
    told = "\n".join(status_text.lines(status(build.root)))
    assert re.search(r"^running 2 tasks on 1 hosts, the oldest for 0:00:0\d: SurveyVideo b on ", told, re.MULTILINE)
    survey.trigger_event("event.core.success", survey)
    label.trigger_event("event.core.process_failure", label, "exit code -9")
    assert running.running(build.root) == []


def test_a_mark_of_a_killed_task_is_a_leftover(build: Build) -> None:
    task = SurveyVideo(root=build.root, build_id=build.build_id, video_id="b")
    running.begin(build.root, task)
    (left,) = storage.leftovers(build.root, time.time() + 1)
    storage.remove(left)
    assert running.running(build.root) == []


def test_unfinished_files_are_counted_and_the_oldest_dated(build: Build) -> None:
    folder = Path(build.videos_folder()) / "d" / ".tmp-fetch"
    folder.mkdir(parents=True)
    (folder / "part").write_bytes(b"half")
    os.utime(folder / "part", (time.time() - 3700,) * 2)
    told = list(status_text.lines(status(build.root)))
    assert any(re.match(r"unfinished files: 1, the oldest changed 1:01:4\d ago", line) for line in told)


def test_a_handful_of_listings(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = type(fsspec.filesystem("file"))
    seen: list[str] = []
    find = kind.find
    monkeypatch.setattr(kind, "find", lambda self, path, **more: seen.append(path) or find(self, path, **more))
    status(build.root)
    assert 5 < len(seen) <= 12


def test_metrics_are_in_the_exposition_format(build: Build, tmp_path: Path) -> None:
    file = tmp_path / "metrics" / "build.prom"
    assert main(["status", build.root, "--prometheus", str(file)]) == 0
    values: dict[str, float] = {}
    for line in file.read_text().splitlines():
        match = re.fullmatch(r'([a-z_]+\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)*\}) (\S+)', line)
        assert match or re.fullmatch(r"# (HELP|TYPE) relative_depth_\S+ .+", line), line
        values |= {match[1]: float(match[2])} if match else {}
    assert values['relative_depth_tasks_done{stage="label"}'] == 2
    assert values['relative_depth_rows{of="pair",status="failed",reason="odd"}'] == 2
    assert values['relative_depth_cost_seconds{part="survey"}'] == 90
    assert values[f'relative_depth_finished{{build="{build.build_id}"}}'] == 0
    assert [path.name for path in file.parent.iterdir()] == ["build.prom"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["/nowhere/at/all"], "holds no build; give the --root that BuildShards was given"),
        (["ROOT", "--build", "../x"], "has no build '../x'; it has "),
        (["ROOT", "--build", "0ther"], "is of another version of the software, with other parameters; use that"),
    ],
)
def test_a_mistake_gets_one_sentence(
    build: Build, capsys: pytest.CaptureFixture[str], words: list[Any], said: str
) -> None:
    of_another_version(build)
    assert main(["status", *[word.replace("ROOT", build.root) for word in words]]) == 2
    told = capsys.readouterr()
    assert said in told.err and told.err.count("\n") == 1 and not told.out


def test_a_finished_build_says_so(built: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(built.root)]) == 0
    told = capsys.readouterr().out.splitlines()
    funnel = built.record["funnel"]
    assert told[1].startswith("fetch   2 of 2 videos")
    assert told[4].startswith(f"label   {len(list(built.root.glob('labels/*/*/*.parquet')))} of")
    assert told[5].endswith(f"{funnel['sharded']} samples")
    assert told[-1] == f"complete: {built.folder}/dataset.json"
    assert not any(line.startswith(("running", "unfinished", "left")) for line in told)
