"""The enlarged dataset of the measurement has the rows that it should, and its pages are seen as a whole."""

import json
from pathlib import Path

import pytest

from benchmarks import browsing
from benchmarks.browsing import enlarged, main, pages
from benchmarks.chromium import CHROMIUM
from pipeline.browser import application
from pipeline.catalogue import PAGE, Query, catalogue
from pipeline.dataset import open_dataset
from tests.pipeline.laid_build import finish, lay_out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(finish(lay_out(tmp_path_factory.mktemp("laid"))))


def test_rows_are_repeated_under_keys_of_their_own(folder: str) -> None:
    found = enlarged(catalogue(open_dataset(folder)), 100)
    keys = found.samples.column("key").to_pylist()
    assert len(set(keys)) == 100
    assert keys == sorted(keys)
    assert len(found.select(Query())) == 100
    assert [found.place(key) for key in keys] == list(range(100))
    assert found.place(keys[57] + "x") == found.place("") == found.place("~") == -1
    row = found.row(keys[57])
    assert row is not None
    assert row["key"] == keys[57]


def test_each_page_that_is_looked_at_is_there(folder: str) -> None:
    found = enlarged(catalogue(open_dataset(folder)), 100)
    client = application([found]).test_client()
    answers = {name: client.get(page) for name, page in pages(found).items()}
    assert {answer.status_code for answer in answers.values()} == {200}
    assert "page 5 of 5" in answers["last"].text
    assert "page 2 of 5" in answers["in the middle"].text


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_pages_are_seen_with_all_their_pictures(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsing, "REPEATS", 1)
    assert main([folder, "--rows", "100", "--json", str(tmp_path / "figures.json")]) == 0
    rows = {row["page"]: row for row in json.loads((tmp_path / "figures.json").read_text())}
    assert rows["first"]["images"] == rows["in the middle"]["images"] == 2 * PAGE
    assert rows["last"]["images"] == 2 * (100 - 4 * PAGE)
    assert all(row["longest_s"] >= row["seen_s"] > 0 < row["server_s"] for row in rows.values())


def test_too_few_rows_are_refused(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([folder, "--rows", "3"]) == 2
    assert "--rows 3 do not fill a page" in capsys.readouterr().err
