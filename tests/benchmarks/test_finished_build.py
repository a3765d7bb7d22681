"""The benchmark of a finished build, small."""

import json
from pathlib import Path

import pytest

from benchmarks import finished_build


def test_all_tasks_of_a_laid_out_build_are_complete(tmp_path: Path) -> None:
    assert finished_build.main(["--videos", "5", "--parts", "3", "--json", str(tmp_path / "f.json")]) == 0
    result = json.loads((tmp_path / "f.json").read_text())
    assert result["tasks"] == 5 * (3 + 3) + 1 + 3
    assert result["files"] == 5 * (5 + 2 * 3) + 1 + 1 + 3  # and the record of the build
    assert result["listings"] == 5  # one a stage


def test_a_missing_file_is_seen(tmp_path: Path) -> None:
    build = finished_build.lay_out(str(tmp_path), videos=2, parts=2)
    next(tmp_path.glob("labels/*/*/00001-of-00002.parquet")).unlink()
    with pytest.raises(AssertionError, match="LabelPairs"):
        finished_build.measure(build, parts=2)


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").touch()
    assert finished_build.main(["--root", str(tmp_path)]) == 2
    assert "has something in it" in capsys.readouterr().err
