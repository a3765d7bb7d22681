"""Curves as shapes for a template to draw: steps and values in, positions in a drawing's own units out."""

import math
from dataclasses import dataclass
from statistics import mean

WIDTH, HEIGHT = 460, 220
"""Of the area between the axes."""
MOST_POINTS = 300
"""Of a drawn line: of more, neighbours are averaged."""
MOST_ROWS = 60
"""Of the table of a chart: of more steps, some at even distances, the last among them."""
SPREAD = 5
"""How far apart values are, as a quotient, that are shown by their logarithm; else too few marks would be between."""
APART = 14.0
"""Least distance of the marks at the ends of lines."""

Points = list[tuple[int, float]]
"""Steps and values."""


@dataclass(frozen=True)
class Chart:
    """Lines over the same axes. Values are shown by their logarithm where ``logarithmic``."""

    lines: dict[int, Points]  # by the number of the run; finite, none empty
    low: float
    high: float
    last: int  # the last step
    logarithmic: bool

    def x(self, step: float) -> float:
        """Where a step is in the drawing, from the left."""
        return round(WIDTH * step / max(self.last, 1), 2)

    def y(self, value: float) -> float:
        """Where a value is, from above."""
        return round(HEIGHT * (1 - self._share(value)), 2)

    def _share(self, value: float) -> float:
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return (value - low) / (high - low)

    def path(self, run: int) -> str:
        """The line of a run as the ``d`` of an SVG path; of a single point a short stroke."""
        drawn = [(self.x(step), self.y(value)) for step, value in thinned(self.lines[run])]
        if len(drawn) == 1:
            drawn = [(drawn[0][0] - 2, drawn[0][1]), (drawn[0][0] + 2, drawn[0][1])]
        return "M" + "L".join(f"{x:g} {y:g}" for x, y in drawn)

    def ends(self) -> list[tuple[int, float, float]]:
        """Run, x and y of the marks at the ends of the lines, so far apart that none hides another."""
        found, ends = [], sorted((self.y(points[-1][1]), run) for run, points in self.lines.items())
        least = -math.inf
        for place, (y, run) in enumerate(ends):
            # as low as its line ends, but above those that follow, and these above the axis
            lowest = HEIGHT - APART * (len(ends) - 1 - place)
            least = max(min(y, lowest), least + APART)
            found.append((run, self.x(self.lines[run][-1][0]), round(least, 2)))
        return found

    def values_at(self) -> list[float]:
        """Values to mark at the axis: 1, 2 or 5 of a power of ten apart, or those of a logarithmic axis."""
        if self.logarithmic:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            marks = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
            return [mark for mark in marks if self.low <= mark <= self.high]
        step = _round_step((self.high - self.low) / 4)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(number * step, 12) for number in range(first, last + 1)]

    def steps_at(self) -> list[int]:
        """Steps to mark at the axis."""
        step = max(1, round(_round_step(self.last / 4)))
        return list(range(0, self.last + 1, step))

    def table(self) -> list[tuple[int, list[float | None]]]:
        """A row a step: its value in each run, None where it has none."""
        steps = sorted({step for points in self.lines.values() for step, _ in points})
        if len(steps) > MOST_ROWS:
            steps = [steps[(len(steps) - 1) * place // (MOST_ROWS - 1)] for place in range(MOST_ROWS)]
        found = [dict(points) for points in self.lines.values()]
        return [(step, [values.get(step) for values in found]) for step in steps]


def chart(lines: dict[int, Points], logarithmic: bool = False) -> Chart | None:
    """A chart of the finite values of runs; None without any.

    It is ``logarithmic`` only where all values are positive, and the largest is ``SPREAD`` times the smallest.
    """
    known = {run: [(s, v) for s, v in points if math.isfinite(v)] for run, points in lines.items()}
    known = {run: points for run, points in known.items() if points}
    if not known:
        return None
    values = [value for points in known.values() for _, value in points]
    low, high = min(values), max(values)
    logarithmic = logarithmic and low > 0 and high > SPREAD * low
    if not high > low:
        low, high = low - abs(low) / 2 - (low == 0), high + abs(high) / 2 + (high == 0)
    return Chart(known, low, high, max(step for points in known.values() for step, _ in points), logarithmic)


def thinned(points: Points) -> Points:
    """At most ``MOST_POINTS``, each the mean of neighbours."""
    size = -(-len(points) // MOST_POINTS)
    parts = [points[start : start + size] for start in range(0, len(points), size)]
    return [(round(mean(s for s, _ in part)), mean(v for _, v in part)) for part in parts]


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below."""
    power = 10.0 ** math.floor(math.log10(max(least, 1e-12)))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least * (1 - 1e-9))
