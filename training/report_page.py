"""The page that compares runs: one HTML file that needs nothing else."""

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from training import report_facts
from training.recorded_run import RecordedRun, read_runs
from training.report_curves import Chart, Points, chart
from training.report_pictures import samples

TEMPLATES = Path(__file__).parent / "templates"
COLOURS = 8
"""Of the style; runs beyond share them, and are told apart by their dashes and numbers."""


def write_report(places: list[Path], out: Path, inputs: list[Path], count: int, device: str) -> None:
    """Compare runs, in the order in which they are given; see ``report_pictures.samples`` for the pictures.

    Raises ``ValueError``, before any work, for folders that are no runs and for a file that cannot be written.
    """
    if not out.absolute().parent.is_dir() or out.is_dir():
        raise ValueError(f"--out {out} cannot be written; name a file in a folder that exists")
    if count < 0:
        raise ValueError(f"--samples must not be negative, but is {count}; 0 shows no predictions")
    runs = read_runs(places)
    page = report(runs, inputs, count, device)
    temporary = out.with_name(f".tmp-{out.name}")
    temporary.write_text(page)
    temporary.replace(out)


def report(runs: list[RecordedRun], inputs: list[Path], count: int, device: str) -> str:
    """The page."""
    return (
        _environment()
        .get_template("run_report.html")
        .render(
            style=Markup((TEMPLATES / "run_report.css").read_text()),
            runs=[{"run": run, "state": report_facts.state(run), "cost": report_facts.cost(run)} for run in runs],
            kinds=[_kind(kind) for kind in report_facts.kinds(runs)],
            chains=[report_facts.chain(run) for run in runs],
            options=report_facts.options(runs),
            environment=report_facts.environment(runs),
            samples=samples(runs, inputs, count, device),
            colour=lambda number: f"run run-{number % COLOURS} dash-{number // COLOURS % 3}",
        )
    )


def _kind(kind: dict[str, Any]) -> dict[str, Any]:
    """Runs of a kind with their charts and tables."""
    runs, card = kind["runs"], kind["card"]
    losses = {number: [(line["step"], line["loss"]) for line in run.losses] for number, run in runs}
    drawn: list[tuple[str, Chart | None]] = [("Loss of training", chart(losses, logarithmic=True))]
    for name, title in card.scores.items():
        drawn.append((f"Validation: {title}", chart({number: _trained(run.values(name)) for number, run in runs})))
    return {
        "card": card,
        "runs": [(number, run, report_facts.scores(run)) for number, run in runs],
        "charts": [(title, each) for title, each in drawn if each is not None],
        "by_class": report_facts.by_class(runs),
    }


def _trained(points: Points) -> Points:
    """Without the untrained network where there is a trained one: its score would take most of the axis."""
    return [(step, value) for step, value in points if step > 0] or points


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["number"] = number
    return made


def number(value: float | None) -> str:
    """A number for a person: whole ones with thin gaps, others to four digits; a dash for none."""
    if value is None or value != value:
        return "–"
    if float(value).is_integer():
        return f"{int(value):,}".replace(",", "\u202f")
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}".replace(",", "\u202f")
