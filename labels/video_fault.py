"""Why a whole video is of no use: by its frames alone, or by what its camera shows (LABELS section 11)."""

import numpy as np

from labels.selection import DISTANCES, SelectionParameters
from labels.shots import FrameColumns, duplicates


def video_fault(frames: FrameColumns, width: int, height: int, parameters: SelectionParameters | None = None) -> str:
    """Why a whole video is of no use, empty where it may be: ``portrait``, ``too_short`` (fewer than two frames that
    show something new), ``all_black`` or ``still_camera`` (19 of 20 frames).
    """
    parameters = parameters or SelectionParameters()
    if height > width:
        return "portrait"
    if len(frames["time_s"]) < 2:
        return "too_short"
    if np.mean(frames["mean"] < parameters.dark_grey) > 0.95:
        return "all_black"
    duplicate = duplicates(frames, parameters.shots)
    # A still camera sees things move, too; but half of what it sees does not.
    still = duplicate | (frames["median"] < parameters.slow_px / DISTANCES[-1] * width / 640)
    if np.mean(still[1:]) > 0.95:
        return "still_camera"
    return "too_short" if np.count_nonzero(~duplicate) < 2 else ""


def camera_fault(
    fixed_reason: str,
    noise_floor_px: float,
    accepted: float,
    focus_spread: float,
    parameters: SelectionParameters | None = None,
) -> str:
    """Why what the second look saw of a video (``labels.second_look.Camera``) leaves nothing to label; else empty.

    ``covered``: what is fixed to the car or burnt in hides most of the frame, or its middle (LABELS 11.9).
    ``noisy_flow``: compression left too little (11.18). ``no_motion``: the camera's motion is hardly ever accepted.
    ``no_heading``: the focus of expansion lies anywhere, as in animations and indoors. ``accepted`` is the share of the
    pairs, ``focus_spread`` the deviation over the width; NaN where too few were looked at.
    """
    parameters = parameters or SelectionParameters()
    faults = {
        "covered": fixed_reason in ("too_large", "central"),
        "noisy_flow": noise_floor_px > parameters.video_noise_px,
        "no_motion": accepted < parameters.video_accepted,
        "no_heading": focus_spread > parameters.video_focus_spread,
    }
    return next((name for name, holds in faults.items() if holds), "")
