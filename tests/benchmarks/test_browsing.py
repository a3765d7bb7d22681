"""The enlarged dataset of the measurement has the rows that it should, each found by its key."""

from pathlib import Path

from benchmarks.browsing import enlarged
from pipeline.catalogue import Query, catalogue
from pipeline.dataset import open_dataset
from tests.pipeline.laid_build import finish, lay_out


def test_rows_are_repeated_under_keys_of_their_own(tmp_path: Path) -> None:
    found = enlarged(catalogue(open_dataset(str(finish(lay_out(tmp_path))))), 100)
    keys = found.samples.column("key").to_pylist()
    assert len(set(keys)) == 100
    assert keys == sorted(keys)
    assert len(found.select(Query())) == 100
    row = found.row(keys[57])
    assert row is not None
    assert row["key"] == keys[57]
