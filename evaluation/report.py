"""What a command found out: printed as a table of protocols, written as JSON."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Report:
    """Figures of one task under one protocol or several, side by side."""

    task: str  # name of the command
    protocols: Mapping[str, Mapping[str, float]]  # by the protocol's name: figure by name, a printed row each
    notes: tuple[str, ...] = ()  # sentences beneath the table: what was scored, and what to beware of
    details: Mapping[str, Any] = field(default_factory=dict)  # for the JSON alone, e.g. curves

    def table(self) -> str:
        """The protocols as rows, the figures as columns, the notes beneath."""
        names = list(dict.fromkeys(name for figures in self.protocols.values() for name in figures))
        rows = [
            [protocol, *(_text(figures[name]) if name in figures else "-" for name in names)]
            for protocol, figures in self.protocols.items()
        ]
        return "\n".join([aligned([[self.task, *names], *rows]), *self.notes])


def aligned(rows: list[list[str]]) -> str:
    """Rows of cells as text: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = (
        [cell.rjust(width) if place else cell.ljust(width) for place, (cell, width) in enumerate(zip(row, widths))]
        for row in rows
    )
    return "\n".join("  ".join(line).rstrip() for line in lines)


def require_place(path: Path | None) -> None:
    """Raise ``ValueError``, before any work, where a file of that name could not be written."""
    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        raise ValueError(f"--json {path} cannot be written; name a file in a folder that exists")


def write_json(path: Path, report: Report) -> None:
    """Write all of the report, whole or not at all; what is not finite becomes ``null``, as JSON has no NaN."""
    record = {
        "task": report.task,
        "protocols": report.protocols,
        "notes": report.notes,
        "details": report.details,
    }
    temporary = path.with_name(f".tmp-{path.name}")
    try:
        temporary.write_text(json.dumps(_plain(record), indent=2, allow_nan=False) + "\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_protocols(path: Path) -> tuple[str, dict[str, dict[str, float]]]:
    """Task and protocols of a report that was written. Raises ``ValueError`` for any other file."""
    try:
        record = json.loads(path.read_text())
        protocols = {
            name: {figure: math.nan if value is None else float(value) for figure, value in figures.items()}
            for name, figures in record["protocols"].items()
        }
        return str(record["task"]), protocols
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError):
        raise ValueError(f"{path} holds no scores; give files that python -m evaluation wrote with --json") from None


def _text(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4f}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
