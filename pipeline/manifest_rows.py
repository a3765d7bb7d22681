"""The rows of a manifest file, csv or parquet, as cells with their place."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline import source as sources
from pipeline.errors import UserError
from pipeline.manifest_columns import COLUMNS, shown

MAX_BYTES = 256 * 2**20
MAX_UNPACKED = 4 * MAX_BYTES
MAX_ROWS = 5_000_000
_MAX_CELL = 4096  # bytes; of a text in a parquet file, where a few bytes can stand for gigabytes
_SHOWN_PROBLEMS = 20


class ManifestError(UserError):
    """A manifest that cannot be used: file, line, column, value, and what is allowed, for every problem in it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        rest = len(self.problems) - _SHOWN_PROBLEMS
        more = [f"... and {rest} more problems"] if rest > 0 else []
        return "\n".join(self.problems[:_SHOWN_PROBLEMS] + more)


@dataclass(frozen=True)
class Row:
    """A row as it stands in the file; ``cells`` is empty where it cannot be read, ``complaint`` says why."""

    place: str  # such as "data.csv line 7"
    cells: dict[str, Any]
    complaint: str = ""


def read_rows(url: str) -> Iterator[Row]:
    """The rows of a file that is read whole first; blank ones are left out. Raises ``ManifestError``."""
    name = sources.without_secrets(url)
    content = _content(url, name)
    return _parquet_rows(content, name) if content.startswith(b"PAR1") else _csv_rows(content, name)


def _content(url: str, name: str) -> bytes:
    wrong = sources.complaint(url)
    if wrong or sources.scheme(url) == "simulated":
        raise ManifestError(
            [f"manifest {shown(name)} {wrong or 'is no file'}; allowed: a path or URL of a csv or parquet"]
        )
    try:
        with fsspec.open(url, "rb") as file:
            content: bytes = file.read(MAX_BYTES + 1)
    except (OSError, ImportError) as error:  # ImportError: the scheme's library is not installed
        raise ManifestError(
            [f"cannot read the manifest {name}: {getattr(error, 'strerror', None) or error}"]
        ) from error
    if len(content) > MAX_BYTES:
        raise ManifestError([f"{name} has more than {MAX_BYTES} bytes; split it into several manifests"])
    return content


# -- rows of the two formats ------------------------------------------------------------------------------------------


def _csv_rows(content: bytes, name: str) -> Iterator[Row]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ManifestError([f"{name} line {line}: a byte is not UTF-8; save the file as UTF-8"]) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            if any(cells) and header is None:
                header = [cell.strip() for cell in cells]
                _check_header(header, f"{name} line {line}")
            elif any(cells) and header is not None:
                place = f"{name} line {line}"
                if len(cells) != len(header):
                    yield Row(place, {}, f"has {len(cells)} cells; needed: {len(header)}, as in the header")
                else:
                    yield Row(place, dict(zip(header, cells)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise ManifestError([f"{name} line {line} is not csv: {error}"]) from error


def _parquet_rows(content: bytes, name: str) -> Iterator[Row]:
    try:
        schema = pq.read_schema(io.BytesIO(content))
        _check_header(schema.names, name)
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        file = pq.ParquetFile(io.BytesIO(content), read_dictionary=texts)
        if file.metadata.num_rows > MAX_ROWS:
            raise ManifestError([f"{name} has more than {MAX_ROWS} rows; split it into several manifests"])
        groups = [file.metadata.row_group(place) for place in range(file.metadata.num_row_groups)]
        if sum(group.total_byte_size for group in groups) > MAX_UNPACKED:
            raise ManifestError([f"{name} unpacks to more than {MAX_UNPACKED} bytes; split it into several manifests"])
        number = 0
        for batch in file.iter_batches(batch_size=4096, use_threads=False):
            _check_cell_sizes(batch, name)
            for cells in batch.to_pylist():
                number += 1
                yield Row(f"{name} row {number}", cells)
    except ManifestError:
        raise
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise ManifestError([f"{name} is not a readable parquet file: {error!r}"]) from error


def _check_cell_sizes(batch: pa.RecordBatch, name: str) -> None:
    for column, values in zip(batch.schema.names, batch.columns):
        texts = values.dictionary if pa.types.is_dictionary(values.type) else values
        if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
            if not (pa.types.is_primitive(texts.type) or pa.types.is_null(texts.type)):
                raise ManifestError([f"{name}: column {column} has type {texts.type}; allowed: text or numbers"])
        elif (pc.max(pc.binary_length(texts)).as_py() or 0) > _MAX_CELL:
            raise ManifestError([f"{name}: column {column} has a cell of more than {_MAX_CELL} bytes"])


def _check_header(header: list[str], place: str) -> None:
    known = [column.name for column in COLUMNS]
    missing = [column.name for column in COLUMNS if column.required and column.name not in header]
    unknown = [name for name in header if name not in known]
    problems = [f"{place}: column {name} is missing; columns are separated by ','" for name in missing]
    problems += [f"{place}: column {shown(name)} is unknown; allowed: {', '.join(known)}" for name in unknown[:10]]
    problems += [f"{place}: column {name} is there twice" for name in known if header.count(name) > 1]
    if problems:
        raise ManifestError(problems)
