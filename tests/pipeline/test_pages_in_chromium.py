"""The report and the browser as Chromium sees them; skipped where there is no Chromium."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from pipeline.browser import LOOPBACK, application
from pipeline.catalogue import catalogue
from pipeline.dataset import open_dataset
from tests.pipeline.laid_build import finish, lay_out

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finish(lay_out(tmp_path_factory.mktemp("laid")))


@pytest.fixture(scope="module")
def site(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    other = finish(lay_out(tmp_path_factory.mktemp("other"), dataset="other", contrast=100))
    app = application([catalogue(open_dataset(str(place))) for place in (folder, other)], LOOPBACK)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def look(chromium: Browser) -> Iterator[Open]:
    """Opens a page; at the end, nothing may have been complained of or asked of another machine."""
    complaints: list[str] = []
    contexts = []

    def heard(url: str) -> None:
        if not url.startswith(("data:", "file:", "http://127.0.0.1:")):
            complaints.append(f"asked for {url}")

    def open_page(url: str, scheme: Any = "light", width: int = 1280) -> Page:
        contexts.append(chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}))
        page = contexts[-1].new_page()
        page.set_default_timeout(120_000)  # other work may hold the machine
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: heard(request.url))
        page.goto(url, wait_until="networkidle")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize("place", ["report", "/", "/sample/v0-00000003", "/?reason=spacing"])
def test_pages_are_sound_and_accessible(
    look: Open, site: str, folder: Path, place: str, scheme: str, width: int
) -> None:
    page = look((folder / "report.html").as_uri() if place == "report" else site + place, scheme, width)
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert page.evaluate("[...document.images].filter(each => each.complete && !each.naturalWidth).length") == 0
    found = Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []


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
