"""Cuts, fades, flashes, duplicated frames and gaps in time, from the survey of a video (LABELS 11.6, 11.7)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

FrameColumns = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class ShotParameters:
    """When two frames in a row do not belong together."""

    duplicate_grey: float = 0.4  # mean absolute difference below which a frame repeats the one before, grey levels
    duplicate_q999_grey: float = 6.0  # and its 99.9 % quantile
    duplicate_motion: float = 0.15  # or the motion, as a share of that around it: nothing stops for a single frame
    cut_overlap: float = 0.55  # histogram intersection below which there is a cut
    cut_consistent: float = 0.12  # share of consistent flow below which there is a cut
    cut_residual: float = 3.0  # or what flow leaves, over its running median, where little of it is consistent
    cut_little: float = 0.4  # share of consistent flow that is little; unrelated frames have .06, behind a wiper .5
    flash_residual: float = 5.0  # the same with the flow in order: the light changes, no pair across
    fade_grey: float = 4.0  # mean change per frame over four frames, one direction, grey levels
    settle_frames: int = 3  # frames dropped from a cut on
    gap: float = 3.0  # time step over the usual one from which the video is taken to stop and start again
    blend: float = 1.5  # alternation of the differences from which every second frame is a mixture


@dataclass(frozen=True)
class Shots:
    """How a video falls into shots; all arrays have a row a frame, in order.

    ``fault`` says why a frame is not to be used (``duplicate``, ``blended``, ``cut``, ``fade``), empty where nothing is
    wrong. ``start`` says why a new shot starts with a frame (``first``, ``cut``, ``gap``), empty where none does.
    ``shot`` numbers the shots; ``light`` numbers the stretches without a flash: a pair lies within one.
    """

    fault: NDArray[np.str_]
    start: NDArray[np.str_]
    shot: NDArray[np.int64]
    light: NDArray[np.int64]


def shots(frames: FrameColumns, parameters: ShotParameters | None = None) -> Shots:
    """Divide a video into shots and find the frames not to be used. ``frames`` is a table of ``labels.survey``."""
    parameters = parameters or ShotParameters()
    number = len(frames["time_s"])
    fault = np.full(number, "", "<U16")
    if number == 0:
        return Shots(fault, fault.copy(), np.zeros(0, np.int64), np.zeros(0, np.int64))
    start = fault.copy()
    cut = cuts(frames, parameters)
    duplicate = duplicates(frames, parameters) & ~cut
    start[gaps(frames["time_s"], duplicate, parameters)] = "gap"
    start[cut] = "cut"
    start[0] = "first"
    shot = np.cumsum(start != "") - 1
    for index in range(int(shot[-1]) + 1):
        _complete_pattern(frames, np.flatnonzero(shot == index), duplicate, fault, parameters)
    for first in np.flatnonzero(cut):
        fault[first : first + parameters.settle_frames] = "cut"
    fault[fades(frames, parameters)] = "fade"
    fault[duplicate] = "duplicate"
    usual = running_median(np.where(duplicate, np.nan, frames["residual"]))
    flash = frames["residual"] > parameters.flash_residual * usual
    return Shots(fault, start, shot, np.cumsum(flash))


def cuts(frames: FrameColumns, parameters: ShotParameters) -> NDArray[np.bool_]:
    """Which frames begin another scene than the frame before."""
    consistent, residual = frames["consistent"], frames["residual"]
    unlike = residual > parameters.cut_residual * running_median(residual)
    # Flow on a featureless frame says nothing: then only the histogram counts.
    lost = (consistent < parameters.cut_consistent) & (frames["difference"] > 4.0)
    return (frames["overlap"] < parameters.cut_overlap) | lost | (unlike & (consistent < parameters.cut_little))


def duplicates(frames: FrameColumns, parameters: ShotParameters) -> NDArray[np.bool_]:
    """Which frames repeat the frame before: equal up to compression, or standing still amid motion."""
    equal = (frames["difference"] < parameters.duplicate_grey) & (
        frames["difference_q999"] < parameters.duplicate_q999_grey
    )
    moving = np.where(equal, np.nan, frames["p90"])
    around = running_median(moving, 17)
    return equal | ((frames["p90"] < parameters.duplicate_motion * around) & (around > 1.0))


def gaps(time_s: NDArray[np.float64], duplicate: NDArray[np.bool_], parameters: ShotParameters) -> NDArray[np.bool_]:
    """Which frames come much later than usual after the last one that shows something new."""
    found = np.zeros(len(time_s), bool)
    kept = np.flatnonzero(~duplicate)
    if len(kept) >= 3:
        steps = np.diff(time_s[kept])
        found[kept[1:]] = steps > parameters.gap * np.median(steps)
    return found


def fades(frames: FrameColumns, parameters: ShotParameters) -> NDArray[np.bool_]:
    """Which frames lie in a fade: four steps of brightness in one direction, each of ``fade_grey`` on average.

    The contrast must change more than the brightness, as it does in a fade to or from black or white; under a bridge
    or in a shadow it does not.
    """
    found = np.zeros(len(frames["mean"]), bool)
    steps = np.diff(frames["mean"])
    brightness, contrast = np.log(frames["mean"] + 1), np.log(frames["sharpness"] + 1)
    for first in range(len(steps) - 3):
        run = steps[first : first + 4]
        if abs(run.sum()) > 4 * parameters.fade_grey and abs(np.sign(run).sum()) == 4:
            change = abs(contrast[first + 4] - contrast[first]), abs(brightness[first + 4] - brightness[first])
            if change[0] > 1.2 * change[1]:
                found[first : first + 5] = True
    return found


def _complete_pattern(
    frames: FrameColumns,
    rows: NDArray[np.int64],
    duplicate: NDArray[np.bool_],
    fault: NDArray[np.str_],
    parameters: ShotParameters,
) -> None:
    """Complete a regular pattern of duplicates or of mixed frames within a shot, whose frames are ``rows``."""
    if len(rows) < 30:
        return
    for period in range(2, 7):
        shares = np.array([duplicate[rows[phase::period]].mean() for phase in range(period)])
        phase = int(shares.argmax())
        if shares[phase] > 0.8 and np.delete(shares, phase).max() < 0.1:
            duplicate[rows[phase::period]] = True
            return
    even, odd = (float(np.nanmedian(frames["difference"][rows[1:][phase::2]])) for phase in (0, 1))
    if max(even, odd) > parameters.blend * min(even, odd) and min(even, odd) > parameters.duplicate_grey:
        sharpness = [np.median(frames["sharpness"][rows[phase::2]]) for phase in (0, 1)]
        fault[rows[int(np.argmin(sharpness)) :: 2]] = "blended"


def running_median(values: NDArray[np.float64], size: int = 61) -> NDArray[np.float64]:
    """Median around each value, NaN left out; NaN everywhere if there is nothing else."""
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(values), np.nan)
    medians = median_filter(values[known], size, mode="nearest")
    return np.interp(np.arange(len(values)), np.flatnonzero(known), medians)
