"""Parquet tables as bytes, the same bytes for the same rows."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


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


def about(table: pa.Table) -> dict[str, str]:
    """The schema metadata given to ``to_bytes``."""
    entries = table.schema.metadata or {}
    return {name.decode(): text.decode() for name, text in entries.items() if name != b"ARROW:schema"}


def rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a small table as dictionaries."""
    found: list[dict[str, Any]] = table.to_pylist()
    return found
