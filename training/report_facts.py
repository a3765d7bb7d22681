"""What a report on runs says: scores, cost, where weights came from, how configurations and environments differ."""

from typing import Any

from training.configuration import to_dict
from training.recorded_run import RecordedRun
from training.validation import NETWORK

CHAINED = "initialised_from"


def state(run: RecordedRun) -> str:
    """How far a run has come."""
    if run.planned is None:
        return f"at step {run.step}" if run.step else "not begun"
    done = run.step >= run.planned and run.saved == run.step
    return f"finished, {run.step} steps" if done else f"unfinished, {run.step} of {run.planned} steps"


def kinds(runs: list[RecordedRun]) -> list[dict[str, Any]]:
    """Runs whose scores compare, with the words of their task; in the order in which they are given."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for number, run in enumerate(runs):
        card = run.configuration.card()
        kind = found.setdefault((card.title, *card.scores), {"card": card, "runs": []})
        kind["runs"].append((number, run))
    return list(found.values())


def scores(run: RecordedRun) -> list[dict[str, Any]]:
    """Rows of a table: the best validation, the last where that is another, and what the network must beat."""
    rows, last = [], run.scored[-1] if run.scored else None
    if run.best is not None:
        both = run.best is last
        rows.append({"predictor": "network, best and last" if both else "network, best", **_row(run.best, NETWORK)})
        if last is not None and not both:
            rows.append({"predictor": "network, last", **_row(last, NETWORK)})
    others = {name: line for line in run.validations for name in line["validation"] if name != NETWORK}
    return rows + [{"predictor": name, **_row(line, name)} for name, line in others.items()]


def _row(line: dict[str, Any], predictor: str) -> dict[str, Any]:
    return {"step": line["step"], "images": line["images"], "scores": line["validation"][predictor]}


def by_class(runs: list[tuple[int, RecordedRun]]) -> list[dict[str, Any]]:
    """A row a class: its intersection over union in the best validation of each run; none where nothing notes them."""
    tables = [(run.best or {}).get("iou", {}) for _, run in runs]
    names = dict.fromkeys(name for table in tables for name in table)
    return [{"name": name, "values": [table.get(name) for table in tables]} for name in names]


def cost(run: RecordedRun) -> dict[str, Any]:
    """Images a second, the wait for data, and hours of training at that rate since the run last began.

    Validation is not counted. Values are None where nothing was noted.
    """
    last = run.losses[-1] if run.losses else {}
    rate, images = last.get("images_per_second"), run.step * run.configuration.batch_size
    ranks = run.provenance.get("ranks")
    hours = images / rate / 3600 if rate else None
    return {
        "batch": run.configuration.batch_size,
        "images": images,
        "rate": rate,
        "wait": last.get("data_wait_percent"),
        "hours": hours,
        "ranks": ranks,
        "device": run.provenance.get("gpu") or run.provenance.get("processor"),
    }


def chain(run: RecordedRun) -> list[dict[str, Any]]:
    """What a run started from, and that from, as far back as it is known; ``{}`` stands for weights by He's rule."""
    facts: dict[str, Any] = run.provenance
    found: list[dict[str, Any]] = []
    while CHAINED in facts:
        if facts[CHAINED] is None:
            return [*found, {}]
        facts = facts[CHAINED]
        found.append({name: value for name, value in facts.items() if name != CHAINED})
    return found


def options(runs: list[RecordedRun]) -> list[dict[str, Any]]:
    """A row an option: its value in each run, and whether they differ; of one run, its own and the default."""
    tables = [{"data": run.data, **by_name(to_dict(run.configuration))} for run in runs]
    if len(runs) == 1:
        usual = by_name(to_dict(type(runs[0].configuration)()))
        tables.append({"data": tables[0]["data"], **usual})
    return _rows(tables)


def environment(runs: list[RecordedRun]) -> list[dict[str, Any]]:
    """A row a fact of ``provenance.json``: code, libraries, machine, data."""
    return _rows([by_name({n: v for n, v in run.provenance.items() if n not in (CHAINED, "data")}) for run in runs])


def by_name(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by their dotted names."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= by_name(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


def _rows(tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = dict.fromkeys(name for table in tables for name in table)
    rows = [{"name": name, "values": [_said(table, name) for table in tables]} for name in names]
    return [{**row, "differs": len(set(row["values"])) > 1} for row in rows]


def _said(table: dict[str, Any], name: str) -> str:
    if name not in table:
        return "–"
    value = table[name]
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
