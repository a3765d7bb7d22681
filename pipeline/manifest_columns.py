"""The columns of a manifest: their types and what their cells may hold."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline import source
from pipeline.source import is_frames

SPLITS = ("", "train", "val", "test")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)


@dataclass(frozen=True)
class Column:
    """A column: ``complaint`` of a cell's value is the rest of a sentence that begins with it, empty if it is fine."""

    name: str
    type: type[str] | type[float]
    allowed: str
    complaint: Callable[[Any], str]
    required: bool = False


def _name_complaint(name: str, longest: int = 100) -> str:
    strange = re.search(r"[^A-Za-z0-9_-]", name)
    if strange:
        return f"has {strange.group()!r}"
    return f"has {len(name)} characters" if len(name) > longest else ""


def _id_complaint(name: str) -> str:
    return _name_complaint(name) if name else "is empty"


def _text_complaint(text: str) -> str:
    if not text.isprintable():
        return "has control or unprintable characters"
    return f"has {len(text)} characters" if len(text) > 200 else ""


def _within(low: float, high: float, open_low: bool = False) -> Callable[[float], str]:
    def complaint(number: float) -> str:
        fits = (low < number if open_low else low <= number) and number < high
        return "" if fits else "is out of range"

    return complaint


_NAME = "letters, digits, '_' and '-', at most 100 characters"
COLUMNS = (
    Column("video_id", str, _NAME, _id_complaint, required=True),
    Column("source", str, source.ALLOWED, source.complaint, required=True),
    Column("dataset", str, _NAME, _name_complaint),
    Column("split", str, "train, val, test or nothing", lambda text: "" if text in SPLITS else "is no split"),
    Column("fps", float, "frames a second, above 0, at most 1000", _within(0, 1000.0001, open_low=True)),
    Column("crop_top", float, "a fraction of the height, 0 or more, below 0.9", _within(0, 0.9)),
    Column("crop_bottom", float, "a fraction of the height, 0 or more, below 0.9", _within(0, 0.9)),
    Column("focal_px", float, "pixels of the source image, above 0", _within(0, 1e6, open_low=True)),
    Column("start_s", float, "seconds, 0 or more", _within(0, 1e9)),
    Column("end_s", float, "seconds, above 0", _within(0, 1e9, open_low=True)),
    Column(
        "sha256",
        str,
        "64 hexadecimal digits or nothing",
        lambda text: "" if re.fullmatch(r"([0-9A-Fa-f]{64})?", text) else "is no SHA-256",
    ),
    Column("licence", str, "at most 200 printable characters", _text_complaint),
)
SCHEMA = pa.schema(
    [
        pa.field(column.name, pa.string() if column.type is str else pa.float64(), nullable=not column.required)
        for column in COLUMNS
    ]
)
"""The columns as pyarrow types; only the required ones must be there."""


def shown(value: Any) -> str:
    """A value as an error message shows it: quoted, escaped, bounded."""
    text = repr(value)
    return text if len(text) <= 90 else f"{text[:80]}...{text[-1]}"


def convert(column: Column, cell: Any) -> Any:
    """The value of a cell of a csv (text) or parquet file (any type); None for an empty one. Raises ``ValueError``."""
    if cell is None or cell == "":
        return None
    if column.type is str:
        if not isinstance(cell, str):
            raise ValueError("is no text")
        return cell
    if isinstance(cell, str) and _NUMBER.fullmatch(cell.strip()):
        cell = float(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not math.isfinite(cell):
        raise ValueError("is no number")
    return float(cell)


def complaints(row: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a row of converted values, a sentence each; None is an empty cell, absent ones are skipped."""
    for column in COLUMNS:
        value = row.get(column.name)
        if value is None and column.name in row and column.required:
            value = ""
        wrong = column.complaint(value) if value is not None else ""
        if wrong:
            yield f"{column.name} {shown(value)} {wrong}; allowed: {column.allowed}"
    yield from _complaints_across(row)


def _complaints_across(row: dict[str, Any]) -> Iterator[str]:
    top, bottom = row.get("crop_top") or 0.0, row.get("crop_bottom") or 0.0
    if top < 0.9 and bottom < 0.9 and top + bottom >= 0.9:
        yield f"crop_top {top} and crop_bottom {bottom} leave too little; allowed: a sum below 0.9"
    start, end = row.get("start_s"), row.get("end_s")
    if start is not None and end is not None and start >= end:
        yield f"end_s {end} is not after start_s {start}; allowed: start_s < end_s"


def frames_complaint(resolved_source: str, fps: float | None) -> str:
    """The complaint about images without a frame rate, empty if there is none."""
    if fps is not None or source.scheme(resolved_source) or not is_frames(resolved_source):
        return ""
    return f"source {shown(resolved_source)} is a folder or glob of images and needs fps; allowed: frames a second"
