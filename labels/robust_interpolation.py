"""Dense flow from sparse matches that survives wrong ones: an affine flow per superpixel (LABELS section 4.3).

Hu, Li and Song 2017, "Robust interpolation of correspondences". The matches that speak for a superpixel are the nearest
ones by ways that walk round edges, with weights ``w = exp(-distance / reach)``. Of all affine flows that are tried, its
own takes the one with the least ``sum w min(|residual|, limit)``: the neighbours' flows, passed on from superpixel to
superpixel in sweeps over the image, and flows through three matches drawn at random. A least-squares fit to the matches
within the limit ends it. Everything is seeded.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels import geodesic
from labels.matching import next_state
from labels.superpixels import Superpixels

_LANES = 32
"""Numbers of matches are rounded up to a multiple of this, weights to 0, so that no vector loop has a rest."""


@dataclass(frozen=True)
class RobustParameters:
    """How superpixels choose their flow; lengths in pixels of the image at hand."""

    matches: int = 150
    """Matches that speak for a superpixel, at most."""
    reach: float = 0.7
    """Geodesic distance at which a match loses weight by e; the strongest edge costs about 1."""
    edge_offset: float = 0.001
    """Cost of a pixel without any edge."""
    limit_px: float = 5.0
    """Residual beyond which a match does not speak for a flow, nor against it any more."""
    sweeps: int = 4
    draws: int = 1
    """Random flows tried at each superpixel in each sweep."""
    least_inliers: int = 30
    """Matches within the limit that the last fit needs, and trust."""
    ridge: float = 0.01
    """Pulls the last fit towards a translation."""
    cap_px: float = 250.0
    """Displacement beyond which the nearest match's counts."""
    trusted_share: float = 0.3
    """Share of the weight that must be within the limit for a superpixel to be trusted."""
    trusted_px: float = 20.0
    """Distance from its centre within which the least number of them must lie, too."""


class Votes(NamedTuple):
    """What the matches tell each of S superpixels, the nearest first; weight 0 where there are fewer than K."""

    x: NDArray[np.float32]
    """(S, K), px from the superpixel's centre, as y."""
    y: NDArray[np.float32]
    u: NDArray[np.float32]
    """(S, K), displacement, px, as v."""
    v: NDArray[np.float32]
    weights: NDArray[np.float32]
    found: NDArray[np.int32]
    """(S,), how many matches there are."""


