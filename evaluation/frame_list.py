"""Lists of the frames of a split: CSV with a header, a frame a row."""

import csv
from collections.abc import Iterable
from pathlib import Path


def chosen(files: Iterable[Path], frames: Path | None, column: str) -> list[Path]:
    """The files, by stem, that the list names in a column, with or without folders and ending; all without a list.

    Raises ``ValueError`` where the list has no such column, names nothing, or names what is not among the files.
    """
    by_name = {path.stem: path for path in sorted(files)}
    if frames is None:
        return list(by_name.values())
    try:
        with frames.open(newline="", encoding="utf-8") as file:
            names = [Path(row.get(column) or "").stem for row in csv.DictReader(file)]
    except (UnicodeDecodeError, csv.Error):
        names = []
    if not names or "" in names:
        raise ValueError(f"{frames} names no frame in each row; it is CSV with a column {column}")
    for name in names:
        if name not in by_name:
            raise ValueError(f"{frames} names {name}, of which there is no ground truth")
    return [by_name[name] for name in sorted(set(names))]
