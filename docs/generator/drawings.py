"""Draws the figures of the page on geometry, each for light and for dark: ``python docs/generator/drawings.py``."""

from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

FOLDER = Path(__file__).parent.parent / "drawings"
FOCAL = 0.8
"""In widths of the image, which spans x in -0.5 ... 0.5 and y in -0.28 ... 0.28."""


@dataclass(frozen=True)
class Theme:
    """Colours of lines and words on the page's own background."""

    name: str
    ink: str
    faint: str
    near: str
    far: str
    odd: str


THEMES = (
    Theme("light", "#1f2328", "#8a929a", "#b4540a", "#0a6ab4", "#a3123f"),
    Theme("dark", "#e6e8ea", "#7d858d", "#f0a35e", "#6ab7f5", "#ff7a9c"),
)


def main() -> None:
    """Writes all drawings; equal bytes each time."""
    mpl.rcParams.update({"svg.hashsalt": "drawings", "svg.fonttype": "path", "font.size": 10})
    FOLDER.mkdir(exist_ok=True)
    for theme in THEMES:
        for draw in (parallax, flow, movers, percentile):
            figure = draw(theme)
            path = FOLDER / f"{draw.__name__}-{theme.name}.svg"
            figure.savefig(path, transparent=True, metadata={"Date": None}, bbox_inches="tight")


def bare(figure: Figure, place: tuple[int, int, int], title: str, theme: Theme) -> Axes:
    """A panel without axes."""
    axes = figure.add_subplot(*place)
    axes.set_title(title, color=theme.ink, fontsize=10)
    axes.set_axis_off()
    axes.set_aspect("equal")
    return axes


def arrow(axes: Axes, start: NDArray[np.float64], end: NDArray[np.float64], colour: str) -> None:
    """From one point to another."""
    axes.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.5, "shrinkA": 0, "shrinkB": 0}
    )


def parallax(theme: Theme) -> Figure:
    """Two posts on one ray part when the camera moves forward."""
    figure = Figure(figsize=(8.4, 3.4))
    above = bare(figure, (1, 2, 1), "from above", theme)
    near, far = np.array([1.1, 4.4]), np.array([2.2, 8.8])
    for camera, name in ((np.array([0.0, 0.0]), "1"), (np.array([0.0, 1.8]), "2")):
        above.add_patch(
            mpl.patches.Polygon(
                [camera, camera + np.array([-0.35, -0.6]), camera + np.array([0.35, -0.6])], color=theme.ink
            )
        )
        above.text(camera[0] - 0.9, camera[1] - 0.5, name, color=theme.ink)
        for post, colour in ((far, theme.far), (near, theme.near)):
            above.plot(*np.stack([camera, post]).T, color=colour, lw=1, ls="-" if name == "2" else ":")
    arrow(above, np.array([-1.4, 0.0]), np.array([-1.4, 1.8]), theme.ink)
    above.text(-2.1, 0.7, "W", color=theme.ink)
    for post, colour, word in ((near, theme.near, "near"), (far, theme.far, "far")):
        above.plot(*post, "o", color=colour)
        above.text(post[0] + 0.25, post[1] - 0.1, word, color=colour)
    above.set_xlim(-3, 4.5)
    image = bare(figure, (1, 2, 2), "in the image", theme)
    image.add_patch(mpl.patches.Rectangle((-0.5, -0.28), 1, 0.56, fill=False, color=theme.faint))
    image.plot(0, 0, "+", color=theme.ink, ms=12)
    for row, post, colour, word in ((-0.1, near, theme.near, "near"), (0.1, far, theme.far, "far")):
        before, after = FOCAL * post[0] / post[1], FOCAL * post[0] / (post[1] - 1.8)
        image.plot(before, row, "o", color=theme.faint)
        arrow(image, np.array([before, row]), np.array([after, row]), colour)
        image.text(before - 0.04, row + 0.03, word, color=colour)
    image.text(-0.03, -0.09, "focus of\nexpansion", color=theme.ink, ha="right")
    return figure


