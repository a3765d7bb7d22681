"""The command that prints the paper's tables: its figures, and which score of a run goes where."""

from pathlib import Path

import pytest

from evaluation.__main__ import main
from evaluation.paper_tables import TABLES
from evaluation.report import Report, read_protocols, write_json


def scores(path: Path, task: str, protocols: dict[str, dict[str, float]]) -> str:
    write_json(path, Report(task, protocols))
    return str(path)


def test_the_papers_figures_stand_as_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tables"]) == 0
    printed = capsys.readouterr().out
    for row in (
        "paper: relative depth 45.4 42.6 53.4",
        "paper: relative depth, CityDriving + Cityscapes 56.2 58.5 60.5",
        "paper: scratch 93.78 91.37 89.37 79.93 66.02",
        "paper: ResNet50, scratch 0.131 - 5.032 - - - -",
        "paper: VGG16, relative depth, CityDriving + KITTI 0.148 1.056 5.317 0.221 0.791 0.932 0.977",
    ):
        assert row in [" ".join(line.split()) for line in printed.splitlines()]
    for table in TABLES:
        assert all(len(row) == len(table.columns) for row in table.paper.values()), table.title
        assert table.protocol.split(";")[0] in printed


def test_each_score_goes_into_its_column_in_the_tables_unit(tmp_path: Path) -> None:
    rule = {f"Car {name}, pre-2017 rule": {"mean41": 80.0, "R40": 1.0} for name in ("easy", "moderate", "hard")}
    other = {f"Car {name}, 2017 rule": {"mean41": 2.0} for name in ("easy", "moderate", "hard")}
    road = {"perspective, all": {"max_f": 0.95, "average_precision": 0.9}, "perspective, um": {"max_f": 0}}
    runs = {
        "a.json": ("segmentation", {"camvid": {"mean_iou": 0.5}}),
        "b.json": ("segmentation", {"cityscapes": {"mean_iou": 0.6}}),
        "c.json": ("road", road),
        "d.json": ("detection", other | rule),
        "e.json": ("depth", {"monodepth, forward x, Garg crop": {"abs_rel": 0.1, "delta1": 0.9}}),
    }
    names = {"b.json": "ours FCN16s"}
    words = [f"{names.get(name, 'ours')}={scores(tmp_path / name, *run)}" for name, run in runs.items()]
    assert main(["tables", *words, "--json", str(tmp_path / "t.json")]) == 0
    rows = read_protocols(tmp_path / "t.json")[1]
    ours = {name: figures for name, figures in rows.items() if "paper" not in name}
    assert list(ours.values()) == [
        {"CamVid": 50},
        {"FCN16s": 60},
        {"road F1": 95, "road AP": 90, "easy": 80, "moderate": 80, "hard": 80},
        {"abs rel": 0.1, "< 1.25^1": 0.9},
    ]


def test_seeds_give_a_mean_and_a_deviation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "ours=" + scores(tmp_path / f"{iou}.json", "segmentation", {"kitti": {"mean_iou": iou}})
        for iou in (0.40, 0.42, 0.44)
    ]
    assert main(["tables", *words]) == 0
    assert "42.0 ± 2.0" in capsys.readouterr().out


def test_another_protocol_than_the_papers_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = scores(tmp_path / "a.json", "depth", {"improved, Garg crop": {"rmse": 4.0}})
    assert main(["tables", f"ours={path}"]) == 0
    assert "ours (improved, Garg crop)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "content", "complaint"),
    [
        ("F", "", "is no run; give NAME=F"),
        ("=F", "", "is no run; give NAME=F"),
        ("ours=F", "not JSON", "holds no scores"),
        ("ours=F", '{"task": "road", "protocols": {"a": {"b": "c"}}}', "holds no scores"),
        ("ours=F", "[1]", "holds no scores"),
        ("ours=F", None, "No such file"),
    ],
)
def test_what_is_no_file_of_scores_is_refused(
    word: str, content: str | None, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_text(content)
    assert main(["tables", word.replace("F", str(path))]) == 2
    assert complaint in capsys.readouterr().err
