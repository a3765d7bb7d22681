"""What a dataset must be to be trained on, and how remote ones are read."""

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from training import urls
from training.loader import Loader, LoaderParameters
from training.shard_cache import CacheParameters
from training.shards import Dataset, DatasetError

PARAMETERS = LoaderParameters(batch_size=4, workers=0, shards_mixed=2)
SIZE = (32, 48)
COLUMNS = ("key", "split", "shard", "offset", "size")


@pytest.fixture
def copy(small_dataset: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_dataset, tmp_path / "shards" / "aaaa"))


def with_record(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "dataset.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def with_shards(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        record = json.loads((folder / "dataset.json").read_text())
        with_record(shards=[shard | changes for shard in record["shards"]])(folder)

    return change


def with_samples(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        pq.write_table(change(pq.read_table(folder / "samples.parquet")), folder / "samples.parquet")

    return write


def replaced(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def with_keys(form: str) -> Callable[[Path], None]:
    return with_samples(lambda t: replaced(t, "key", pa.array([form.format(row) for row in range(len(t))])))


REFUSED: dict[str, Callable[[Path], object]] = {
    "has format 2; this code reads 1": with_record(format=2),
    "is not what BuildShards writes": with_record(shards=[{"bytes": 3}]),
    r"names a shard '\.\./secret\.tar'": with_record(shards=[{"shard": "../secret.tar"}]),
    "names a shard 'pipe:cat x.tar'": with_record(shards=[{"shard": "pipe:cat x.tar"}]),
    "is not JSON": lambda folder: (folder / "dataset.json").write_text("{"),
    "is not a JSON object": lambda folder: (folder / "dataset.json").write_text("[]"),
    "samples.parquet is missing": lambda folder: (folder / "samples.parquet").unlink(),
    "is not a table of samples": lambda folder: (folder / "samples.parquet").write_bytes(b"PAR1"),
    "28 samples, dataset.json 29": with_samples(lambda table: table.slice(1)),
    "has a key twice": with_samples(lambda t: replaced(t, "key", pa.array(["a"] * len(t)))),
    "has a sample without key or place": with_samples(lambda t: replaced(t, "key", pa.nulls(len(t), pa.string()))),
    "has a shard that dataset.json does not": with_samples(
        lambda t: replaced(t, "shard", pa.array(["b.tar"] * len(t)))
    ),
    "has a key that is none": with_samples(
        lambda t: replaced(t, "key", pa.array([f"{n}\x1b[31m" for n in range(len(t))]))
    ),
    "more than 255 bytes": with_keys("{:0999}"),
    "has a sample of more than 256 MiB": lambda folder: (
        with_shards(bytes=1 << 50)(folder),
        with_samples(lambda t: replaced(t, "size", pa.array([1 << 40] * len(t))))(folder),
    ),
    "has the fingerprint '../../../elsewhere', which is none": with_record(fingerprint="../../../elsewhere"),
    "has the fingerprint '/tmp/elsewhere', which is none": with_record(fingerprint="/tmp/elsewhere"),
    "is nested too deep": lambda folder: (folder / "dataset.json").write_text("[" * 200_000),
    "has a sample outside of its shard": with_samples(lambda t: replaced(t, "offset", pc.add(t["offset"], 1 << 40))),
}


@pytest.mark.parametrize(("sentence", "harm"), REFUSED.items())
def test_a_dataset_that_contradicts_itself_is_refused(
    copy: Path, sentence: str, harm: Callable[[Path], object]
) -> None:
    assert len(Dataset.open(str(copy)).samples) == 29
    harm(copy)
    with pytest.raises(DatasetError, match=sentence):
        Dataset.open(str(copy))


def test_rows_that_cost_no_bytes_are_not_unpacked(copy: Path) -> None:
    count = 5_000_000
    columns = {name: [0] * count if name in ("offset", "size") else ["a"] * count for name in COLUMNS}
    pq.write_table(pa.table(columns), copy / "samples.parquet", compression="zstd")
    with_shards(count=count)(copy)
    with_record(shards=json.loads((copy / "dataset.json").read_text())["shards"][:1])(copy)
    with pytest.raises(DatasetError, match="5000000 rows in"):
        Dataset.open(str(copy))


def test_a_pointer_that_leads_out_of_the_root_is_refused(copy: Path) -> None:
    root = copy.parent.parent
    (root / "datasets").mkdir()
    (root / "datasets" / "streets.json").write_text(json.dumps({"shards": "../../elsewhere"}))
    with pytest.raises(DatasetError, match="which is no version"):
        Dataset.open(str(root))


def test_a_root_with_one_finished_dataset_is_enough(copy: Path) -> None:
    root = copy.parent.parent
    with pytest.raises(DatasetError, match="holds no finished dataset"):
        Dataset.open(str(root))
    (root / "datasets").mkdir()
    (root / "datasets" / "small.json").write_text('{"shards": "aaaa"}')
    assert Dataset.open(str(root)).folder == str(copy)
    (root / "datasets" / "other.json").write_text('{"shards": "bbbb"}')
    with pytest.raises(DatasetError, match=r"holds 2 datasets; give one of: .*/shards/bbbb, .*/shards/aaaa"):
        Dataset.open(str(root))


def test_splits_that_are_not_there_are_named(small_dataset: Path) -> None:
    with pytest.raises(DatasetError, match="no sample in split 'test', only in train, val; give a video"):
        Dataset.open(str(small_dataset)).split("test")


@pytest.mark.parametrize("place", ["pipe:cat /etc/passwd", "simplecache::s3://a/b", "ftp://host/a", "file:data"])
def test_other_places_are_refused(place: str) -> None:
    with pytest.raises(ValueError, match="is no place to read data from"):
        urls.filesystem(place)


# -- remote ------------------------------------------------------------------------------------------------------------


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, and ranges of them."""

    asked: list[str]

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        self.asked.append(path.name)
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        wanted = self.headers.get("Range", "").removeprefix("bytes=")
        begin, _, end = wanted.partition("-")
        part = content[int(begin or 0) : int(end) + 1 if end else None]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Accept-Ranges", "bytes")
        if wanted:
            self.send_header("Content-Range", f"bytes {begin}-{int(begin) + len(part) - 1}/{len(content)}")
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(copy: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """The URL of the copy, and the names that were asked for."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    asked: list[str] = []
    handler = functools.partial(type("Bound", (Handler,), {"asked": asked}), directory=str(copy))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def epoch(
    url: str, cache: CacheParameters | None = None, split: str = "train", **changes: Any
) -> list[tuple[str, bytes]]:
    """Key and pixels of every sample of the first epoch."""
    parameters = LoaderParameters(**{**vars(PARAMETERS), **changes})
    batches = Loader(Dataset.open(url, cache).split(split), parameters, SIZE)
    return [(key, b.images[row].numpy().tobytes()) for b in batches for row, key in enumerate(b.keys) if key]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("cached", [False, True])
def test_remote_datasets_give_the_batches_of_local_ones(
    served: tuple[str, list[str]], copy: Path, tmp_path: Path, cached: bool, workers: int
) -> None:
    url, asked = served
    cache = CacheParameters(str(tmp_path / "cache")) if cached else None
    wanted = epoch(str(copy))
    assert epoch(url, cache, workers=workers) == wanted
    if cached:
        assert epoch(url, cache, workers=workers) == wanted
        tars = [name for name in asked if name.endswith(".tar")]
        assert sorted(tars) == sorted(set(tars)) and len(tars) == 3  # each fetched once


def test_a_copy_that_is_not_what_was_built_costs_its_samples(
    served: tuple[str, list[str]], copy: Path, tmp_path: Path
) -> None:
    tar = copy / "small-train-000002.tar"
    content = bytearray(tar.read_bytes())
    content[-1] ^= 1  # in the padding, where no sample would notice
    tar.write_bytes(content)
    cache = CacheParameters(str(tmp_path / "cache"))
    assert len(epoch(served[0], cache, skipped_fraction=0.2)) == 19
    with pytest.raises(DatasetError, match=r"small-train-000002\.tar: .*cannot be read: sha256 .*, dataset\.json says"):
        epoch(served[0], cache)


def test_the_cache_keeps_its_limit(served: tuple[str, list[str]], copy: Path, tmp_path: Path) -> None:
    largest = max(path.stat().st_size for path in copy.glob("*.tar"))
    cache = CacheParameters(str(tmp_path / "cache"), limit_gb=2.1 * largest / 1e9, ahead=0)
    for split in ("train", "val"):  # together 2.6 times the largest
        assert epoch(served[0], cache, split, shards_mixed=1) == epoch(str(copy), split=split, shards_mixed=1)
    kept = {path.name: path.stat().st_size for path in (tmp_path / "cache").rglob("[!.]*.tar")}
    assert sum(kept.values()) <= 2.1 * largest
    assert "small-val-000000.tar" in kept and len(kept) < 4
    assert len(list((tmp_path / "cache").rglob(".lock-*"))) == 4
    with pytest.raises(ValueError, match=r"cannot hold 2 mixed shards and 0 ahead; give .* GB or more, or mix fewer"):
        epoch(served[0], cache)


def test_a_missing_shard_of_a_remote_dataset_is_survived(served: tuple[str, list[str]], copy: Path) -> None:
    (copy / "small-train-000002.tar").unlink()
    assert len(epoch(served[0], skipped_fraction=0.2)) == 19
