"""Parquet tables as bytes, the same bytes for the same rows."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import UserError
from pipeline.outcome import printable

LONGEST_TEXT = 4096
"""Bytes of a text in a table that others may have made."""
MOST_UNPACKED = 100
"""How many times its size such a table may claim to be; some 64 MiB are always taken."""


def to_bytes(table: pa.Table, about: dict[str, str] | None = None) -> bytes:
    """The table as a parquet file, with ``about`` in its schema metadata."""
    metadata = {name: text.encode() for name, text in sorted((about or {}).items())}
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), buffer, compression="zstd")
    return buffer.getvalue()


def from_bytes(content: bytes) -> pa.Table:
    """The table of a parquet file."""
    # One thread: this also runs in processes that fork. And no read_table, which imports much at its first call.
    return pq.ParquetFile(io.BytesIO(content)).read(use_threads=False)


def from_stranger(content: bytes, name: str) -> pa.Table:
    """The table of a parquet file that others may have made. Raises ``UserError`` naming it where it is no sound one.

    A few bytes of parquet can stand for gigabytes: rows that repeat, long texts, nested lists. No table is taken with
    more rows than bytes (each of ours has a key of its own), lists, or a text of more than ``LONGEST_TEXT`` bytes.
    """
    try:
        schema = pq.read_schema(io.BytesIO(content))
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        file = pq.ParquetFile(io.BytesIO(content), read_dictionary=texts)
        groups = [file.metadata.row_group(place) for place in range(file.metadata.num_row_groups)]
        if any(pa.types.is_nested(field.type) for field in schema):
            raise UserError(f"{name} has lists in it, which BuildShards writes none of")
        unpacked = sum(group.total_byte_size for group in groups)
        if file.metadata.num_rows > len(content) or unpacked > MOST_UNPACKED * len(content) + 2**26:
            raise UserError(f"{name} has {len(content)} bytes for {file.metadata.num_rows} rows: it is no honest table")
        batches = []
        for batch in file.iter_batches(batch_size=4096, use_threads=False):
            _refuse_long_texts(batch, name)
            batches.append(batch.cast(schema) if texts else batch)
        return pa.Table.from_batches(batches, schema)
    except (pa.ArrowException, OSError, MemoryError) as error:
        raise UserError(f"{name} is not a readable parquet file: {printable(str(error))}") from error


def _refuse_long_texts(batch: pa.RecordBatch, name: str) -> None:
    for column, values in zip(batch.schema.names, batch.columns):
        held = values.dictionary if pa.types.is_dictionary(values.type) else values
        is_text = pa.types.is_string(held.type) or pa.types.is_binary(held.type)
        if is_text and (pc.max(pc.binary_length(held)).as_py() or 0) > LONGEST_TEXT:
            raise UserError(f"{name}: column {printable(column)} has a text of more than {LONGEST_TEXT} bytes")


def about(table: pa.Table) -> dict[str, str]:
    """The schema metadata given to ``to_bytes``."""
    entries = table.schema.metadata or {}
    return {name.decode(): text.decode() for name, text in entries.items() if name != b"ARROW:schema"}


def rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a small table as dictionaries."""
    found: list[dict[str, Any]] = table.to_pylist()
    return found
