"""The curve of quality against time that the engines and presets of ``benchmarks.flow`` make, as a picture."""

from pathlib import Path
from typing import Any

QUALITIES = {"epe": "mean error, px", "fl_percent": "errors over 3 px and 5 %, %", "rho": "rank correlation of depth"}
PRESETS_ALONG = ("fast", "balanced", "accurate")


def draw(results: list[dict[str, Any]], path: Path) -> None:
    """Draw the rows that ``benchmarks.flow`` wrote into a PNG. Needs matplotlib (``pip install -e '.[dev]'``)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    for axes, (name, title) in zip(figure.subplots(1, len(QUALITIES)), QUALITIES.items()):
        curve = [next((row for row in results if row["preset"] == preset), None) for preset in PRESETS_ALONG]
        known = [row for row in curve if row]
        axes.plot([row["times_dis_medium"] for row in known], [row[name] for row in known], "-", color="tab:blue")
        for row in results:
            ours = row["engine"] == "census"
            x, y = row["times_dis_medium"], row[name]
            axes.plot(x, y, "o", color="tab:blue" if ours else "tab:grey")
            axes.annotate(
                row["preset"] if ours else row["engine"], (x, y), (5, 5), textcoords="offset points", fontsize=9
            )
        axes.set_xlabel("processor time, DIS medium one way = 1")
        axes.set_title(title, fontsize=10)
        axes.set_xlim(left=0)
        axes.margins(x=0.2, y=0.12)
        axes.grid(alpha=0.3)
    figure.suptitle(f"{results[0]['sequence']}, {results[0]['pairs']} pairs", fontsize=10)
    figure.savefig(path, dpi=90)
