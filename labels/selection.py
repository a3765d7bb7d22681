"""Which pairs of frames of a video are labelled, and why the others are not (LABELS 3.2, 11.1, 11.12, 11.18)."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labels.shots import FrameColumns, ShotParameters, Shots, running_median, shots

DISTANCES = (1, 2, 3, 4, 6, 8)
"""Frame distances that are tried, in frames that show something new."""


@dataclass(frozen=True)
class SelectionParameters:
    """Rules for pairs; lengths in pixels at a working width of 640, scaled to the actual one.

    ``rule`` is ``motion`` (LABELS 3.2) or ``homography`` (LABELS 3.1, see ``labels.homography_selection``). The
    motion meant is an upper quantile: the larger of the 90 % quantile of the displacement and that of the road, as
    sky and far scene rule the median (LABELS 19). The median has its say where it is so small that the rotation of the
    camera would explain it.
    """

    rule: str = "motion"
    target_px: float = 12.0  # the first frame distance with this motion is taken (best labels: 12 to 25)
    parallax_px: float = 3.0  # and with this median displacement: below it egomotion mostly finds no parallax
    farthest_s: float = 0.35  # longest time between the frames of a pair that are not neighbours
    slow_px: float = 0.8  # median displacement below which a pair shows no motion
    fast: float = 0.12  # motion of neighbouring frames, as a share of the width, that flow cannot follow
    consistent: float = 0.35  # least share of consistent flow in every step of a pair
    obscured: float = 0.75  # least share of the frame with consistent flow, over its running median: wipers, spray
    stride: int = 2  # frames between labelled frames, at least
    spacing_px: float = 8.0  # motion since the last labelled frame from which a frame is new
    spacing_s: float = 0.25  # or time since then
    sharpness: float = 0.4  # least sharpness of either frame, over its running median
    blockiness: float = 7.0  # least blockiness score of either frame
    saturated: float = 0.2  # largest share of blown-out pixels
    textured: float = 0.06  # least share of pixels with texture
    dark_grey: float = 16.0  # least mean grey level
    video_noise_px: float = 0.8  # largest noise of a video's flow
    video_accepted: float = 0.05  # least share of the pairs of the second look whose camera motion is accepted
    video_focus_spread: float = 0.2  # largest deviation of its focus of expansion, as a share of the width
    shots: ShotParameters = field(default_factory=ShotParameters)


@dataclass(frozen=True)
class PairTable:
    """A row a frame, in order: what became of the frame as the first of a pair.

    ``second`` is the row of the other frame (-1 = none), ``distance`` counts the frames up to it that show something
    new, ``motion_px`` is the motion expected between the two in working pixels (NaN = unknown). ``reason`` says why a
    pair is not kept, and is empty where it is.
    """

    second: NDArray[np.int64]
    distance: NDArray[np.int64]
    motion_px: NDArray[np.float64]
    reason: NDArray[np.str_]

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Which pairs are to be labelled."""
        return self.reason == ""

    def reasons(self) -> dict[str, int]:
        """How many frames went which way, the kept ones under ``kept``."""
        return dict(Counter(str(reason) or "kept" for reason in self.reason))


def select(frames: FrameColumns, width: int, parameters: SelectionParameters | None = None) -> PairTable:
    """Choose pairs by the motion rule. ``frames`` is a table of ``labels.survey``, ``width`` the working width.

    Reasons, in order of precedence: ``duplicate``, ``blended``, ``cut``, ``fade`` (see ``labels.shots``); ``dark``,
    ``saturated``, ``textureless``, ``blurred``, ``blocky`` (of either frame); ``end_of_shot``, ``timestamp_gap``,
    ``flash`` (between the frames); ``unknown_motion``, ``inconsistent``, ``obscured``, ``fast``, ``slow``; ``spacing``
    (too near to the last kept frame).
    """
    parameters = parameters or SelectionParameters()
    number = len(frames["time_s"])
    parts = shots(frames, parameters.shots)
    reason = parts.fault.copy()
    _mark(reason, frame_faults(frames, parameters))
    table = PairTable(np.full(number, -1), np.zeros(number, np.int64), np.full(number, np.nan), reason)
    course = _course(frames, parts, width, parameters)
    unique = np.flatnonzero((parts.fault != "duplicate") & (parts.fault != "blended"))
    for position, first in enumerate(unique.tolist()):
        if reason[first] == "":
            _choose(table, first, unique[position + 1 : position + 1 + DISTANCES[-1]], course)
    _space(table, unique, course)
    return table


def frame_faults(frames: FrameColumns, parameters: SelectionParameters) -> NDArray[np.str_]:
    """Why a frame by itself is not good enough for either place in a pair; empty where it is."""
    fault = np.full(len(frames["time_s"]), "", "<U16")
    _mark(fault, np.where(frames["mean"] < parameters.dark_grey, "dark", ""))
    _mark(fault, np.where(frames["saturated"] > parameters.saturated, "saturated", ""))
    _mark(fault, np.where(frames["textured"] < parameters.textured, "textureless", ""))
    sharp = frames["sharpness"] >= parameters.sharpness * running_median(frames["sharpness"])
    _mark(fault, np.where(sharp, "", "blurred"))
    _mark(fault, np.where(frames["blockiness"] < parameters.blockiness, "blocky", ""))
    return fault


