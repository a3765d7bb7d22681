"""Which moment each frame of the video shows: cuts jump to another street, duplicates repeat a moment."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from simulation.parameters import DriveParameters


@dataclass(frozen=True)
class Moment:
    """What a frame shows."""

    part: int
    """Which street: the number of cuts before the frame."""
    time: float
    """Seconds since this street's first frame."""
    duration: float
    """Seconds that the video spends on this street."""
    source: int
    """Number of the frame that shows the moment first: a duplicate has that of the frame before."""


def make_timeline(parameters: DriveParameters) -> list[Moment]:
    """The moment of every frame. A duplicate stands in for the frame that should follow, as recorders do it: the
    frame after it shows what it would have shown anyway, two steps further.
    """
    random = np.random.default_rng([parameters.seed, 77])
    frames = parameters.frames
    cuts = sorted(random.choice(np.arange(1, frames), parameters.cuts, replace=False)) if parameters.cuts else []
    starts = [0, *(int(cut) for cut in cuts), frames]
    inside = np.setdiff1d(np.arange(1, frames), cuts)
    repeated = set(
        random.choice(inside, parameters.duplicates, replace=False).tolist() if parameters.duplicates else []
    )
    moments: list[Moment] = []
    for part, (start, end) in enumerate(pairwise(starts)):
        duration = (end - start) / parameters.fps
        for frame in range(start, end):
            moment = Moment(part, (frame - start) / parameters.fps, duration, frame)
            moments.append(moments[-1] if frame in repeated else moment)
    return moments