def interpolate(
    patches: Superpixels,
    edges: NDArray[np.float32],
    places: NDArray[np.int32],
    displacements: NDArray[np.float32],
    parameters: RobustParameters | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Flow (H, W, 2) float32 px, and where matches support it, (H, W).

    ``edges``: (H, W) float32 in [0, 1]; ``places``: (N, 2) int32, column and row of each match, one or more;
    ``displacements``: (N, 2) float32 px.
    """
    parameters = parameters or RobustParameters()
    cost = edges + np.float32(parameters.edge_offset)
    cells = geodesic.cells(cost, places[:, 0], places[:, 1])
    ways = geodesic.graph(cost, *cells, len(places))
    x, y = np.rint(patches.centres).astype(int).T
    nearest = geodesic.nearest(ways, cells.owner[y, x], parameters.matches)
    votes = _votes(places, displacements, patches.centres, nearest, parameters.reach)
    models = _chosen(
        votes, patches.centres, patches.neighbours, parameters.limit_px, parameters.sweeps, parameters.draws
    )
    shares, near = _refit(
        votes, models, parameters.limit_px, parameters.least_inliers, parameters.ridge, parameters.trusted_px
    )
    flow = _overlay(patches.labels, patches.centres, models, votes, parameters.cap_px)
    return flow, ((shares >= parameters.trusted_share) & (near >= parameters.least_inliers))[patches.labels]


@njit(cache=True, nogil=True, error_model="numpy")
def _votes(
    places: NDArray[np.int32],
    displacements: NDArray[np.float32],
    centres: NDArray[np.float32],
    nearest: geodesic.Nearest,
    reach: float,
) -> Votes:
    count, most = nearest.points.shape
    shape = count, (most + _LANES - 1) // _LANES * _LANES
    x, y = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    u, v = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    weights = np.zeros(shape, np.float32)
    for s in range(count):
        for k in range(nearest.found[s]):
            match = nearest.points[s, k]
            x[s, k], y[s, k] = places[match, 0] - centres[s, 0], places[match, 1] - centres[s, 1]
            u[s, k], v[s, k] = displacements[match, 0], displacements[match, 1]
            weights[s, k] = np.exp(-nearest.distances[s, k] / np.float32(reach))
    return Votes(x, y, u, v, weights, nearest.found)


@njit(inline="always")
def _cost(votes, s, a, limit):  # type: ignore[no-untyped-def]
    """What the votes of superpixel ``s`` have against the flow ``a`` at its centre, u, du/dx, du/dy and v alike."""
    x, y, u, v, weights = votes.x[s], votes.y[s], votes.u[s], votes.v[s], votes.weights[s]
    a0, a1, a2, a3, a4, a5 = a
    total = np.float32(0)
    for k in range(x.shape[0]):
        du = a0 + a1 * x[k] + a2 * y[k] - u[k]
        dv = a3 + a4 * x[k] + a5 * y[k] - v[k]
        total += weights[k] * min(np.sqrt(du * du + dv * dv), limit)
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _chosen(
    votes: Votes, centres: NDArray[np.float32], neighbours: NDArray[np.int32], limit: float, sweeps: int, draws: int
) -> NDArray[np.float32]:
    """The flow of each superpixel, (S, 6): u, du/dx, du/dy, v, dv/dx, dv/dy at its centre."""
    count = len(centres)
    cut, zero = np.float32(limit), np.float32(0)
    models, costs = np.zeros((count, 6), np.float32), np.empty(count, np.float32)
    for s in range(count):
        models[s, 0], models[s, 3] = votes.u[s, 0], votes.v[s, 0]
        costs[s] = _cost(votes, s, (votes.u[s, 0], zero, zero, votes.v[s, 0], zero, zero), cut)
    state = np.uint64(88172645463325252)
    for sweep in range(sweeps):
        forth = sweep % 2 == 0
        for number in range(count):
            s = number if forth else count - 1 - number
            for k in range(neighbours.shape[1]):
                other = neighbours[s, k]
                if other < 0:
                    break
                if (other > s) == forth:
                    continue  # not visited yet
                m = models[other]
                x, y = centres[s, 0] - centres[other, 0], centres[s, 1] - centres[other, 1]
                moved = m[0] + m[1] * x + m[2] * y, m[1], m[2], m[3] + m[4] * x + m[5] * y, m[4], m[5]
                cost = _cost(votes, s, moved, cut)
                if cost < costs[s]:
                    costs[s] = cost
                    for c in range(6):
                        models[s, c] = moved[c]
            for _ in range(draws):
                state, drawn, fits = _drawn(votes, s, state)
                if not fits:
                    continue
                cost = _cost(votes, s, drawn, cut)
                if cost < costs[s]:
                    costs[s] = cost
                    for c in range(6):
                        models[s, c] = drawn[c]
    return models


@njit(inline="always")
def _drawn(votes, s, state):  # type: ignore[no-untyped-def]
    """The state of the generator, an affine flow through three matches drawn at random, and whether there is one.

    There is none where ten draws find no triangle, or where the flow folds, or shrinks or grows areas fivefold.
    """
    zero = np.float32(0)
    flow, found = (zero, zero, zero, zero, zero, zero), np.uint64(votes.found[s])
    for _ in range(10):
        state = next_state(state)
        i = np.int64((state & np.uint64(0xFFFF)) * found >> np.uint64(16))
        j = np.int64((state >> np.uint64(16) & np.uint64(0xFFFF)) * found >> np.uint64(16))
        k = np.int64((state >> np.uint64(32) & np.uint64(0xFFFF)) * found >> np.uint64(16))
        x, y, u, v = votes.x[s], votes.y[s], votes.u[s], votes.v[s]
        x1, y1, x2, y2 = x[j] - x[i], y[j] - y[i], x[k] - x[i], y[k] - y[i]
        area = x1 * y2 - x2 * y1
        if abs(area) < np.float32(1e-6):
            continue
        u1, v1, u2, v2 = u[j] - u[i], v[j] - v[i], u[k] - u[i], v[k] - v[i]
        ux, uy = (u1 * y2 - u2 * y1) / area, (u2 * x1 - u1 * x2) / area
        vx, vy = (v1 * y2 - v2 * y1) / area, (v2 * x1 - v1 * x2) / area
        growth = (np.float32(1) + ux) * (np.float32(1) + vy) - uy * vx
        fits = np.float32(0.2) <= growth <= np.float32(5)
        flow = u[i] - ux * x[i] - uy * y[i], ux, uy, v[i] - vx * x[i] - vy * y[i], vx, vy
        return state, flow, fits
    return state, flow, False


@njit(cache=True, nogil=True, error_model="numpy")
def _refit(
    votes: Votes, models: NDArray[np.float32], limit: float, least: int, ridge: float, reach: float
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Fit each superpixel's flow to its votes within the limit, in place.

    Returns their share of the weight, (S,), and how many of them lie within ``reach`` px of the centre, (S,).
    """
    shares, near = np.zeros(len(models), np.float32), np.zeros(len(models), np.int32)
    normal, right = np.empty((3, 3)), np.empty((3, 2))
    for s in range(len(models)):
        m = models[s]
        normal[:], right[:] = 0, 0
        normal[1, 1] = normal[2, 2] = ridge
        inliers, total = 0, 0.0
        for k in range(votes.found[s]):
            x, y, weight = np.float64(votes.x[s, k]), np.float64(votes.y[s, k]), np.float64(votes.weights[s, k])
            u, v = np.float64(votes.u[s, k]), np.float64(votes.v[s, k])
            total += weight
            if np.hypot(m[0] + m[1] * x + m[2] * y - u, m[3] + m[4] * x + m[5] * y - v) >= limit:
                continue
            inliers += 1
            near[s] += x * x + y * y <= reach * reach
            normal[0, 0] += weight
            normal[0, 1] += weight * x
            normal[0, 2] += weight * y
            normal[1, 1] += weight * x * x
            normal[1, 2] += weight * x * y
            normal[2, 2] += weight * y * y
            right[0, 0] += weight * u
            right[1, 0] += weight * x * u
            right[2, 0] += weight * y * u
            right[0, 1] += weight * v
            right[1, 1] += weight * x * v
            right[2, 1] += weight * y * v
        shares[s] = normal[0, 0] / total if total > 0 else 0.0
        if inliers >= least:
            _solve(normal, right, m)
    return shares, near


@njit(inline="always")
def _solve(normal, right, model):  # type: ignore[no-untyped-def]
    """Solve the normal equations, upper half of ``normal``, for both components into ``model``, by elimination."""
    b, c = normal[0, 1] / normal[0, 0], normal[0, 2] / normal[0, 0]
    d, e, f = normal[1, 1] - b * normal[0, 1], normal[1, 2] - b * normal[0, 2], normal[2, 2] - c * normal[0, 2]
    inverse = 1 / (d * f - e * e)
    for component in range(2):
        r0, r1, r2 = right[0, component], right[1, component], right[2, component]
        r1, r2 = r1 - b * r0, r2 - c * r0
        across, down = (r1 * f - r2 * e) * inverse, (r2 * d - r1 * e) * inverse
        model[3 * component] = r0 / normal[0, 0] - b * across - c * down
        model[3 * component + 1], model[3 * component + 2] = across, down


@njit(cache=True, nogil=True, error_model="numpy")
def _overlay(
    labels: NDArray[np.int32], centres: NDArray[np.float32], models: NDArray[np.float32], votes: Votes, cap: float
) -> NDArray[np.float32]:
    """The flow of each pixel's superpixel at the pixel, (H, W, 2); that of its nearest match beyond the cap."""
    height, width = labels.shape
    flow = np.empty((height, width, 2), np.float32)
    for row in range(height):
        for column in range(width):
            s = labels[row, column]
            m = models[s]
            x, y = np.float32(column) - centres[s, 0], np.float32(row) - centres[s, 1]
            u, v = m[0] + m[1] * x + m[2] * y, m[3] + m[4] * x + m[5] * y
            if not max(abs(u), abs(v)) <= cap:
                u, v = votes.u[s, 0], votes.v[s, 0]
            flow[row, column, 0], flow[row, column, 1] = u, v
    return flow
