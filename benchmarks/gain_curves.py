"""Mean IoU while a study's networks learn: whether training from scratch had come to rest before it was compared."""

from collections.abc import Iterable
from pathlib import Path
from statistics import mean
from typing import Any

from training import run_folder

Rows = list[dict[str, Any]]


def plot(results: Rows, arms: Iterable[str], path: Path) -> None:
    """Mean IoU in percent against steps, the mean of an arm's runs; a panel an architecture and dataset.

    ``results`` are the runs of a study, ``run`` their folders; those on all labels and all frames are drawn.
    Needs matplotlib (``pip install -e '.[dev]'``).
    """
    from matplotlib.figure import Figure

    panels = sorted({(row["architecture"], row["dataset"]) for row in results})
    figure = Figure(figsize=(5.2 * len(panels), 3.8), layout="constrained")
    names = list(arms)
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        shown = [row for row in results if (row["architecture"], row["dataset"]) == panel]
        for number, arm in enumerate(names):
            found = mean_curve([validated(Path(row["run"])) for row in shown if row["arm"] == arm and _whole(row)])
            if found:
                axes.plot(*zip(*found), color=f"C{number}", marker=".", label=arm)
        axes.set(title=", ".join(panel), xlabel="steps of fine-tuning", ylabel="mean IoU, %", ylim=(0, None))
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=90)


def validated(run: Path) -> list[tuple[int, float]]:
    """Step and mean IoU in percent of every validation of a run, before the first step too."""
    lines = [line for line in run_folder.read_metrics(run) if "validation" in line]
    return [(line["step"], 100 * next(iter(line["validation"].values()))["mean_iou"]) for line in lines]


def mean_curve(curves: list[list[tuple[int, float]]]) -> list[tuple[int, float]]:
    """The mean over runs at the steps that all of them were validated at."""
    by_step: dict[int, list[float]] = {}
    for step, score in (point for curve in curves for point in curve):
        by_step.setdefault(step, []).append(score)
    return [(step, mean(scores)) for step, scores in sorted(by_step.items()) if len(scores) == len(curves)]


def _whole(row: dict[str, Any]) -> bool:
    return row["pretraining_size"] is None and row["labelled_size"] is None
