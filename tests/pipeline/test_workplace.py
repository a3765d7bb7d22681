"""The place of unfinished files, under crowds and crashes."""

import multiprocessing
import random
from pathlib import Path

import pytest

from pipeline.workplace import clear, workplace


def test_what_was_left_is_there_again(tmp_path: Path) -> None:
    with workplace(tmp_path / "one") as work:
        (work / "part").write_text("half")
    with workplace(tmp_path / "one") as work:
        assert (work / "part").read_text() == "half"
        clear(work)
    assert list((tmp_path / "one").iterdir()) == []


def test_a_second_process_gets_a_place_of_its_own(tmp_path: Path) -> None:
    with workplace(tmp_path) as first:
        with workplace(tmp_path) as second:  # a lock of another open file: the same as another process
            assert second != first
            (second / "part").touch()
            assert not (first / "part").exists()
        assert not second.exists()


def test_a_lock_of_a_cleared_place_is_worth_nothing(tmp_path: Path) -> None:
    with workplace(tmp_path) as first:
        clear(first)
        with workplace(tmp_path) as second:
            (second / "part").touch()
            with workplace(tmp_path) as third:
                assert third != second


def test_a_file_in_its_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".tmp-fetch").touch()
    with pytest.raises(NotADirectoryError, match="remove it"), workplace(tmp_path):
        pass


def _work(folder: str, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(40):
        with workplace(Path(folder)) as work:
            mark = work / "mark"
            mark.write_text(str(seed))
            for _ in range(chance.randrange(20)):
                assert mark.read_text() == str(seed), "two processes in one place"
            clear(work)


def test_a_crowd_never_shares_a_place(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    crowd = [context.Process(target=_work, args=(str(tmp_path), seed)) for seed in range(4)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert [one.exitcode for one in crowd] == [0] * 4
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_clearing_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".tmp-cleared-1").mkdir()
    (tmp_path / ".tmp-cleared-1" / "part").touch()
    with workplace(tmp_path) as work:
        clear(work)
    assert list(tmp_path.iterdir()) == []
