"""How soon a page of a large dataset is seen: ``python -m benchmarks.browsing DATASET --json F``.

The rows of the dataset are repeated under other keys, held in memory, until there are enough of them; their images are
read from the tars of the dataset. Columns:

server s: processor time of the answer with the page itself, quickest of five.
seen s: by the clock, median: from the moment at which Chromium, with nothing in its cache, is given the address until
    all samples of the page are painted, each with its frame and its depth, in a window that is as high as the page.
longest s: the longest of these. Other work on the machine counts.
"""

import dataclasses
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import playwright.sync_api
import pyarrow as pa
from playwright.sync_api import Browser
from werkzeug.test import Client

from benchmarks import figures
from benchmarks.chromium import served, started
from pipeline.browser import LOOPBACK, application
from pipeline.catalogue import PAGE, Catalogue, catalogue
from pipeline.dataset import open_dataset
from pipeline.errors import UserError

WINDOW = {"width": 1280, "height": 3000}
"""In pixels; images out of view are not asked for."""
SHOWN = "[...document.images].every(each => each.complete && each.naturalWidth)"
PAINTED = "new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
REPEATS = 5
_HEAD = f"{'page':24s}  images  server s  seen s  longest s"


def enlarged(found: Catalogue, rows: int) -> Catalogue:
    """A catalogue of so many rows, each key followed by a number of its own."""
    table = found.samples.take(pa.array(np.arange(rows) % len(found.samples)))
    keys = [f"{key}-{number:08d}" for number, key in enumerate(table.column("key").to_pylist())]
    table = table.set_column(table.schema.get_field_index("key"), "key", pa.array(keys))
    return dataclasses.replace(found, samples=table.sort_by("key").combine_chunks())


def pages(found: Catalogue) -> dict[str, str]:
    """The pages that are looked at, by name."""
    last = -(-len(found.samples) // PAGE)
    return {
        "first": "/",
        "in the middle": f"/?page={last // 2}",
        "last": f"/?page={last}",
        "by a score, in its order": "/?score=valid_fraction&low=0.9&high=0.98&order=falling",
        "a sample": f"/sample/{found.samples.column('key')[len(found.samples) // 2]}",
    }


def measure(found: Catalogue) -> Iterator[dict[str, Any]]:
    """The figures of each page."""
    app = application([found], LOOPBACK)
    with served(app) as address, started() as browser:
        for name, page in pages(found).items():
            quickest = min(_answered(app.test_client(), page) for _ in range(REPEATS))
            images, times = zip(*(_seen(browser, address + page) for _ in range(REPEATS)))
            clock = {"seen_s": round(statistics.median(times), 3), "longest_s": round(max(times), 3)}
            yield {"page": name, "images": images[0], "server_s": round(quickest, 4), **clock}


def _answered(client: Client, page: str) -> float:
    before = time.process_time()
    answer = client.get(page)
    spent = time.process_time() - before
    if answer.status_code != 200:
        raise RuntimeError(f"{page} was not answered: {answer.status}")
    return spent


def _seen(browser: Browser, url: str) -> tuple[int, float]:
    """How many images there are on the page, and the seconds until all of it is painted."""
    tab = browser.new_page(viewport=WINDOW, bypass_csp=True)  # type: ignore[arg-type]  # SHOWN is no script of the page
    before = time.perf_counter()
    tab.goto(url)
    tab.wait_for_function(SHOWN)
    tab.evaluate(PAINTED)
    spent = time.perf_counter() - before
    images = int(tab.evaluate("document.images.length"))
    tab.close()
    return images, spent


def _line(row: dict[str, Any]) -> str:
    clock = f"{row['seen_s']:6.3f}  {row['longest_s']:9.3f}"
    return f"{row['page']:24s}  {row['images']:6d}  {row['server_s']:8.4f}  {clock}"


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = figures.parser("browsing", __doc__)
    parser.add_argument("dataset", metavar="DATASET", help="a dataset, as browse takes it")
    parser.add_argument("--rows", type=int, default=100_000, help="samples (%(default)s)")
    options = parser.parse_args(arguments)
    results: list[dict[str, Any]] = []
    try:
        figures.require_folder(options.json, "--json")
        if options.rows < PAGE:
            raise ValueError(f"--rows {options.rows} do not fill a page; give {PAGE} or more")
        for row in measure(enlarged(catalogue(open_dataset(options.dataset)), options.rows)):
            print(_line(row) if results else _HEAD + "\n" + _line(row), flush=True)
            results.append(row)
    except (ValueError, UserError, RuntimeError, playwright.sync_api.Error) as error:
        print(f"benchmarks.browsing: {error}", file=sys.stderr)
        return 2
    figures.write(options.json, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
