"""Table and plots of a study of what pre-training gains, the paper's figures beside."""

from collections.abc import Iterable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import gain_curves
from benchmarks.gain_study import Study

PAPER = {
    ("alexnet-fcn32s", "cityscapes"): {"scratch": 40.7, "depth": 45.4, "imagenet": 48.1},
    ("alexnet-fcn32s", "kitti"): {"scratch": 39.6, "depth": 42.6, "imagenet": 46.2},
    ("alexnet-fcn32s", "camvid"): {"scratch": 44.0, "depth": 53.4, "imagenet": 57.4},
    ("vgg16-fcn32s", "cityscapes"): {"scratch": 45.4, "depth": 55.0, "adapted": 56.2, "imagenet": 58.7},
    ("vgg16-fcn16s", "cityscapes"): {"scratch": 51.3, "depth": 57.6, "adapted": 58.5, "imagenet": 62.9},
    ("vgg16-fcn8s", "cityscapes"): {"scratch": 51.6, "depth": 59.8, "adapted": 60.5, "imagenet": 63.4},
    ("vgg16-fcn8s", "camvid"): {"scratch": 44.3, "depth": 60.3},
}
"""Mean IoU in percent by architecture and dataset (Jiang et al., ECCV 2018, tables 1 and 2)."""
AXES = {
    "frames": ("frames of pre-training", "labelled_size"),
    "images": ("labelled images", "pretraining_size"),
}
"""What is on the axis of a plot by the column, and the other size, of which the plot takes all there is."""

Rows = list[dict[str, Any]]


def write(study: Study, results: Rows, out: Path) -> str:
    """Write ``results.parquet``, ``table.md``, ``frames.png``, ``images.png`` and ``curves.png``; the table."""
    flat = [{name: value for name, value in row.items() if name != "iou"} for row in results]
    classes = [{f"iou_{name}": value for name, value in row["iou"].items()} for row in results]
    names = {name for row in classes for name in row}
    rows = [{**row, **{name: of.get(name) for name in sorted(names)}} for row, of in zip(flat, classes)]
    pq.write_table(pa.Table.from_pylist(rows), out / "results.parquet")
    text = table(study, results)
    (out / "table.md").write_text(text)
    for column in AXES:
        plot(study, results, column, out / f"{column}.png")
    gain_curves.plot(results, [arm.name for arm in study.arms], out / "curves.png")
    return text


def table(study: Study, results: Rows) -> str:
    """Mean and standard deviation over seeds of every arm, and its gain over scratch, Markdown; percent."""
    lines = [
        "| architecture | dataset | arm | frames | labelled | mean IoU, % | sd | runs | over scratch | paper |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    groups = grouped(results)
    for key, scores in groups.items():
        architecture, dataset, arm, frames, images = key
        base = groups.get((architecture, dataset, _scratch(study), 0, images), [])
        gain = f"{mean(scores) - mean(base):+.1f}" if base and arm != _scratch(study) else ""
        spread = f"{stdev(scores):.1f}" if len(scores) > 1 else ""
        paper = paper_value(study, architecture, dataset, arm)
        lines.append(
            f"| {architecture} | {dataset} | {arm} | {frames} | {images} | {mean(scores):.1f} | {spread} | "
            f"{len(scores)} | {gain} | {'' if paper is None else paper} |"
        )
    return "\n".join(lines) + "\n"


def grouped(results: Rows) -> dict[tuple[str, str, str, int, int], list[float]]:
    """Mean IoU in percent, a number a seed, by architecture, dataset, arm, frames and images."""
    found: dict[tuple[str, str, str, int, int], list[float]] = {}
    for row in results:
        key = (row["architecture"], row["dataset"], row["arm"], row["frames"], row["images"])
        found.setdefault(key, []).append(100 * row["mean_iou"])
    return found


def paper_value(study: Study, architecture: str, dataset: str, arm: str) -> float | None:
    """The paper's figure for the same case, or None."""
    return PAPER.get((architecture, study.labelled[dataset].paper), {}).get(study.arm(arm).paper)


def plot(study: Study, results: Rows, column: str, path: Path) -> None:
    """Mean IoU against frames of pre-training or labelled images, a panel an architecture and dataset.

    Needs matplotlib (``pip install -e '.[dev]'``).
    """
    from matplotlib.figure import Figure

    panels = sorted({(row["architecture"], row["dataset"]) for row in results})
    figure = Figure(figsize=(5.2 * len(panels), 3.8), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        shown = [row for row in results if (row["architecture"], row["dataset"]) == panel]
        draw(axes, shown, [arm.name for arm in study.arms], column)
        axes.set_title(", ".join(panel))
    figure.savefig(path, dpi=90)


def draw(axes: Any, results: Rows, arms: Iterable[str], column: str) -> None:
    """Draw a curve for each arm, logarithmic, of runs with all there is of the other size; bars are a standard
    deviation.

    Arms without pre-training are lines across a plot of frames.
    """
    title, other = AXES[column]
    sizes: set[int] = set()
    for number, arm in enumerate(arms):
        points = curve([row for row in results if row["arm"] == arm and row[other] is None], column)
        if not points:
            continue
        colour, x, means = f"C{number}", [p[0] for p in points], [p[1] for p in points]
        if x == [0]:
            axes.axhline(means[0], color=colour, linestyle="--", label=arm)
            axes.axhspan(means[0] - points[0][2], means[0] + points[0][2], color=colour, alpha=0.1)
        else:
            axes.errorbar(x, means, [p[2] for p in points], color=colour, marker="o", capsize=3, label=arm)
            sizes.update(x)
    axes.set(xscale="log", xlabel=title, ylabel="mean IoU, %")
    axes.set_xticks(sorted(sizes), [f"{size:,}" for size in sorted(sizes)], rotation=45)  # some are close to each other
    axes.minorticks_off()  # powers of ten and their parts: their numbers would lie on each other
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def curve(rows: Iterable[dict[str, Any]], column: str) -> list[tuple[int, float, float]]:
    """Size, mean and standard deviation (0 of one run) of mean IoU in percent, by size."""
    sizes: dict[int, list[float]] = {}
    for row in rows:
        sizes.setdefault(row[column], []).append(100 * row["mean_iou"])
    return [(size, mean(v), stdev(v) if len(v) > 1 else 0.0) for size, v in sorted(sizes.items())]


def _scratch(study: Study) -> str:
    """The arm of training from scratch; empty where there is none."""
    return next((arm.name for arm in study.arms if arm.shards is None and arm.weights is None), "")
