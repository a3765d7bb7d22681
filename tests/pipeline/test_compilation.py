import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labels.dense_depth import MEASURED
from labels.pair import LabelParameters, label_pair
from pipeline import compilation


@pytest.fixture
def nothing_begun() -> Iterator[None]:
    before, compilation._begun[:] = compilation._begun[:], []
    yield
    compilation._begun[:] = before


def test_the_made_up_frames_lead_through_the_whole_of_the_labels() -> None:
    ends = [label_pair(*pair, 0.8 * compilation.WIDTH) for pair in compilation._pairs()]
    assert [label.reason for label in ends] == ["", "", "few_samples"]
    measured = [float((label.origin == MEASURED).mean()) for label in ends]
    assert measured[0] > measured[1] > 0.3, "the lower half of the second has no texture"


def test_it_is_done_once_and_elsewhere(nothing_begun: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compilation, "_label", lambda _: (tmp_path / str(os.getpid())).write_text("begun"))
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
