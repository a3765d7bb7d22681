"""Pages as Chromium sees them: what opens them, and what must hold of each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

Open = Callable[..., Page]
"""From an address, and where given a colour scheme and a width, to the open page."""

CUT_CAPTIONS = """[...document.querySelectorAll('.scroll')].filter(region => region.querySelector('caption')).flatMap(
    region => [0, 1e6].map(left => {
        region.scrollLeft = left
        const [seen, caption] = [region, region.querySelector('caption')].map(each => each.getBoundingClientRect())
        return caption.left < seen.left - 1 || caption.right > seen.right + 1 ? caption.width - seen.width : null
    })).filter(cut => cut !== null)"""
"""By how much captions are wider than the region in which their table scrolls, wherever it is scrolled to."""


@contextmanager
def looking(browser: Browser) -> Iterator[Open]:
    """Opens pages; at the end, nothing may have been complained of or asked of another machine."""
    complaints: list[str] = []
    contexts = []

    def heard(url: str) -> None:
        if not url.startswith(("data:", "file:", "http://127.0.0.1:")):
            complaints.append(f"asked for {url}")

    def open_page(url: str, scheme: Any = "light", width: int = 1280) -> Page:
        contexts.append(browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}))
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


def assert_sound(page: Page) -> None:
    """Nothing is wider than the window, captions and pictures are seen, and axe finds no serious violation."""
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert page.evaluate("[...document.images].filter(each => each.complete && !each.naturalWidth).length") == 0
    assert page.evaluate(CUT_CAPTIONS) == []
    found = Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
