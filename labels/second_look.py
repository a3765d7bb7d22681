"""The second look at a video, at some hundred pairs of frames: what is fixed to the car, noise, heading, focal length.

The first look (``labels.survey``) says where in the video something moves. ``glances`` chooses pairs by it; a
``SecondLook`` takes their frames in order and knows in the end (LABELS 7.5, 7.6, 9.3, 12). It goes in two rounds: the
flow of all pairs, at half size, tells what is fixed to the car; a part of the frames is kept, and tells noise, heading
and focal length without it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from labels.egomotion import AHEAD, Egomotion, Samples, fit
from labels.fixed_regions import Accumulator, FixedRegionParameters, FixedRegions, widened
from labels.flow import FlowParameters, flow
from labels.focal_length import FocalLength, FocalLengthParameters, estimate, observe
from labels.noise_scale import NoiseScale, noise_scale, observed
from labels.selection import SelectionParameters, select
from labels.shots import FrameColumns, shots
from labels.usual_heading import FEWEST_PAIRS, usual_heading

TURN_GAPS_S = (0.27, 0.4)
"""Time between the frames that tell a focal length; there is some tolerance."""
NOISE_PAIRS = 40
TURNS = 50
"""Most pairs, and first frames, of which images are kept: those spread over the video, those of the sharpest turns."""
QUICK = FlowParameters(engine="dis")
"""The quick engine is the better witness here: the other one holds its flow on the epipolar lines of the scene."""


@dataclass(frozen=True)
class Glance:
    """Rows of the frame table: a pair, and the frames later on that tell the focal length in a turn.

    ``fresh`` is the share of the pair's frames that no pair before it spans.
    """

    first: int
    second: int
    later: tuple[int, ...] = ()
    fresh: float = 1.0


@dataclass(frozen=True)
class Camera:
    """What a video tells of its camera; pixels are those of its frames.

    ``focal_state`` is ``manifest``, ``calibrated`` or ``default``, ``focal_reason`` why it is the default (see
    ``labels.focal_length.FocalLength``). ``heading`` (3,) is the usual one, a unit vector for that focal length, None
    where there is none; ``focus_of_expansion`` (x, y) is where it points, or straight ahead, and ``focus_spread_px``
    (x, y) the median absolute deviation of single pairs from it (NaN without any). ``noise`` is at a width of 640.
    ``accepted`` is the share of the pairs whose motion is accepted, NaN with fewer than ten.
    """

    fixed: FixedRegions
    noise: NoiseScale
    heading: NDArray[np.float64] | None
    focus_of_expansion: tuple[float, float]
    focus_spread_px: tuple[float, float]
    focal: float
    focal_state: str
    focal_reason: str
    pairs: int
    accepted: float


def glances(frames: FrameColumns, width: int, number: int) -> list[Glance]:
    """At most ``number`` pairs with motion, spread over a video. ``frames`` is a table of ``labels.survey``."""
    chosen = select(frames, width, SelectionParameters(stride=1, spacing_px=0.0, spacing_s=0.0))
    kept = np.flatnonzero(chosen.kept)
    if number < 1:
        return []
    if len(kept) > number:
        kept = kept[np.linspace(0, len(kept) - 1, number).astype(np.int64)]
    shot, time_s = shots(frames).shot, frames["time_s"]
    seconds = chosen.second[kept]
    ends = np.concatenate([kept[:1], np.maximum.accumulate(seconds)[:-1]])
    fresh = np.clip((seconds - np.maximum(kept, ends)) / (seconds - kept), 0, 1)
    return [
        Glance(first, second, _later(first, time_s, shot), share)
        for first, second, share in zip(kept.tolist(), seconds.tolist(), fresh.tolist())
    ]


def _later(first: int, time_s: NDArray[np.float64], shot: NDArray[np.int64]) -> tuple[int, ...]:
    found = []
    for gap in TURN_GAPS_S:
        row = int(np.argmin(np.abs(time_s - time_s[first] - gap)))
        if abs(time_s[row] - time_s[first] - gap) < 0.07 and shot[row] == shot[first] and row not in found:
            found.append(row)
    return tuple(found)


@dataclass(frozen=True)
class _Kept:
    """A pair that is kept for the second round; its flow is of half size."""

    images: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    flow: NDArray[np.float32]
    support: NDArray[np.uint8]


class SecondLook:
    """Takes the frames of the glances at a video, in order; memory does not grow with its length.

    ``focal`` is in pixels of the frames, and ``focal_known`` says whether it is the camera's or only assumed;
    ``glances`` is their number.
    """

    def __init__(
        self,
        size: tuple[int, int],
        focal: float,
        focal_known: bool,
        principal_point: tuple[float, float],
        glances: int,
        parameters: FixedRegionParameters | None = None,
    ) -> None:
        self.parameters = parameters or FixedRegionParameters()
        self._size, self._focal, self._focal_known, self._centre = size, focal, focal_known, principal_point
        self._sums = Accumulator(size[1], size[0], self.parameters)
        self._every = -(-glances // NOISE_PAIRS)
        self._kept: list[_Kept] = []
        self._turns: list[tuple[float, int, list[NDArray[np.uint8]]]] = []

    def add(
        self,
        first: NDArray[np.uint8],
        second: NDArray[np.uint8],
        later: list[tuple[float, NDArray[np.uint8]]],
        fresh: float = 1.0,
    ) -> None:
        """Take the frames of a glance, (H, W) grey ``uint8``; ``fresh`` is the glance's.

        ``later`` are the frames that tell the focal length, with the time to them over that to ``second``.
        """
        half = self._size[0] // 2, self._size[1] // 2
        reduced = [cv2.resize(image, half, interpolation=cv2.INTER_AREA) for image in (first, second)]
        found, support = flow(reduced[0], reduced[1], QUICK)
        # integer coordinates lie at pixel centres
        camera = self._focal / 2, ((self._centre[0] + 0.5) / 2 - 0.5, (self._centre[1] + 0.5) / 2 - 0.5)
        motion = fit(found, support, *camera)
        if self._sums.pairs % self._every == 0:
            self._kept.append(_Kept((first, second), found, support))
        self._sums.add(first, found, support, motion, *camera, fresh)
        if later and not self._focal_known:
            self._keep_turn(first, motion, later)

    def _keep_turn(
        self, first: NDArray[np.uint8], motion: Egomotion, later: list[tuple[float, NDArray[np.uint8]]]
    ) -> None:
        turn = (
            self._focal * 640 / self._size[0] * abs(float(motion.rotation_vector[1])) * max(ratio for ratio, _ in later)
        )
        if turn < FocalLengthParameters().min_turn_px:
            return
        self._turns.append((turn, self._sums.pairs, [first, *(image for _, image in later)]))
        if len(self._turns) > TURNS:
            self._turns.remove(min(self._turns, key=lambda each: each[:2]))

    def camera(self) -> Camera:
        """What the glances so far tell."""
        fixed = self._sums.regions()
        usable = ~widened(fixed.mask, self.parameters.margin_px)
        found = self._focal_length(usable)
        focal = self._focal if found is None or found.state == "default" else found.ratio * self._size[0]
        state, reason = ("manifest", "") if found is None else (found.state, found.reason)
        pairs = [self._observed(kept, focal, usable) for kept in self._kept]
        noise = noise_scale(pairs, focal, self._size[0])
        motions = [motion for _, motion in pairs]
        heading = usual_heading(motions)
        places = [m.focus_of_expansion(focal, self._centre) for m in motions if m.accepted]
        focus = Egomotion(T=heading).focus_of_expansion(focal, self._centre)
        spread = np.median(np.abs(np.array(places) - focus), axis=0) if places else np.full(2, np.nan)
        return Camera(
            fixed,
            noise,
            None if np.array_equal(heading, AHEAD) else heading,
            focus,
            (float(spread[0]), float(spread[1])),
            focal,
            state,
            reason,
            self._sums.pairs,
            len(places) / len(pairs) if len(pairs) >= FEWEST_PAIRS else np.nan,
        )

    def _focal_length(self, usable: NDArray[np.bool_]) -> FocalLength | None:
        """By the sharpest turns; None where it is known."""
        if self._focal_known:
            return None
        in_order = sorted(self._turns, key=lambda each: each[1])
        if sum(len(images) - 1 for _, _, images in in_order) < FocalLengthParameters().min_pairs:
            in_order = []  # not enough, however many of them turn
        pairs = (
            observe(images[0], image, self._focal, self._centre, usable)
            for _, _, images in in_order
            for image in images[1:]
        )
        return estimate(pairs, self._focal, self._size[0])

    def _observed(self, kept: _Kept, focal: float, usable: NDArray[np.bool_]) -> tuple[Samples, Egomotion]:
        flow_ = cv2.resize(kept.flow, self._size, interpolation=cv2.INTER_LINEAR) * 2
        support = cv2.resize(kept.support, self._size, interpolation=cv2.INTER_NEAREST)
        return observed(flow_, support, kept.images, focal, self._centre, usable=usable)