@dataclass(frozen=True)
class _Course:
    """The video as a walk: sums over the frames so far, whose differences belong to a pair; lengths in pixels."""

    parameters: SelectionParameters
    width: int
    time_s: NDArray[np.float64]
    parts: Shots
    upper: NDArray[np.float64]  # sum of the upper quantiles of the displacement
    median: NDArray[np.float64]  # sum of its medians
    unknown: NDArray[np.int64]  # count of steps without a measured motion
    inconsistent: NDArray[np.int64]  # count of steps whose flow is not to be trusted
    obscured: NDArray[np.int64]  # count of steps in which far less is seen than around them

    @property
    def scale(self) -> float:
        return self.width / 640

    def barrier(self, first: int, second: int) -> str:
        """Why two frames cannot be a pair whatever they show; empty where they can."""
        between = slice(first + 1, second + 1)
        if self.parts.shot[first] != self.parts.shot[second]:
            return "timestamp_gap" if (self.parts.start[between] == "gap").any() else "end_of_shot"
        if (self.parts.fault[between] == "fade").any():
            return "fade"
        return "flash" if self.parts.light[first] != self.parts.light[second] else ""

    def judge(self, first: int, second: int, distance: int) -> str:
        """Why the motion between two frames is no good; empty where it is."""
        if self.unknown[second] > self.unknown[first]:
            return "unknown_motion"
        if self.inconsistent[second] > self.inconsistent[first]:
            return "inconsistent"
        if self.obscured[second] > self.obscured[first]:
            return "obscured"
        if distance == 1 and self.upper[second] - self.upper[first] > self.parameters.fast * self.width:
            return "fast"
        return "slow" if self.median[second] - self.median[first] < self.parameters.slow_px * self.scale else ""

    def is_far(self, first: int, second: int) -> bool:
        """Whether enough moves between two frames that a longer distance would not make a better label."""
        enough, typical = self.parameters.target_px * self.scale, self.parameters.parallax_px * self.scale
        upper, median = (values[second] - values[first] for values in (self.upper, self.median))
        return bool(upper >= enough and median >= typical)

    def is_news(self, last: int, now: int) -> bool:
        """Whether a frame shows enough that is new since an earlier one."""
        if self.parts.shot[last] != self.parts.shot[now]:
            return True
        moved = self.upper[now] - self.upper[last] >= self.parameters.spacing_px * self.scale
        return bool(moved or self.time_s[now] - self.time_s[last] >= self.parameters.spacing_s - 1e-6)


def _course(frames: FrameColumns, parts: Shots, width: int, parameters: SelectionParameters) -> _Course:
    upper = np.fmax(frames["p90"], frames["road"])
    seen = frames["consistent"] * np.r_[np.nan, frames["textured"]][: len(upper)]  # of the frame before
    return _Course(
        parameters,
        width,
        frames["time_s"],
        parts,
        np.cumsum(np.nan_to_num(upper)),
        np.cumsum(np.nan_to_num(frames["median"])),
        np.cumsum(np.isnan(upper)),
        np.cumsum(frames["consistent"] < parameters.consistent),
        np.cumsum(seen < parameters.obscured * running_median(seen)),
    )


def _choose(table: PairTable, first: int, ahead: NDArray[np.int64], course: _Course) -> None:
    """Choose the second frame for ``first`` among the next ones, ``ahead``: the first far enough away, and judge it."""
    why = "end_of_shot"
    for distance in DISTANCES:
        if distance > len(ahead):
            break
        second = int(ahead[distance - 1])
        if distance > 1 and course.time_s[second] - course.time_s[first] > course.parameters.farthest_s + 1e-6:
            break
        barrier = course.barrier(first, second)
        if barrier:
            why = barrier
            break
        if table.reason[second]:  # of later frames only their own faults stand there yet
            why = str(table.reason[second])
            continue
        table.second[first], table.distance[first] = second, distance
        table.motion_px[first] = course.upper[second] - course.upper[first]
        if course.is_far(first, second):
            break
    found = int(table.second[first])
    table.reason[first] = why if found < 0 else course.judge(first, found, int(table.distance[first]))


def _space(table: PairTable, unique: NDArray[np.int64], course: _Course) -> None:
    """Thin the pairs so that labelled frames are apart."""
    last = -1
    for position, now in enumerate(unique):
        if table.reason[now]:
            continue
        near = last >= 0 and position - last < course.parameters.stride
        if near or (last >= 0 and not course.is_news(int(unique[last]), int(now))):
            table.reason[now] = "spacing"
        else:
            last = position


def _mark(reason: NDArray[np.str_], fault: NDArray[np.str_]) -> None:
    """Write faults where no reason stands yet."""
    empty = reason == ""
    reason[empty] = fault[empty]
