import io
import json
import os
import random
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import webdataset

from labels.codec import decode

Start = Callable[..., Any]


def test_a_build_makes_a_dataset_that_says_what_it_is(built: Any) -> None:
    record = built.record
    samples = pq.read_table(built.folder / "samples.parquet").to_pylist()
    assert record["funnel"]["candidates"] == 72
    assert record["funnel"]["labelled"] == record["funnel"]["sharded"] == len(samples) > 10
    assert sum(shard["count"] for shard in record["shards"]) == len(samples)
    assert {row["split"] for row in samples if row["video_id"] == "drive_1"} == {"train"}
    assert {row["split"] for row in samples if row["video_id"] == "drive_2"} == {"val"}
    # every frame that is not in it has a reason
    explained = sum(reason["count"] for reason in record["funnel"]["reasons"])
    assert explained + len(samples) == record["funnel"]["candidates"]
    cost = json.loads((built.folder / "cost.json").read_text())
    assert cost["pairs"] == record["funnel"]["selected"]
    assert min(cost["survey_s"], cost["decode_s"], cost["label_s"], cost["encode_s"]) > 0


def test_stock_webdataset_reads_every_sample(built: Any) -> None:
    keys = []
    for shard in sorted(built.folder.glob("*.tar")):
        for item in webdataset.WebDataset(str(shard), shardshuffle=False):
            keys.append(item["__key__"])
            codes = cv2.imdecode(np.frombuffer(item["depth.png"], np.uint8), cv2.IMREAD_UNCHANGED)
            frame = cv2.imdecode(np.frombuffer(item["jpg"], np.uint8), cv2.IMREAD_COLOR)
            told = json.loads(item["json"])
            z, valid = decode(codes)
            assert codes.shape == frame.shape[:2] == (told["height"], told["width"])
            assert valid.mean() == pytest.approx(told["valid_fraction"], abs=1e-3)
            assert 0 < z[valid].min() < 0.1 and 0.9 < z[valid].max() < 1
    assert sorted(keys) == sorted(pq.read_table(built.folder / "samples.parquet").column("key").to_pylist())
    assert len(keys) == len(set(keys))


def test_offsets_of_the_parquet_lead_to_the_samples(built: Any) -> None:
    for row in pq.read_table(built.folder / "samples.parquet").to_pylist():
        with (built.folder / row["shard"]).open("rb") as file:
            file.seek(row["offset"])
            blocks = file.read(row["size"])
        with tarfile.open(fileobj=io.BytesIO(blocks), mode="r:", ignore_zeros=True) as tar:
            assert {name.partition(".")[0] for name in tar.getnames()} == {row["key"]}


def test_the_same_bytes_with_two_workers_and_a_reversed_manifest(built: Any, start: Start) -> None:
    lines = built.manifest.read_text().splitlines()
    names = lines[0].split(",")
    reversed_rows = [dict(zip(names, line.split(","))) for line in reversed(lines[1:])]
    other = start(reversed_rows, "drives")
    finished = other.run("--workers", 2, "--parts", 3)
    assert finished.returncode == 0, finished.stderr
    assert other.hashes() == built.hashes()


def test_a_finished_build_does_nothing_again(built: Any) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.root.rglob("*") if path.is_file()}
    assert built.run().returncode == 0
    after = {path: path.stat().st_mtime_ns for path in built.root.rglob("*") if path.is_file()}
    assert before == after


STAGES = ["survey", "pairs", "labels", "shards"]


def kill_at_work(build: Any, delay_s: float, stage: str = "") -> bool:
    """Start a build, kill it and all its processes so long after it took up work, or after a stage began.

    Returns whether it was still at work.
    """
    before = build.root.stat().st_mtime_ns if build.root.exists() else 0
    process = subprocess.Popen(build.command("--workers", 2), stderr=subprocess.DEVNULL, start_new_session=True)
    # Once its input is checked, a build tries whether its root is writable: only then does anything depend on it.
    while process.poll() is None and not (build.root.exists() and build.root.stat().st_mtime_ns != before):
        time.sleep(0.005)
    while process.poll() is None and stage and not (build.root / stage).exists():
        time.sleep(0.005)
    try:
        assert process.wait(timeout=delay_s) == 0
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


@pytest.mark.slow
def test_the_same_bytes_after_being_killed_again_and_again(built: Any, start: Start) -> None:
    build = start()
    generator = random.Random(7)
    kills = sum(kill_at_work(build, generator.uniform(0.0, 1.5)) for _ in range(10))  # the drives take longer to render
    assert build.run("--workers", 2).returncode == 0
    assert build.hashes() == built.hashes()
    interrupted: set[str] = set()  # stages that had begun and not ended when a kill came
    while kills < 50:
        # not only of finished builds: one that is killed as it starts, again and again, would never leave its stage
        if generator.random() < 0.3 or (build.folder / "dataset.json").exists():
            for stage in STAGES[generator.randrange(len(STAGES)) :]:
                shutil.rmtree(build.root / stage, ignore_errors=True)
        kills += kill_at_work(build, generator.uniform(0.0, 1.0), STAGES[generator.randrange(len(STAGES))])
        begun = [stage for stage in STAGES if (build.root / stage).exists()]
        interrupted.update(begun[-1:] if not (build.folder / "dataset.json").exists() else [])
    assert len(interrupted) > 2
    finished = build.run("--workers", 2)
    assert finished.returncode == 0, finished.stderr
    assert build.hashes() == built.hashes()
    assert build.run("--leftover-age-s", 0, task="PruneVersions").returncode == 0
    assert list(build.root.rglob(".tmp-*")) == []


def test_an_egomotion_parameter_remakes_labels_and_shards_only(built: Any, start: Start, tmp_path: Path) -> None:
    build = start()
    assert build.run().returncode == 0
    first = build.folder
    before = {path for path in build.root.rglob("*") if path.is_file()}
    assert build.run("--Egomotion-noise-floor-px", 0.5).returncode == 0
    after = {path for path in build.root.rglob("*") if path.is_file()}
    new = {path.relative_to(build.root).parts[0] for path in after - before}
    assert new == {"labels", "shards", "builds"}
    assert build.folder != first and (first / "dataset.json").exists()
    assert build.run(task="PruneVersions").returncode == 0
    assert not first.exists() and (build.folder / "dataset.json").exists()
    assert len(list((build.root / "labels").iterdir())) == 1
