"""The motion that fits samples of flow best: from the pair before, or from a grid of headings (LABELS 7.3, 7.6)."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from labels.egomotion_parameters import EgomotionParameters
from labels.egomotion_refinement import refine, rotation_matrix
from labels.flow_samples import Samples
from labels.heading_search import ANNEALING, HEADINGS, linear_heading, search

RIVAL_DEG = 15.0
"""Motions whose headings differ by more are two hypotheses, not one."""

Motion = tuple[NDArray[np.float64], NDArray[np.float64]]
"""R (3, 3) and the unit T (3,)."""


@dataclass(frozen=True)
class Fit:
    """A motion with what it costs."""

    R: NDArray[np.float64]
    T: NDArray[np.float64]
    normal: NDArray[np.float64]  # (5, 5), of rotation and two tangents of T
    sums: NDArray[np.float64]  # cost, weight, weighted square, violations
    cost: float  # mean data cost
    total: float  # with the prior
    samples: int
    margin: float = np.nan
    tracked_pairs: int = 0


@dataclass(frozen=True)
class Prior:
    """What is expected of a heading: that it is near ``usual`` (3,), a unit vector, or opposite to it (LABELS 7.6)."""

    usual: NDArray[np.float64]
    spread_deg: float  # 0: nothing is expected
    scale: float  # of the penalty

    @classmethod
    def of(cls, usual: NDArray[np.float64], parameters: EgomotionParameters) -> "Prior":
        """The prior about a heading."""
        scale = 1 / (parameters.robust_scale**2 * parameters.effective_samples)
        return cls(usual, parameters.heading_prior_deg, scale)

    def cost(self, T: NDArray[np.float64]) -> NDArray[np.float64]:
        """What it adds to the mean cost of unit headings ``T`` (..., 3); a little more for reversing (LABELS 11.3)."""
        cosine = T @ self.usual
        if self.spread_deg <= 0:
            return np.zeros(cosine.shape)
        off = np.minimum(np.rad2deg(np.arccos(np.minimum(1.0, np.abs(cosine)))) / self.spread_deg, 6.0)
        return off**2 * self.scale + np.where(cosine < 0, 0.002, 0.0)


def refined(
    samples: Samples,
    start: Motion,
    parameters: EgomotionParameters,
    prior: Prior,
    annealing: tuple[float, ...],
    iterations: int,
) -> Fit:
    """The best fit near ``start``; with no iterations, what ``start`` itself costs."""
    x, y = samples.x, samples.y
    ends = x + samples.u, y + samples.v
    R, T = np.ascontiguousarray(start[0]), np.ascontiguousarray(start[1] / np.linalg.norm(start[1]))
    scale2 = parameters.robust_scale**2
    R, T, normal, sums = refine(x, y, *ends, samples.inverse_sigma, R, T, scale2, np.array(annealing), iterations)
    cost = float(sums[0] / len(samples))
    return Fit(R, T, normal, sums, cost, cost + float(prior.cost(T)), len(samples))


def tracked(samples: Samples, start: Motion, limit: float, parameters: EgomotionParameters, prior: Prior) -> Fit | None:
    """The fit that starts from the pair before, or None where it costs more than ``limit``."""
    near = refined(samples.thin(parameters.search_samples), start, parameters, prior, (4.0, 1.0), 8)
    fitted = refined(samples, (near.R, near.T), parameters, prior, (1.0,), 25)
    return fitted if np.isfinite(fitted.cost) and fitted.cost <= limit else None


def cold(samples: Samples, start: Motion | None, parameters: EgomotionParameters, prior: Prior) -> Fit | None:
    """The best fit over a grid of headings, the linear solution and ``start``; None where there is none.

    ``margin`` compares it with the best motion that goes elsewhere, by ``RIVAL_DEG`` or more.
    """
    few = samples.thin(parameters.search_samples)
    fits = [
        refined(few, each, parameters, prior, (16.0, 4.0, 1.0), 8)
        for each in _candidates(samples, few, start, parameters, prior)
    ]
    fits = [each for each in fits if np.isfinite(each.total)]
    if not fits:
        return None
    winner = min(fits, key=lambda each: each.total)
    best = refined(samples, (winner.R, winner.T), parameters, prior, (1.0,), 25)
    rivals = [each.total for each in fits if abs(each.T @ best.T) < np.cos(np.deg2rad(RIVAL_DEG))]
    margin = min(rivals) / max(winner.total, 1e-9) - 1 if rivals else np.inf
    return replace(best, margin=margin)


def _candidates(
    samples: Samples, few: Samples, start: Motion | None, parameters: EgomotionParameters, prior: Prior
) -> list[Motion]:
    """Starts: the best of the grid, the best of it far from them, the linear solution, and ``start``."""
    scale2, annealing = parameters.robust_scale**2, np.array(ANNEALING)
    flows = few.x, few.y, few.u, few.v, few.inverse_sigma
    costs, rotations, signs = search(*flows, HEADINGS, scale2, annealing)
    oriented = HEADINGS * signs[:, None]
    totals = costs + prior.cost(oriented)
    order = np.argsort(totals)
    chosen = list(order[: parameters.refined_candidates])
    far = order[np.abs(oriented[order] @ oriented[order[0]]) < np.cos(np.deg2rad(RIVAL_DEG))]
    chosen += [k for k in far[:2] if k not in chosen]
    found = [(rotation_matrix(rotations[k]), oriented[k]) for k in chosen]
    linear = linear_heading(samples.x, samples.y, samples.u, samples.v, np.ones(len(samples)))
    if linear is not None:
        _, rotation, sign = search(*flows, linear[None], scale2, annealing)
        found.append((rotation_matrix(rotation[0]), linear * sign[0]))
    return found if start is None else [*found, start]
