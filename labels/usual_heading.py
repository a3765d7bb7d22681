"""Where a camera usually goes: most are not mounted straight ahead (LABELS section 7.6)."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from labels.egomotion import AHEAD, Egomotion

FEWEST_PAIRS = 10
MOST_SPREAD_DEG = 5.0
"""Median angle from the usual heading beyond which a video has none: most of its fits are wrong, or it is no drive."""


def usual_heading(motions: Iterable[Egomotion]) -> NDArray[np.float64]:
    """The unit heading (3,) about which those of a video lie: what ``egomotion.fit`` takes as ``heading``.

    The median over accepted motions, reversing ones turned round; straight ahead where fewer than ten are accepted or
    they do not agree.
    """
    accepted = np.array([motion.T * (-1 if motion.T[2] < 0 else 1) for motion in motions if motion.accepted])
    if len(accepted) < FEWEST_PAIRS:
        return AHEAD.copy()
    middle = np.median(accepted, axis=0)
    middle /= np.linalg.norm(middle)
    off = np.rad2deg(np.arccos(np.clip(accepted @ middle, -1, 1)))
    return middle if np.median(off) <= MOST_SPREAD_DEG else AHEAD.copy()
