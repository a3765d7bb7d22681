"""The samples of a dataset in memory, to filter, sort and page through; and the frames that got no label."""

import bisect
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline import tables, unlabelled
from pipeline.build import Build
from pipeline.dataset import Dataset
from pipeline.report_facts import HISTOGRAMS
from pipeline.report_pictures import SCORES

PAGE = 24
"""Samples on a page."""
NAMES = {column: name for column, name, *_ in (*HISTOGRAMS, *SCORES)}
"""Names of the scores to filter and sort by."""


@dataclass(frozen=True)
class Query:
    """Which rows, in which order. ``low`` and ``high`` bound the ``score``, both inclusive."""

    video: str = ""
    reason: str = ""  # empty: samples; else frames that ended so
    score: str = ""
    low: float | None = None
    high: float | None = None
    order: str = "key"  # key, rising or falling by the score


@dataclass(frozen=True)
class Catalogue:
    """A dataset to look things up in; ``samples`` has a row a sample, in the order of their keys, in one chunk."""

    dataset: Dataset
    samples: pa.Table

    @property
    def version(self) -> str:
        """The fingerprint of the dataset's version."""
        return str(self.dataset.record["fingerprint"])

    @functools.cached_property
    def videos(self) -> list[str]:
        """The ids of all videos with a sample."""
        return sorted(pc.unique(self.samples.column("video_id")).to_pylist())

    @property
    def reasons(self) -> list[str]:
        """The reasons for which frames and pairs have no label, the most frequent first."""
        listed = self.dataset.record["funnel"]["reasons"]
        return list(dict.fromkeys(str(reason["reason"]) for reason in listed if reason["stage"] != "video"))

    @property
    def scores(self) -> dict[str, str]:
        """Columns to filter and sort by, with their names."""
        return {column: name for column, name in NAMES.items() if column in self.samples.column_names}

    @property
    def confidence(self) -> bool:
        """Whether samples have a confidence, as the build was told."""
        provenance: dict[str, Any] = self.dataset.record["provenance"]
        return bool(provenance["parameters"]["shard"]["confidence"])

    @functools.cached_property
    def build(self) -> Build:
        """The build that made the dataset. Raises ``UserError`` where its stages are not beside the dataset."""
        return unlabelled.build_of(self.dataset)

    @functools.cached_property
    def dropped(self) -> pa.Table:
        """The frames without a label. Raises ``UserError`` as ``build`` does."""
        return unlabelled.unlabelled(self.build)

    @functools.cached_property
    def _dropped_places(self) -> dict[str, int]:
        return {key: place for place, key in enumerate(self.dropped.column("key").to_pylist())}

    def dropped_row(self, key: str) -> dict[str, Any] | None:
        """The row of a frame without a label; None where there is no such key."""
        place = self._dropped_places.get(key)
        return None if place is None else tables.rows(self.dropped.slice(place, 1))[0]

    def place(self, key: str) -> int:
        """The place of a sample in ``samples``; -1 where there is no such key."""
        keys = self.samples.column("key")
        found = bisect.bisect_left(range(len(keys)), key, key=lambda each: keys[each].as_py())
        return found if found < len(keys) and keys[found].as_py() == key else -1

    def row(self, key: str) -> dict[str, Any] | None:
        """The row of a sample; None where there is no such key."""
        place = self.place(key)
        return None if place < 0 else tables.rows(self.samples.slice(place, 1))[0]

    def select(self, query: Query) -> NDArray[np.int64]:
        """The places, in order, of the rows that a query means: in ``samples``, or in ``dropped`` for a reason."""
        table = self.table(query)
        chosen = np.ones(table.num_rows, bool)
        if query.reason:
            chosen &= _equal(table, "reason", query.reason)
        if query.video:
            chosen &= _equal(table, "video_id", query.video)
        if query.score not in self.scores:
            return np.flatnonzero(chosen)
        values = table.column(query.score).to_numpy().astype(np.float64)
        # NaN compares as false: a row without the score is in no range
        chosen &= values >= query.low if query.low is not None else True
        chosen &= values <= query.high if query.high is not None else True
        places = np.flatnonzero(chosen)
        if query.order == "key":
            return places
        ordered = values[places] if query.order == "rising" else -values[places]
        return places[np.argsort(ordered, kind="stable")]

    def table(self, query: Query) -> pa.Table:
        """The table that the places of ``select`` are in."""
        return self.dropped if query.reason else self.samples

    def rows(self, query: Query, places: NDArray[np.int64]) -> list[dict[str, Any]]:
        """The rows at some places."""
        return tables.rows(self.table(query).take(pa.array(places)))


def catalogue(dataset: Dataset) -> Catalogue:
    """Read a dataset's ``samples.parquet``."""
    return Catalogue(dataset, dataset.samples().sort_by("key").combine_chunks())


def _equal(table: pa.Table, column: str, value: str) -> NDArray[np.bool_]:
    return np.asarray(pc.equal(table.column(column), value).to_numpy(), bool)
