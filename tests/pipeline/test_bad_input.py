"""Builds of everything that can be wrong with a manifest or a video, beside what is right."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

Start = Callable[..., Any]


def write_video(path: Path, images: list[NDArray[np.uint8]]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))


def write_sound(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def ends(built: Any, start: Start, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The rows of videos.parquet by id, of a build of all the bad videos and one good one."""
    folder = tmp_path_factory.mktemp("bad")
    generator = np.random.default_rng(0)
    texture = cv2.GaussianBlur(generator.integers(0, 255, (192, 320, 3), dtype=np.uint8), (0, 0), 2)
    good = built.root / "videos" / "drive_1" / "source.mp4"
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("this is no video\n" * 100)
    (folder / "noise.mp4").write_bytes(generator.bytes(20000))
    (folder / "truncated.mp4").write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    write_sound(folder / "sound.mp4")
    write_video(folder / "one_frame.mp4", [texture])
    write_video(folder / "still.mp4", [texture] * 30)
    write_video(folder / "black.mp4", [np.zeros((192, 320, 3), np.uint8)] * 30)
    tall = np.ascontiguousarray(np.rot90(texture))
    write_video(folder / "portrait.mp4", [np.roll(tall, 3 * i, 0) for i in range(30)])
    names = ["empty", "text", "noise", "truncated", "sound", "one_frame", "still", "black", "portrait", "missing"]
    rows = [{"video_id": name, "source": folder / f"{name}.mp4"} for name in names]
    build = start([*rows, {"video_id": "good", "source": good}], "bad")
    finished = build.run("--workers", 2, "--max-failed-fraction", 0.8)
    assert finished.returncode == 0, finished.stderr
    return {row["video_id"]: row for row in pq.read_table(build.folder / "videos.parquet").to_pylist()}


@pytest.mark.parametrize("name", ["empty", "text", "noise", "truncated", "sound", "missing"])
def test_what_gives_no_frames_has_failed_or_is_gone_with_a_reason(ends: dict[str, Any], name: str) -> None:
    assert ends[name]["status"] in ("failed", "gone")
    assert ends[name]["reason"] and ends[name]["detail"]


@pytest.mark.parametrize("name", ["one_frame", "still", "black", "portrait"])
def test_what_has_no_depth_to_give_is_filtered_with_a_reason(ends: dict[str, Any], name: str) -> None:
    row = ends[name]
    assert row["labelled"] == 0
    assert row["status"] == "filtered" or row["candidates"] > row["selected"] == 0
    assert row["failed"] == 0


def test_the_good_video_is_unharmed(ends: dict[str, Any], built: Any) -> None:
    alone = {row["video_id"]: row for row in pq.read_table(built.folder / "videos.parquet").to_pylist()}
    assert ends["good"]["labelled"] == alone["drive_1"]["labelled"] > 5


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"video_id": "a/b", "source": "x.mp4"}, "line 3"),
        ({"video_id": "..", "source": "x.mp4"}, "line 3"),
        ({"video_id": "good", "source": "x.mp4"}, "line 3"),
        ({"video_id": "v", "source": "pipe:cat x"}, "line 3"),
    ],
)
def test_a_bad_manifest_row_is_refused_before_work(start: Start, row: dict[str, Any], words: str) -> None:
    build = start([{"video_id": "good", "source": "simulated:street?seed=1&frames=8"}, row])
    finished = build.run()
    assert finished.returncode == 13
    assert words in finished.stderr and "Traceback" not in finished.stderr
    assert not build.root.exists()


def test_no_usable_pair_is_an_error_and_the_funnel_says_why(start: Start, tmp_path: Path) -> None:
    write_video(tmp_path / "black.mp4", [np.zeros((192, 320, 3), np.uint8)] * 30)
    finished = start([{"video_id": "black", "source": tmp_path / "black.mp4"}]).run()
    assert finished.returncode == 11
    assert "no usable pair" in finished.stderr and "Traceback" not in finished.stderr


def test_too_many_failures_are_an_error_that_names_the_worst(start: Start) -> None:
    finished = start([{"video_id": "nothing_there", "source": "/nowhere.mp4"}]).run("--max-failed-fraction", 0)
    assert finished.returncode == 11
    assert "Traceback" not in finished.stderr


def test_a_root_of_another_format_is_refused(start: Start) -> None:
    build = start()
    build.root.mkdir()
    (build.root / "format.json").write_text(json.dumps({"format": 0}))
    finished = build.run()
    assert finished.returncode == 13
    assert "format 0" in finished.stderr and "--root" in finished.stderr and "Traceback" not in finished.stderr


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc, a folder that nobody can write to")
def test_an_unwritable_root_is_one_sentence(start: Start) -> None:
    build = start()
    build.root = Path("/proc/self/root_of_a_build")
    finished = build.run()
    assert finished.returncode == 13
    assert "cannot write to the root" in finished.stderr and "Traceback" not in finished.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to mount a small file system")
def test_a_full_disk_leaves_nothing_half_written_and_more_room_finishes_the_build(
    start: Start, built: Any, tmp_path: Path
) -> None:
    build = start()
    build.root = tmp_path / "small"
    build.root.mkdir()
    if os.system(f"mount -t tmpfs -o size=400k tmpfs {build.root} 2>/dev/null") != 0:
        pytest.skip("mounting is not allowed here")
    try:
        finished = build.run("--scheduler-retry-delay", 0)
        assert finished.returncode == 11
        assert "No space left on device; free some room, then run the same command again" in finished.stderr
        assert "Traceback" not in finished.stderr
        for path in build.root.rglob("*.json"):
            json.loads(path.read_text())
        assert os.system(f"mount -o remount,size=100m {build.root}") == 0
        assert build.run().returncode == 0
        assert build.hashes() == built.hashes()
    finally:
        os.system(f"umount {build.root}")


def test_a_video_id_names_one_source_for_ever(start: Start) -> None:
    build = start([{"video_id": "v", "source": "simulated:street?seed=1&frames=8&width=320&height=192"}])
    build.run()
    build.manifest.write_text(build.manifest.read_text().replace("seed=1", "seed=2"))
    finished = build.run()
    assert finished.returncode == 13
    assert "give the new source an id of its own" in finished.stderr


def test_retry_failed_takes_up_exactly_what_failed(start: Start, built: Any, tmp_path: Path) -> None:
    good = built.root / "videos" / "drive_1" / "source.mp4"
    late = tmp_path / "late.mp4"
    late.write_bytes(b"not yet a video")
    build = start([{"video_id": "good", "source": good}, {"video_id": "late", "source": late}])
    assert build.run().returncode == 0
    first, before = build.folder, (build.root / "videos" / "good" / "fetch.json").stat().st_mtime_ns
    late.write_bytes(good.read_bytes())
    assert build.run().returncode == 0
    assert build.folder == first, "a failure is not tried again unasked"
    retried = build.run(task="RetryFailed")
    assert retried.returncode == 0 and "nothing failed" not in retried.stderr, retried.stderr
    assert "failed records removed; run BuildShards" in retried.stderr
    assert "nothing failed under" in build.run(task="RetryFailed").stderr
    assert build.run().returncode == 0
    assert build.folder != first and (first / "dataset.json").exists()
    rows = {row["video_id"]: row for row in pq.read_table(build.folder / "videos.parquet").to_pylist()}
    assert rows["late"]["labelled"] == rows["good"]["labelled"] > 5
    assert (build.root / "videos" / "good" / "fetch.json").stat().st_mtime_ns == before