def street(columns: int = 13, rows: int = 7) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Image points (N, 2) and depths (N,) of a straight street: ground, two rows of houses, a wall far ahead."""
    x, y = np.meshgrid(np.linspace(-0.46, 0.46, columns), np.linspace(-0.24, 0.24, rows))
    ground = np.where(y > 0, 1.5 * FOCAL / np.maximum(y, 1e-9), np.inf)
    houses = 7 * FOCAL / np.maximum(np.abs(x), 1e-9)
    depth = np.minimum(np.minimum(ground, houses), 60.0)
    return np.stack([x, y], axis=-1).reshape(-1, 2), depth.ravel()


def turned(points: NDArray[np.float64], pan: float, tilt: float, roll: float) -> NDArray[np.float64]:
    """Flow (N, 2) of a small rotation, in radians: the same whatever the depth."""
    x, y = points.T
    u = -FOCAL * pan - pan * x * x / FOCAL + tilt * x * y / FOCAL + roll * y
    v = FOCAL * tilt + tilt * y * y / FOCAL - pan * x * y / FOCAL - roll * x
    return np.stack([u, v], axis=-1)


def flow(theme: Theme) -> Figure:
    """What is measured, the part of the rotation, and what remains."""
    figure = Figure(figsize=(10, 2.6))
    points, depth = street()
    focus = np.array([0.06, -0.02])
    translation = 0.75 * (points - focus) / depth[:, None]
    rotation = turned(points, 0.035, 0.012, 0.0)
    parts = ((rotation + translation, "measured"), (rotation, "=  rotation"), (translation, "+  translation: depth"))
    nearness = np.clip(1 / depth / np.percentile(1 / depth, 90), 0, 1)
    shade = mpl.colors.LinearSegmentedColormap.from_list("depth", [theme.far, theme.near])
    for column, (vectors, title) in enumerate(parts, start=1):
        axes = bare(figure, (1, 3, column), title, theme)
        axes.add_patch(mpl.patches.Rectangle((-0.52, -0.3), 1.04, 0.6, fill=False, color=theme.faint))
        colours = shade(nearness) if column == 3 else theme.ink
        axes.quiver(*points.T, *vectors.T, color=colours, angles="xy", scale_units="xy", scale=1, width=0.005)
        if column == 3:
            axes.plot(*focus, "+", color=theme.odd, ms=14, mew=2)
        axes.set_xlim(-0.54, 0.54)
        axes.set_ylim(0.32, -0.32)
    return figure


def movers(theme: Theme) -> Figure:
    """Which flow tells that a thing moves, and which does not."""
    figure = Figure(figsize=(7, 3.2))
    axes = bare(figure, (1, 1, 1), "", theme)
    focus = np.array([0.0, 0.05])
    axes.plot(*focus, "+", color=theme.ink, ms=14, mew=2)
    things = (
        ((0.28, 0.1), (0.08, 0.0), theme.far, "a post that stands:\nalong its line"),
        ((-0.2, 0.14), (0.1, 0.06), theme.odd, "a cyclist who crosses:\noff its line"),
        ((-0.22, -0.08), (0.19, 0.0), theme.odd, "an oncoming car: along its line,\nonly as if it were near"),
    )
    for place, (along, off), colour, words in things:
        point = np.array(place)
        outward = (point - focus) / np.linalg.norm(point - focus)
        aside = np.array([-outward[1], outward[0]])
        axes.plot(*np.stack([focus, point + 0.2 * outward]).T, color=theme.faint, lw=0.8, ls=":")
        axes.plot(*point, "o", color=colour)
        arrow(axes, point, point + along * outward + off * aside, colour)
        side = 1 if place[0] > 0 else -1
        axes.text(point[0], point[1] + 0.06, words, color=colour, ha="left" if side > 0 else "right", va="bottom")
    axes.set_xlim(-0.75, 0.75)
    axes.set_ylim(-0.22, 0.34)
    return figure


def percentile(theme: Theme) -> Figure:
    """Two scales of one street, and one rank."""
    figure = Figure(figsize=(9, 3))
    depth = np.sort(street(400, 400)[1])[::40]
    steps = ((depth / 0.5, theme.near, "slow car"), (depth / 1.5, theme.far, "fast car"))
    left, right = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    for scaled, colour, word in steps:
        left.hist(np.log10(scaled), bins=40, histtype="step", color=colour, label=word, lw=1.5)
        right.plot(np.log10(scaled), np.linspace(0, 1, scaled.size), color=colour, lw=1.5)
        tenth = np.log10(scaled[scaled.size * 4 // 10])
        right.plot([tenth, tenth], [0, 0.4], color=colour, lw=0.8, ls=":")
    right.axhline(0.4, color=theme.faint, lw=0.8, ls=":")
    left.legend(frameon=False, labelcolor=theme.ink)
    left.set_title("pixels by depth, in steps of the car", color=theme.ink, fontsize=10)
    right.set_title("share of pixels nearer: the label", color=theme.ink, fontsize=10)
    for axes in (left, right):
        axes.set_xlabel("depth in steps, logarithm", color=theme.ink)
        axes.tick_params(colors=theme.ink)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(theme.faint)
    left.set_yticks([])
    return figure


if __name__ == "__main__":
    main()
