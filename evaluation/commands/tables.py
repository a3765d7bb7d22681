"""The paper's tables with the scores of runs beside its own."""

import argparse
import textwrap
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.paper_tables import HEADS, TABLES, Column, Table
from evaluation.report import Report, aligned, read_protocols

SUMMARY = "Tables 1 to 4 of the paper, the scores of runs beside its own"
DESCRIPTION = f"""Tables 1 to 4 of Jiang et al., ECCV 2018, in its layout, with rows for runs.

A run is NAME=F: its name in the table, and a file that another command wrote with --json. Files of one name share its
rows; where several give the same figure, as those of seeds do, their mean and deviation are printed. Segmentation goes
into Table 2 where the name ends in {", ".join(HEADS)}, else into Table 1. Where a run was not scored under the paper's
protocol, the protocol stands after its name.

  python -m evaluation tables "ours=road.json" "ours=detection.json" "seed 1 FCN8s=cityscapes.json"
"""


@dataclass(frozen=True)
class Score:
    """What one file says of one run."""

    name: str
    task: str
    protocols: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Tables(Report):
    """Printed in the layout of the paper."""

    text: str = ""

    def table(self) -> str:
        """The tables, one beneath the other."""
        return self.text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The runs."""
    parser.add_argument("runs", nargs="*", metavar="NAME=F", help="a run and its scores")


def run(options: argparse.Namespace) -> Report:
    """All four tables."""
    scores = [_score(word) for word in options.runs]
    figures, texts = {}, []
    for table in TABLES:
        rows = _paper(table) | _ours(table, scores)
        cells = [[name, *(_cell(values, table.decimals) for values in row)] for name, row in rows.items()]
        header = [table.title, *(column.title for column in table.columns)]
        texts.append(aligned([header, *cells]) + "\n" + textwrap.fill(f"({table.protocol})", 120))
        for name, row in rows.items():
            figures[f"{table.title}: {name}"] = {
                column.title: float(np.mean(values)) for column, values in zip(table.columns, row) if values
            }
    return Tables("tables", figures, text="\n\n".join(texts))


def _score(word: str) -> Score:
    name, equals, file = word.rpartition("=")
    if not (name and equals and file):
        raise ValueError(f"{word} is no run; give NAME=F, a name and a file of scores")
    return Score(name, *read_protocols(Path(file)))


def _paper(table: Table) -> dict[str, list[list[float]]]:
    return {
        f"paper: {name}": [[] if figure is None else [figure] for figure in row] for name, row in table.paper.items()
    }


def _ours(table: Table, scores: list[Score]) -> dict[str, list[list[float]]]:
    """Figures of runs by the name of the row: for each column those of all files."""
    rows: dict[str, list[list[float]]] = defaultdict(lambda: [[] for _ in table.columns])
    for score in scores:
        for place, column in enumerate(table.columns):
            protocol = _protocol(column, score)
            if protocol is not None:
                name = score.name.removesuffix(column.ending).strip() or score.name
                name += "" if protocol == column.protocols[0] else f" ({protocol})"
                rows[name][place].append(column.factor * score.protocols[protocol][column.figure])
    return dict(rows)


def _protocol(column: Column, score: Score) -> str | None:
    """The first of the column's protocols that the file has the figure for."""
    ending = next((head for head in HEADS if score.name.endswith(head)), "")
    if score.task != column.task or (column.task == "segmentation" and ending != column.ending):
        return None
    return next((name for name in column.protocols if column.figure in score.protocols.get(name, {})), None)


def _cell(figures: list[float], decimals: int) -> str:
    if not figures:
        return "-"
    mean = f"{np.mean(figures):.{decimals}f}"
    return mean if len(figures) == 1 else f"{mean} ± {np.std(figures, ddof=1):.{decimals}f}"
