import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from labels import road
from labels.dense_depth import MEASURED
from labels.edge_channels import Channels, Detector
from labels.pair import LabelParameters, label_pair
from pipeline import compilation
from pipeline.label_pairs import LabelPairs


@pytest.fixture
def nothing_begun() -> Iterator[None]:
    before, compilation._begun[:] = compilation._begun[:], []
    yield
    compilation._begun[:] = before


def test_the_made_up_frames_lead_through_the_whole_of_the_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    nearest: list[float] = []
    take = road.take
    monkeypatch.setattr(road, "take", lambda *told: nearest.append(take(*told)) or nearest[-1])
    (tunnel, above), (faint, below), (nothing, _) = (
        (label_pair(*pair, 0.8 * compilation.WIDTH, focal_known=False), [nearest.pop() for _ in nearest[:]])
        for pair in compilation._pairs()
    )
    assert [label.reason for label in (tunnel, faint, nothing)] == ["", "", "few_samples"]
    assert above == [0.0], "there is no road to be taken"
    assert len(below) == 2 and min(below) > 0, "the road is taken, and once more with the motion measured anew"
    assert (tunnel.origin == MEASURED).mean() > 0.3


class Nowhere:
    def edges(self, found: Channels) -> NDArray[np.float32]:
        return np.zeros((2, 2), np.float32)


@pytest.mark.parametrize(
    ("compiled", "detector", "here"),
    [(False, None, False), (True, None, True), (True, Nowhere(), False)],
    ids=["compiled elsewhere", "loaded where tasks are forked", "a detector is asked elsewhere"],
)
def test_it_is_done_once(
    compiled: bool, detector: Detector | None, here: bool, nothing_begun: None, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setattr(compilation, "_label", lambda *_: _sign(tmp_path))
    monkeypatch.setattr(compilation, "_compiled", lambda: compiled)
    compilation.compile_ahead(LabelParameters(), detector)
    compilation.compile_ahead(LabelParameters(), detector)
    assert (_signed(tmp_path) == str(os.getpid())) == here


def test_it_is_known_whether_kernels_were_kept(tmp_path: Path) -> None:
    asked = "from pipeline import compilation; print(compilation._compiled())"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    told = [subprocess.check_output([sys.executable, "-c", asked], env=environment, text=True) for _ in range(2)]
    assert told == ["False\n", "True\n"]


def _sign(folder: Path) -> None:
    (folder / str(time.monotonic_ns())).write_text(str(os.getpid()))


def _signed(folder: Path) -> str:
    limit = time.monotonic() + 30
    while not list(folder.iterdir()) and time.monotonic() < limit:
        time.sleep(0.01)
    time.sleep(0.2)
    (place,) = folder.iterdir()
    return place.read_text()


@pytest.mark.parametrize("end", [lambda: None, lambda: os.kill(os.getpid(), signal.SIGKILL)], ids=["ended", "killed"])
def test_tasks_wait_for_what_is_compiled_elsewhere(
    end: Callable[[], None], nothing_begun: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def compiled_late(*_: object) -> None:
        time.sleep(0.5)
        _sign(tmp_path)
        end()

    monkeypatch.setattr(compilation, "_label", compiled_late)
    monkeypatch.setattr(compilation, "_compiled", lambda: False)
    compilation.compile_ahead(LabelParameters())
    with multiprocessing.get_context("fork").Pool(2) as tasks:
        seen = [tasks.apply_async(_signatures_after_waiting, (tmp_path,)) for _ in range(2)]
        assert [one.get(timeout=60) for one in seen] == [1, 1]


def _signatures_after_waiting(folder: Path) -> int:
    compilation.wait()
    return len(list(folder.iterdir()))


def test_nobody_waits_for_a_process_that_is_stuck(
    nothing_begun: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(compilation, "_label", lambda *_: time.sleep(600))
    monkeypatch.setattr(compilation, "_compiled", lambda: False)
    monkeypatch.setattr(compilation, "PATIENCE_S", 0.1)
    compilation.compile_ahead(LabelParameters())
    compilation.wait()
    (stuck,) = compilation._begun
    assert stuck is not None and stuck.is_alive()
    stuck.kill()


def test_labels_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first of a task's chunks, which may be none."""
    waited: list[bool] = []
    monkeypatch.setattr(compilation, "wait", lambda: waited.append(True))
    monkeypatch.setattr(LabelPairs, "_todo", lambda _: iter(()))
    LabelPairs(root="root", build_id="build", video_id="video", part=0, parts=1).run()
    assert waited == [True]


def test_a_task_begins_nothing(nothing_begun: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation, "_MAIN_PROCESS", os.getpid() + 1)
    compilation.compile_ahead(LabelParameters())
    assert not compilation._begun
