"""The camera motion of a first pair, of which nothing is known yet, as the paper's line of work finds it (LABELS 6).

Random sample consensus: again and again the motion is fitted to ten samples, one from each of three corners of the
image and seven from anywhere; that with which the fewest samples disagree is kept. What moves by itself is seldom drawn
so often that it decides, while the mean of ``labels.reference_objective`` over a whole frame follows it.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.egomotion_refinement import rotation_matrix
from labels.flow_samples import Samples
from labels.reference_descent import descended
from labels.reference_objective import Field, arc, heading, translational

FLOATS = NDArray[np.float64]
TRIALS, DRAWN = 2500, 10
"""Of a round, and samples of a trial."""
AGREES_PX = 0.1
"""By how much, at a working width of 640, a sample that agrees may miss."""
CORNER = 0.2
"""Width and height of a corner, of the image's."""
NOTHING_PX = 1e-3
"""What is no descent any more, for a trial."""
ROUNDS = 2
"""Of trials: rotations of the second are the rest, to the first order (``labels.reference_objective``)."""


def agreed_motion(samples: Samples, focal: float, tolerance_px: float) -> tuple[FLOATS, FLOATS]:
    """R (3, 3) and the unit T (3,) that the fewest samples miss by more than ``tolerance_px``; the same every time."""
    R, T = np.eye(3), np.array([0.0, 0.0, 1.0])
    for _ in range(ROUNDS):
        field = Field.of(samples, focal, R)
        rotation, e = _agreed(field.places, field.m, focal, _drawn(field.places), tolerance_px)
        R, T = rotation_matrix(rotation) @ R, heading(e, focal)
    return R, T


def _drawn(places: FLOATS) -> NDArray[np.int64]:
    """Which samples each trial is fitted to, (TRIALS, DRAWN)."""
    generator, count = np.random.default_rng(0), places.shape[1]
    drawn = generator.integers(0, count, (TRIALS, DRAWN))
    first, last = places[:2].min(axis=1, keepdims=True), places[:2].max(axis=1, keepdims=True)
    place = (places[:2] - first) / np.maximum(last - first, 1e-9)
    low, high = place <= CORNER, place >= 1 - CORNER
    corners = [np.flatnonzero(x & y) for x in (low[0], high[0]) for y in (low[1], high[1])]
    left_out = generator.integers(0, len(corners), TRIALS)
    for column in range(len(corners) - 1):
        for k, corner in enumerate(corners):
            here = np.flatnonzero((left_out + 1 + column) % len(corners) == k)
            if len(corner):
                drawn[here, column] = generator.choice(corner, len(here))
    return drawn


@njit(cache=True, nogil=True, error_model="numpy")
def _agreed(
    places: FLOATS, m: FLOATS, focal: float, drawn: NDArray[np.int64], tolerance_px: float
) -> tuple[FLOATS, FLOATS]:
    """The rotation vector (3,) of the best trial, and its translation in pixels."""
    best, best_e, fewest = np.zeros(3), np.array([0.0, 0.0, 1.0]), places.shape[1] + 1
    few, part = np.empty((4, drawn.shape[1])), np.empty((12, drawn.shape[1]))
    for trial in range(len(drawn)):
        for k in range(drawn.shape[1]):
            few[:, k], part[:, k] = places[:, drawn[trial, k]], m[:, drawn[trial, k]]
        moments = np.ascontiguousarray(part @ part.T).reshape(4, 3, 4, 3)
        w = descended(few, moments, focal, False, NOTHING_PX)
        e = arc(few, moments, focal, w)[2]
        missing = _missing(places, focal, w, e, tolerance_px, fewest)
        if missing < fewest:
            best, best_e, fewest = w, e, missing
    return best, best_e


@njit(cache=True, nogil=True, error_model="numpy")
def _missing(places: FLOATS, focal: float, w: FLOATS, e: FLOATS, tolerance_px: float, most: int) -> int:
    """How many samples miss the direction of a still point by more than the tolerance; ``most`` if so many do."""
    missing, limit = 0, tolerance_px * tolerance_px
    for k in range(places.shape[1]):
        t_u, t_v = translational(places[:, k], focal, w)
        tau_x, tau_y = places[0, k] * e[2] - e[0], places[1, k] * e[2] - e[1]
        across = tau_x * t_v - tau_y * t_u
        ahead = tau_x * t_u + tau_y * t_v >= 0
        error = across * across / (tau_x * tau_x + tau_y * tau_y) if ahead else t_u * t_u + t_v * t_v
        if error > limit:
            missing += 1
            if missing >= most:
                break
    return missing
