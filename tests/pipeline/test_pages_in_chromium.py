"""The report and the browser as Chromium sees them; skipped where there is no Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.chromium import served
from pipeline.browser import LOOPBACK, application
from pipeline.catalogue import catalogue
from pipeline.dataset import open_dataset
from tests.chromium import Open, assert_sound
from tests.pipeline.laid_build import finish, lay_out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finish(lay_out(tmp_path_factory.mktemp("laid")))


@pytest.fixture(scope="module")
def site(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    other = finish(lay_out(tmp_path_factory.mktemp("other"), dataset="other", contrast=100))
    app = application([catalogue(open_dataset(str(place))) for place in (folder, other)], LOOPBACK)
    with served(app) as address:
        yield address


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize("place", ["report", "/", "/sample/v0-00000003", "/?reason=spacing"])
def test_pages_are_sound_and_accessible(
    look: Open, site: str, folder: Path, place: str, scheme: str, width: int
) -> None:
    page = look((folder / "report.html").as_uri() if place == "report" else site + place, scheme, width)
    assert_sound(page)


def test_keys_move_the_edge_between_two_versions(look: Open, site: str) -> None:
    page = look(f"{site}/sample/v0-00000003")
    slider = page.get_by_role("slider").nth(1)
    slider.focus()
    before = edge(page)
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert edge(page) == pytest.approx(before + 0.1, abs=0.01)


def edge(page: Page) -> float:
    """Where the second comparison is cut, as a share of its width."""
    set_to = page.locator(".comparison").nth(1).evaluate("each => getComputedStyle(each).getPropertyValue('--at')")
    return float(set_to.removesuffix("%")) / 100


def test_a_search_by_keyboard_leads_to_a_sample(look: Open, site: str) -> None:
    page = look(site)
    page.get_by_label("Video").fill("v1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("6 samples.", timeout=120_000)
    page.get_by_role("link", name="v1-00000000").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("v1-00000000", timeout=120_000)
