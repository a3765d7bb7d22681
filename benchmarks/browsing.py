"""Processor time of a page of the browser when a dataset is large: ``python -m benchmarks.browsing DATASET``.

The rows of the dataset are repeated under other keys, held in memory, until there are enough of them.
"""

import argparse
import dataclasses
import time

import numpy as np
import pyarrow as pa

from pipeline.browser import application
from pipeline.catalogue import Catalogue, catalogue
from pipeline.dataset import open_dataset

PAGES = ("/", "/?page=900", "/?score=valid_fraction&low=0.9&high=0.98&order=falling")


def enlarged(found: Catalogue, rows: int) -> Catalogue:
    """A catalogue of so many rows, each key followed by a number of its own."""
    table = found.samples.take(pa.array(np.arange(rows) % len(found.samples)))
    keys = [f"{key}-{number:08d}" for number, key in enumerate(table.column("key").to_pylist())]
    table = table.set_column(table.schema.get_field_index("key"), "key", pa.array(keys)).sort_by("key")
    places = {key: place for place, key in enumerate(table.column("key").to_pylist())}
    return dataclasses.replace(found, samples=table.combine_chunks(), _places=places)


def main() -> None:
    """Prints a line a page: the first answer, then the quickest of four."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.browsing", description=__doc__)
    parser.add_argument("dataset", help="a dataset, as browse takes it")
    parser.add_argument("--rows", type=int, default=100_000, help="samples (default: 100000)")
    options = parser.parse_args()
    client = application([enlarged(catalogue(open_dataset(options.dataset)), options.rows)]).test_client()
    for page in PAGES:
        times = []
        for _ in range(5):
            before = time.process_time()
            if client.get(page).status_code != 200:
                raise SystemExit(f"{page} was not answered")
            times.append(time.process_time() - before)
        print(f"{page}: first {times[0]:.3f} s, then {min(times[1:]):.3f} s")


if __name__ == "__main__":
    main()
