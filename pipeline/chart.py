"""Charts as shapes for a template to draw: plain numbers in, positions in a drawing's own units out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 32
WIDTH, HEIGHT = 320, 120
"""Size of a histogram's drawing."""


@dataclass(frozen=True)
class Histogram:
    """Counts of equal bins over [low, high]; what lies beyond is counted in the outermost bins."""

    low: float
    high: float
    counts: tuple[int, ...]
    median: float
    quantiles: tuple[float, float]  # 5th and 95th percentile
    missing: int  # values that are no number

    @property
    def total(self) -> int:
        """The number of values counted."""
        return sum(self.counts)

    def bars(self) -> list[dict[str, float]]:
        """Rectangles of the drawing, with the range and count that each stands for."""
        step, most, number = WIDTH / len(self.counts), max(max(self.counts), 1), len(self.counts)
        edges = np.linspace(self.low, self.high, number + 1)
        return [
            {
                "x": round(place * step + 0.5, 2),
                "width": round(step - 1, 2),
                "y": round(HEIGHT * (1 - count / most), 2),
                "height": round(HEIGHT * count / most, 2),
                "from": float(edges[place]),
                "to": float(edges[place + 1]),
                "count": count,
            }
            for place, count in enumerate(self.counts)
        ]

    def at(self, value: float) -> float:
        """Where a value is in the drawing, from the left."""
        share = (value - self.low) / (self.high - self.low)
        return round(float(np.clip(share, 0, 1)) * WIDTH, 2)


def histogram(values: ArrayLike, low: float | None = None, high: float | None = None) -> Histogram | None:
    """The histogram of numbers; None without any.

    The range is, where not given, that of all but the largest hundredth.
    """
    given = np.asarray(values, dtype=np.float64).ravel()
    known = given[np.isfinite(given)]
    if not known.size:
        return None
    low = float(known.min()) if low is None else low
    high = float(np.percentile(known, 99)) if high is None else high
    if not high > low:
        low, high = low - 0.5, low + 0.5
    counts, _ = np.histogram(np.clip(known, low, high), bins=BINS, range=(low, high))
    p5, median, p95 = (float(value) for value in np.percentile(known, (5, 50, 95)))
    return Histogram(low, high, tuple(int(c) for c in counts), median, (p5, p95), int(given.size - known.size))


def scatter(x: ArrayLike, y: ArrayLike, most: int = 1500) -> dict[str, Any]:
    """Points with ``x`` and ``y`` in [-0.25, 1.25] of a frame, evenly thinned to ``most``.

    And how many there are so ``near``, ``beyond`` that, and ``nowhere`` (not finite); the 5th, 50th and 95th percentile
    of x and of y over the near ones, None without any.
    """
    points: NDArray[np.float64] = np.stack([np.asarray(x, np.float64), np.asarray(y, np.float64)], axis=-1)
    known = points[np.isfinite(points).all(axis=1)]
    near = known[((known >= -0.25) & (known <= 1.25)).all(axis=1)]
    chosen = near[np.linspace(0, len(near) - 1, min(most, len(near))).astype(int)] if len(near) else near
    return {
        "points": [(round(float(px), 4), round(float(py), 4)) for px, py in chosen],
        "spread": [[float(q) for q in np.percentile(axis, (5, 50, 95))] for axis in near.T] if len(near) else None,
        "near": len(near),
        "beyond": len(known) - len(near),
        "nowhere": len(points) - len(known),
    }
