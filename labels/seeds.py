"""The sparse matches of a pair of frames, and what is computed of the frames for them (LABELS section 4.2)."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labels import census, edge_filter, matching, subpixel
from labels.edge_filter import Decays
from labels.matching import Grid, MatchingParameters

GREY = NDArray[np.uint8]


@dataclass(frozen=True)
class SeedParameters:
    """How seeds are matched; lengths in pixels of the image at hand."""

    forward: MatchingParameters = field(default_factory=MatchingParameters)
    backward: MatchingParameters = field(default_factory=MatchingParameters)
    agreement_px: float = 3.0
    """Distance within which a backward match must lead back."""
    border_px: int = 5
    """Matches nearer to the border than this are dropped."""
    subpixel_iterations: int = 3
    subpixel_limit_px: float = 2.0


@dataclass
class Pair:
    """Two frames and what is computed of each once."""

    grey1: GREY
    grey2: GREY
    census1: list[NDArray[np.uint64]]
    census2: list[NDArray[np.uint64]]
    float1: NDArray[np.float32]
    float2: NDArray[np.float32]
    guide: GREY
    edges: NDArray[np.float32] | None = None
    """At which one seed ceases to speak for another, (H, W) in [0, 1]; None: at the grey levels of ``guide``."""

    @classmethod
    def of(cls, grey1: GREY, grey2: GREY, edges: NDArray[np.float32] | None = None) -> "Pair":
        """Pyramids and descriptors of two (H, W) frames."""
        count = matching.levels(*grey1.shape)
        census1, census2 = (
            [census.descriptors(image) for image in census.pyramid(grey, count)] for grey in (grey1, grey2)
        )
        float1, float2 = grey1.astype(np.float32), grey2.astype(np.float32)
        return cls(grey1, grey2, census1, census2, float1, float2, edge_filter.smooth(grey1), edges)


@dataclass
class Seeds:
    """A grid of points of frame 1 and where they go."""

    grid: Grid
    along: Decays
    """How far one seed speaks for another: ends at image edges."""
    matches: NDArray[np.int32]
    """(rows, columns, 3): displacement to the right, downwards, px; cost."""
    displacements: NDArray[np.float32]
    """(rows, columns, 2) px, to fractions of a pixel."""
    weights: NDArray[np.float32]
    """(rows, columns): 0 = no match that others support, up to 1."""

    @property
    def place(self) -> tuple[int, int, int]:
        """Step and origin of the grid."""
        return self.grid.place

    @property
    def x(self) -> NDArray[np.float64]:
        """Pixel columns of the seeds, (columns,)."""
        return self.grid.x0 + self.grid.step * np.arange(self.grid.columns, dtype=float)

    @property
    def y(self) -> NDArray[np.float64]:
        """Pixel rows of the seeds, (rows, 1)."""
        return self.grid.y0 + self.grid.step * np.arange(self.grid.rows, dtype=float)[:, None]


def match(pair: Pair, parameters: SeedParameters, edges: edge_filter.EdgeParameters) -> Seeds:
    """Match both ways; keep what agrees, to fractions of a pixel, and what its neighbours support."""
    grid, matches = matching.match(pair.census1, pair.census2, parameters.forward)
    back, back_matches = matching.match(pair.census2, pair.census1, parameters.backward)
    limits = (parameters.agreement_px, parameters.border_px)
    kept = matching.agreement(matches, *grid.place, back_matches, *back.place, *pair.grey1.shape, *limits)
    displacements = to_subpixels(pair, grid, matches, kept, parameters)
    weights = matching.without_isolated(displacements, kept, grid.step)
    return Seeds(grid, edge_filter.decays(pair.guide, grid, edges, pair.edges), matches, displacements, weights)


def to_subpixels(
    pair: Pair, grid: Grid, matches: NDArray[np.int32], kept: NDArray[np.bool_], parameters: SeedParameters
) -> NDArray[np.float32]:
    """Displacements (rows, columns, 2) of the ``kept`` matches to fractions of a pixel; the others' to whole ones."""
    effort = (parameters.subpixel_iterations, parameters.subpixel_limit_px)
    return subpixel.refine_matches(pair.float1, pair.float2, matches, kept, *grid.place, *effort)


def agreeing(robust: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Seeds whose matches agree with the models fitted around them, by the robust weights of the fit."""
    return (weights > 0) & (robust > 0.25 * weights)
