"""The manifest: which videos a dataset is made of, read and checked whole before anything else happens."""

import csv
import dataclasses
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline import source as sources
from pipeline import storage, tables
from pipeline.manifest_columns import COLUMNS, SCHEMA, complaints, convert, frames_complaint, shown
from pipeline.manifest_rows import ManifestError, Row, read_rows

__all__ = ["ManifestError", "Video", "read_manifest", "source_kind", "write_manifest"]


@dataclass(frozen=True)
class Video:
    """One row of a manifest."""

    video_id: str
    source: str  # resolved: an absolute path or a URL
    dataset: str = ""
    split: str = ""
    fps: float | None = None  # frames a second, for images
    crop_top: float = 0.0  # fraction of the height
    crop_bottom: float = 0.0  # fraction of the height
    focal_px: float | None = None  # pixels of the source image before cropping and resizing
    start_s: float | None = None  # seconds
    end_s: float | None = None  # seconds
    sha256: str = ""
    licence: str = ""


def read_manifest(url_or_path: str | Path, root_folder: str | Path | None = None) -> list[Video]:
    """The videos of a csv or parquet manifest, a path or any allowed URL.

    Relative paths in it start at ``root_folder``, by default the manifest's own folder. ``~`` and environment
    variables are taken literally. Raises ``ManifestError`` with all its problems.
    """
    url = str(url_or_path)
    folder = str(root_folder) if root_folder is not None else _folder_of(url)
    videos: list[Video] = []
    problems: list[str] = []
    places: dict[str, tuple[str, str]] = {}  # id in lower case -> id and place: some file systems ignore case
    for row in read_rows(url):
        values, wrong = _checked(row, folder)
        video_id = values.get("video_id")
        if video_id:
            first_id, first_place = places.setdefault(video_id.lower(), (video_id, row.place))
            if first_place != row.place:
                how = "is there already" if first_id == video_id else f"differs from {first_id!r} only in case"
                wrong.append(f"video_id {shown(video_id)} {how}: {first_place}; allowed: each id once, case ignored")
        problems += [f"{row.place}: {complaint}" for complaint in wrong]
        if not problems:
            videos.append(Video(**values))
    if problems:
        raise ManifestError(problems)
    if not videos:
        name = sources.without_secrets(url)
        raise ManifestError([f"{name} names no video; needed: a header and, below it, at least one line with a video"])
    return videos


def _folder_of(url: str) -> str:
    path = sources.resolve(url, ".") if sources.scheme(url) == "file" else url
    if sources.scheme(path):
        path = path.partition("?")[0]
    return path.rpartition("/")[0] or ("/" if path.startswith("/") else ".")


def _checked(row: Row, folder: str) -> tuple[dict[str, Any], list[str]]:
    """The values of a row without the empty ones, and the complaints about it."""
    if row.complaint:
        return {}, [row.complaint]
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for column in COLUMNS:
        cell = row.cells.get(column.name)
        try:
            values[column.name] = convert(column, cell)
        except ValueError as error:
            wrong.append(f"{column.name} {shown(cell)} {error}; allowed: {column.allowed}")
    wrong += complaints(values)
    values = {name: value for name, value in values.items() if value is not None}
    if not wrong:
        wrong = _resolve_source(values, folder)
    return values, wrong


def _resolve_source(values: dict[str, Any], folder: str) -> list[str]:
    """Make the source of a sound row absolute; returns the complaints that this brings up."""
    try:
        values["source"] = sources.resolve(values["source"], folder)
    except ValueError as error:
        return [f"source {shown(values['source'])} {error}; allowed: a path that stays below {shown(folder)}"]
    values["sha256"] = values.get("sha256", "").lower()
    wrong = frames_complaint(values["source"], values.get("fps"))
    return [wrong] if wrong else []


def source_kind(video: Video) -> str:
    """What a video's source is: video (a local file), frames (local images), http, remote or simulated.

    Whether an ``http`` URL leads to a file or to a page that yt-dlp has to read, fetching finds out.
    """
    return sources.kind(video.source)


def write_manifest(url_or_path: str | Path, videos: list[Video]) -> None:
    """Write a manifest that appears whole or not at all: parquet where the name ends so, else csv."""
    url = str(url_or_path)
    rows = [dataclasses.asdict(video) for video in videos]
    storage.write_bytes(url, _parquet(rows) if url.endswith(".parquet") else _csv(rows))


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    return tables.to_bytes(pa.Table.from_pylist(rows, schema=SCHEMA))


def _csv(rows: list[dict[str, Any]]) -> bytes:
    usual = {field.name: field.default for field in dataclasses.fields(Video)}
    used = [name for name in SCHEMA.names if any(row[name] != usual[name] for row in rows)]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, used, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
