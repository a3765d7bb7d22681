"""The report on runs as Chromium sees it; skipped where there is no Chromium."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.chromium import Open, assert_sound
from training import run_folder
from training.configuration import Configuration
from training.report_page import write_report
from training.segmentation.configuration import SegmentationConfiguration


@pytest.fixture(scope="module")
def page(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report on ten runs, with more names and lines than fit side by side."""
    folder = tmp_path_factory.mktemp("runs")
    places = [folder / f"a_run_of_a_long_name_that_{number}_does_not_fit" for number in range(10)]
    for number, place in enumerate(places):
        configuration = SegmentationConfiguration() if number % 4 == 3 else Configuration()
        facts = run_folder.provenance(str(small_dataset), "0123", str(folder / "gone"), 1)
        run_folder.start(place, configuration, facts, resume=False)
        for step in range(0, 400, 20):
            run_folder.append_metrics(place, {"step": step, "of": 500, "loss": 50 / (1 + number + step)})
        names = list(configuration.card().scores)
        scored = {"validation": {"network": dict.fromkeys(names, 0.1 * number)}, "images": 4, "error": 0.5}
        run_folder.append_metrics(place, {"step": 380, "epoch": 1, **scored, "iou": {"road": 0.5, "sky": None}})
    out = folder / "report.html"
    write_report(places, out, [], 2, "cpu")
    return out.as_uri()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390), ("dark", 1280), ("light", 390)])
def test_the_report_is_sound_and_accessible(look: Open, page: str, scheme: str, width: int) -> None:
    opened = look(page, scheme, width)
    assert opened.locator("svg[role=img]").count() == 4 + 4
    for details in opened.locator("details").all():
        details.evaluate("each => { each.open = true }")
    assert_sound(opened)


def test_keys_lead_to_a_table_of_a_chart(look: Open, page: str) -> None:
    opened = look(page)
    opened.keyboard.press("Tab")
    expect(opened.get_by_role("link", name="Skip to the runs")).to_be_focused()
    summary = opened.locator("summary").first
    summary.focus()
    opened.keyboard.press("Enter")
    table = opened.get_by_role("region", name="Table: values of Loss of training, Relative depth")
    expect(table.get_by_role("cell", name="50", exact=True)).to_be_visible()
    opened.keyboard.press("Tab")
    expect(table).to_be_focused()
