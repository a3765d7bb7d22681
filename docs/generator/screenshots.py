"""Takes the pictures of our own pages that the pages here show: ``python docs/generator/screenshots.py DATASET RUNS``.

DATASET is a finished build of the demo; RUNS a report that ``python -m training report`` wrote. Chromium draws them.
"""

import sys
from pathlib import Path

from playwright.sync_api import Browser, Page

from benchmarks.chromium import served, started
from pipeline.browser import LOOPBACK, application
from pipeline.catalogue import catalogue
from pipeline.dataset import open_dataset

FOLDER = Path(__file__).parent.parent
WIDTH = 1120
MARGIN = 24
"""In pixels: of the window, and of what is left below the last thing that a picture shows."""


def main(dataset: str, runs: str) -> None:
    """Writes ``report.png``, ``browse.png``, ``sample.png`` and ``runs.png`` into ``docs``."""
    found = catalogue(open_dataset(dataset))
    key = found.samples.column("key")[len(found.samples) // 8].as_py()  # in the middle of the first video of four
    with served(application([found], LOOPBACK)) as site, started() as browser:
        take(browser, Path(found.dataset.folder, "report.html").absolute().as_uri(), "report.png", ".tiles.three")
        take(browser, f"{site}/?score=inlier_ratio&order=rising", "browse.png", ".tile:nth-child(6)")
        take(browser, f"{site}/sample/{key}", "sample.png", ".tiles.pair")
        # Without the table above: the rate is that of whatever else the machine was doing.
        take(browser, Path(runs).absolute().as_uri(), "runs.png", "#curves .tiles", "#curves")


def take(browser: Browser, url: str, name: str, last: str, first: str = "html") -> None:
    """A picture of a page from the element that the selector ``first`` names down to the first one of ``last``."""
    page = browser.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme="light", bypass_csp=True)
    page.goto(url)
    for slider in page.get_by_role("slider").all():
        slider.fill("42")
        slider.blur()
    page.screenshot(path=FOLDER / name, full_page=True, clip=_between(page, first, last))
    page.close()


def _between(page: Page, first: str, last: str) -> dict[str, float]:
    page.locator(last).first.scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].slice(0, 12).every(each => each.complete && each.naturalWidth)")
    page.evaluate("scrollTo(0, 0)")
    above, below = page.locator(first).first.bounding_box(), page.locator(last).first.bounding_box()
    assert above is not None and below is not None
    return {"x": 0, "y": above["y"], "width": WIDTH, "height": below["y"] + below["height"] + MARGIN - above["y"]}


if __name__ == "__main__":
    main(*sys.argv[1:])
