"""How likely a translational flow vector is for a point that stands still: three models of its angle (LABELS 8.1).

A still point's translational flow has the direction away from the focus of expansion; noise turns it by an angle theta
that grows as the vector gets short. Each model gives ``p(theta | r)``, theta in [0, pi] rad from that direction, r the
length in pixels at a working width of 640, and the likelihood of something that moves by itself, which may go anywhere.
"""

from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import i0e

FLOATS = NDArray[np.float64]
LIKELIHOODS = ("von_mises", "laplace", "mixture")
"""The models A, B and C of LABELS 8.1 by the names that ``likelihood`` takes."""
ANYWHERE = 1 / (2 * np.pi)
"""Density of an angle of which nothing is known."""
ANGLE_STEP_DEG, LENGTH_STEP_PX, LONGEST_PX = 0.1, 0.07, 25.0
"""Steps of the tables; longer vectors count as the longest."""


def von_mises(theta: FLOATS, r: FLOATS) -> FLOATS:
    """Model A (Bideau and Learned-Miller 2016): von Mises with a concentration of 4 r."""
    return _von_mises(theta, 4 * np.asarray(r, np.float64))


def mixture(theta: FLOATS, r: FLOATS, noise_floor_px: float, noise_relative: float, outliers: float = 0.05) -> FLOATS:
    """Model C: von Mises as narrow as the noise of the flow allows, and some outliers that go anywhere."""
    r = np.asarray(r, np.float64)
    concentration = np.minimum(5000, r**2 / (noise_floor_px**2 + (noise_relative * r) ** 2))
    return (1 - outliers) * _von_mises(theta, concentration) + outliers * ANYWHERE


def _von_mises(theta: FLOATS, concentration: FLOATS) -> FLOATS:
    return np.exp(concentration * (np.cos(theta) - 1)) / (2 * np.pi * i0e(concentration))


@lru_cache(maxsize=1)
def laplace() -> NDArray[np.float64]:
    """Model B (Bideau et al. 2018): angle and length, the unknown true length summed over; (1801, 358).

    ``L(theta, r) = sum over m of Lap(m - r cos theta; b_u(m)) Lap(r sin theta; b_v(m)) 2 Lap(m; 4)``, theta in steps of
    0.1 degrees, r and m in steps of 0.07 px up to 25.
    """
    angles = np.deg2rad(ANGLE_STEP_DEG * np.arange(1801))
    return _laplace_table(angles, LENGTH_STEP_PX * np.arange(358))


@njit(cache=True, fastmath=True, error_model="numpy")
def _laplace_table(angles: FLOATS, lengths: FLOATS) -> FLOATS:
    table = np.zeros((len(angles), len(lengths)))
    for m in lengths:
        along_scale = np.sqrt(139.7 * np.exp(0.04174 * m) / 1024)
        across_scale = np.sqrt(56.65 * np.exp(0.04881 * m) / 1024)
        prior = 2 * np.exp(-m / 4) / 8
        factor = prior / (4 * along_scale * across_scale)
        for i in range(len(angles)):
            cosine, sine = np.cos(angles[i]), np.sin(angles[i])
            for j in range(len(lengths)):
                r = lengths[j]
                distance = abs(m - r * cosine) / along_scale + r * sine / across_scale
                table[i, j] += factor * np.exp(-distance)
    return table


@lru_cache(maxsize=8)
def log_ratios(likelihood: str, noise_floor_px: float, noise_relative: float) -> NDArray[np.float32]:
    """``log p(theta | still) - log p(theta | moving)`` in a table (1801, 358): theta by 0.1 degrees, r by 0.07 px.

    The noise (floor in pixels at a working width of 640) counts for ``mixture`` only. Raises ``ValueError`` for an
    unknown ``likelihood``.
    """
    theta = np.deg2rad(ANGLE_STEP_DEG * np.arange(1801))[:, None]
    r: FLOATS = LENGTH_STEP_PX * np.arange(358, dtype=np.float64)
    if likelihood == "von_mises":
        still, moving = von_mises(theta, r), np.full(r.shape, ANYWHERE)
    elif likelihood == "laplace":
        still = laplace()
        moving = still.mean(axis=0)
    elif likelihood == "mixture":
        still, moving = mixture(theta, r, noise_floor_px, noise_relative), np.full(r.shape, ANYWHERE)
    else:
        raise ValueError(f"motion segmentation: unknown likelihood {likelihood!r}; known: {', '.join(LIKELIHOODS)}")
    tiny = 1e-300
    table = (np.log(np.maximum(still, tiny)) - np.log(np.maximum(moving, tiny))).astype(np.float32)
    table.setflags(write=False)
    return table


@njit(inline="always")
def angle_from(along, across):  # type: ignore[no-untyped-def]
    """``arctan2(across, along)`` in [0, pi] rad of ``float32``, ``across`` >= 0; 0 for two zeros.

    Within 5e-7, without a branch or a call, so that a loop takes many at once: Abramowitz and Stegun 4.4.49.
    """
    size = abs(along)
    steep = across > size
    share = min(size, across) / max(max(size, across), np.float32(1e-30))
    square = share * share
    total = np.float32(-0.0161657367) + square * np.float32(0.0028662257)
    total = np.float32(-0.0752896400) + square * (np.float32(0.0429096138) + square * total)
    total = np.float32(-0.1420889944) + square * (np.float32(0.1065626393) + square * total)
    total = np.float32(-0.3333314528) + square * (np.float32(0.1999355085) + square * total)
    angle = share * (np.float32(1) + square * total)
    angle = np.float32(np.pi / 2) - angle if steep else angle
    return np.float32(np.pi) - angle if along < 0 else angle
