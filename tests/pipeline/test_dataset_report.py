import html.parser
import json
import re
from pathlib import Path
from typing import Any

import luigi
import numpy as np
import pytest

from pipeline import chart, html_page, report_facts, report_page, report_pictures, storage, survey_video
from pipeline.dataset_report import DatasetReport
from pipeline.funnel import Funnel
from pipeline.labelled_pairs import labelled_pairs
from tests.pipeline.laid_build import HOSTILE, finish, lay_out


class Page(html.parser.HTMLParser):
    """Elements with attributes, and the text, of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(root: Path, **options: int) -> tuple[str, Page]:
    build = lay_out(root, **options)
    text = report_page.report(build, Funnel().update(build))
    return text, Page(text)


def test_hostile_titles_sources_and_licences_appear_as_text(tmp_path: Path) -> None:
    _, page = page_of(tmp_path)
    assert "script" not in {tag for tag, _ in page.elements}
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert all((attributes["src"] or "").startswith("data:image/") for tag, attributes in page.elements if tag == "img")
    assert page.text.count(HOSTILE) >= 6  # two titles, two sources, licences, the manifest
    assert "secret" not in page.text


def test_the_page_is_whole_in_one_file(tmp_path: Path) -> None:
    text, page = page_of(tmp_path)
    loaded = [attributes.get("src") or attributes.get("href") for tag, attributes in page.elements]
    assert all(url.startswith(("data:", "#")) for url in loaded if url)
    assert "@import" not in text and "url(" not in text
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    # six scores, three labels each, three pictures of a label; a mask a video
    assert len(images) == 6 * 3 * 3 + 2
    assert all(attributes["alt"] for attributes in images)


def test_counts_are_those_of_the_funnel(tmp_path: Path) -> None:
    text, _ = page_of(tmp_path, videos=2, labels=6)
    stages = dict(re.findall(r'<th scope="row">([^<]+)</th><td class="n">(\d+)</td>', text))
    assert stages["frames seen (candidates)"] == "28"
    assert stages["pairs selected"] == stages["pairs tried"] == "14"
    assert stages["pairs labelled"] == "12"
    assert re.search(r'few_inliers</th><td class="n">2</td>', text)
    assert re.search(r'spacing</th><td class="n">14</td>', text)


def test_the_same_outputs_give_the_same_bytes_wherever_they_are(tmp_path: Path) -> None:
    assert page_of(tmp_path / "a")[0] == page_of(tmp_path / "b")[0]


def test_seconds_spent_change_the_section_of_the_cost_and_nothing_else(tmp_path: Path) -> None:
    build = lay_out(tmp_path)
    before = report_page.report(build, Funnel().update(build))
    target = survey_video.camera_target(build, build.videos[0])
    target.write(json.dumps(json.loads(target.read()) | {"seconds": 77.0}).encode())
    after = report_page.report(build, Funnel().update(build))
    assert before != after
    without = [re.sub(r'<section id="cost".*?</section>', "", text, flags=re.DOTALL) for text in (before, after)]
    assert without[0] == without[1]


def test_the_best_and_the_worst_are_the_ends_of_each_score(tmp_path: Path) -> None:
    build = lay_out(tmp_path)
    labelled = labelled_pairs(build)
    for score in report_pictures.examples(build, labelled):
        values = labelled.column(score["column"]).to_pylist()
        told = {shown["end"]: shown["value"] for shown in score["shown"]}
        assert (told["best"], told["worst"]) == (
            (max(values), min(values)) if score["more"] else (min(values), max(values))
        )
        assert sorted(values)[len(values) // 2 - 1] <= told["median"] <= sorted(values)[len(values) // 2]


def test_the_largest_fixed_mask_comes_first(tmp_path: Path) -> None:
    build = lay_out(tmp_path, videos=3)
    rows = report_facts.videos(build, Funnel().update(build))
    shown = report_pictures.fixed_masks(build, labelled_pairs(build), rows)
    assert [row["video_id"] for row in shown] == ["v2", "v1", "v0"]


def test_a_build_with_nothing_done_yet_has_a_report(tmp_path: Path) -> None:
    build = lay_out(tmp_path, labels=0)
    for stage in ("videos", "survey", "pairs", "labels"):
        storage.remove(storage.join(build.root, stage))
    storage.forget_all()
    page = Page(report_page.report(build, Funnel().update(build)))
    assert "not finished" in page.text and "There is no label yet" in page.text


def test_a_finished_dataset_has_its_report_outside_of_what_is_hashed(tmp_path: Path) -> None:
    folder = finish(lay_out(tmp_path))
    assert "not finished" not in (folder / "report.html").read_text()
    assert "report" not in (folder / "dataset.json").read_text()


def test_the_task_reports_on_a_build_under_way(tmp_path: Path) -> None:
    manifest = tmp_path / "drives.csv"
    manifest.write_text("video_id,source\ndrive,simulated:street?seed=1&frames=8\n")
    root = tmp_path / "root"
    lay_out(root)  # some build, so that the root is one
    task = DatasetReport(manifest=str(manifest), root=str(root))
    assert luigi.build([task], local_scheduler=True, log_level="WARNING")
    (report,) = root.glob("shards/*/report.html")
    assert "drive" in report.read_text() and "not finished" in report.read_text()


def test_a_root_without_a_build_is_one_sentence(tmp_path: Path) -> None:
    task = DatasetReport(root=str(tmp_path / "nothing"))
    with pytest.raises(ValueError, match="holds no build; give the --root"):
        task.run()
    assert not (tmp_path / "nothing").exists()


def test_a_histogram_counts_every_number_once() -> None:
    drawn = chart.histogram([0.0, 0.5, 1.0, 9.0, float("nan")], 0.0, 1.0)
    assert drawn is not None
    assert (drawn.total, drawn.missing, drawn.counts[0], drawn.counts[-1]) == (4, 1, 1, 2)
    assert drawn.at(drawn.median) == pytest.approx(0.75 * chart.WIDTH)
    assert max(bar["height"] for bar in drawn.bars()) == chart.HEIGHT


def test_equal_numbers_and_none_at_all_can_be_drawn() -> None:
    drawn = chart.histogram(np.full(5, 3.0))
    assert drawn is not None and drawn.total == 5 and drawn.low < 3 < drawn.high
    assert chart.histogram([float("nan")]) is None


def test_points_off_the_frame_are_counted_not_drawn() -> None:
    drawn = chart.scatter([0.5, 0.6, 7.0, float("nan")], [0.5, 0.5, 0.5, 0.5], most=1)
    assert drawn.pop("spread") == [pytest.approx([0.505, 0.55, 0.595]), [0.5, 0.5, 0.5]]
    assert drawn == {"points": [(0.5, 0.5)], "near": 2, "beyond": 1, "nowhere": 1}


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (float("nan"), "–"), (12345, "12\u202f345"), (0.12345, "0.123"), (3.0, "3")]
)
def test_numbers_for_people(value: float | None, shown: str) -> None:
    assert html_page.number(value) == shown


def test_a_build_ends_with_its_report(built: Any) -> None:
    page = Page((built.folder / "report.html").read_text())
    assert "not finished" not in page.text
    assert "drive_1" in page.text and "drive_2" in page.text
