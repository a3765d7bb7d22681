import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labels import road
from labels.dense_depth import MEASURED
from labels.pair import LabelParameters, label_pair
from pipeline import compilation


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
        (label_pair(*pair, 0.8 * compilation.WIDTH), [nearest.pop() for _ in nearest[:]])
        for pair in compilation._pairs()
    )
    assert [label.reason for label in (tunnel, faint, nothing)] == ["", "", "few_samples"]
    assert above == [0.0], "there is no road to be taken"
    assert len(below) == 2 and min(below) > 0, "the road is taken, and once more with the motion measured anew"
    assert (tunnel.origin == MEASURED).mean() > 0.3


def test_it_is_done_once_and_elsewhere(nothing_begun: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compilation, "_label", lambda *_: (tmp_path / str(os.getpid())).write_text("begun"))
    compilation.compile_ahead(LabelParameters())
    compilation.compile_ahead(LabelParameters())
    limit = time.monotonic() + 30
    while not list(tmp_path.iterdir()) and time.monotonic() < limit:
        time.sleep(0.01)
    time.sleep(0.2)
    (place,) = tmp_path.iterdir()
    assert place.name != str(os.getpid())


def test_a_task_begins_nothing(nothing_begun: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation, "_MAIN_PROCESS", os.getpid() + 1)
    compilation.compile_ahead(LabelParameters())
    assert not compilation._begun
