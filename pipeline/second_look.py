"""The second look at a video: decodes the frames of some hundred pairs for ``labels.second_look``."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from labels.fixed_regions import FixedRegionParameters
from labels.flow import grey
from labels.second_look import Camera, Glance, SecondLook, glances
from labels.shots import FrameColumns
from pipeline.decode import Source


def second_look(
    source: Source, pts: list[int], frames: FrameColumns, camera: dict[str, Any], parameters: FixedRegionParameters
) -> Camera:
    """What a video tells of its camera beyond the ``camera`` known so far; ``frames`` has a row for each ``pts``."""
    chosen = glances(frames, camera["width"], parameters.pairs)
    look = SecondLook(
        (camera["width"], camera["height"]),
        camera["focal_px"],
        camera["focal_state"] == "manifest",
        camera["principal_point"],
        len(chosen),
        parameters,
    )
    time_s = frames["time_s"]
    for glance, images in _read(source, pts, chosen):
        step = max(time_s[glance.second] - time_s[glance.first], 1e-6)
        later = [((time_s[row] - time_s[glance.first]) / step, images[row]) for row in glance.later]
        look.add(images[glance.first], images[glance.second], later, glance.fresh)
    return look.camera()


def _read(
    source: Source, pts: list[int], chosen: list[Glance]
) -> Iterator[tuple[Glance, dict[int, NDArray[np.uint8]]]]:
    """Each glance with its grey frames by row; those whose frames cannot be read again are left out."""
    waiting = list(chosen)
    rows = {pts[row]: row for glance in chosen for row in (glance.first, glance.second, *glance.later)}
    held: dict[int, NDArray[np.uint8]] = {}
    if not rows:
        return
    for frame in source.frames(min(rows), max(rows), rows):
        held[rows[frame.pts]] = grey(frame.image)
        while waiting and pts[max(waiting[0].second, *waiting[0].later, 0)] <= frame.pts:
            glance = waiting.pop(0)
            if {glance.first, glance.second, *glance.later} <= held.keys():
                yield glance, held
            held = {row: image for row, image in held.items() if waiting and row >= waiting[0].first}


def fixed_png(camera: Camera) -> bytes:
    """What is fixed to the car as a PNG, (H, W) ``uint8``: 255 = fixed, 0 = not."""
    encoded, png = cv2.imencode(".png", camera.fixed.mask.astype(np.uint8) * 255)
    assert encoded, "an array of bytes is an image"
    return png.tobytes()


def in_record(camera: Camera) -> dict[str, Any]:
    """What ``camera.json`` says of a second look; numbers are rounded to what they are good for."""
    return {
        "fixed_fraction": round(float(camera.fixed.mask.mean()), 5),
        "fixed_reason": camera.fixed.reason,
        "pairs_looked_at": camera.pairs,
        "pairs_accepted": round(camera.accepted, 4) if np.isfinite(camera.accepted) else None,
        "noise_floor_px": round(camera.noise.noise_floor_px, 4),
        "noise_relative": round(camera.noise.noise_relative, 5),
        "heading": None if camera.heading is None else [round(float(part), 6) for part in camera.heading],
        "focus_of_expansion": _rounded(camera.focus_of_expansion),
        "focus_spread_px": _rounded(camera.focus_spread_px),
        "focal_px": camera.focal,
        "focal_state": camera.focal_state,
        "focal_reason": camera.focal_reason,
    }


def _rounded(point: tuple[float, float]) -> list[float] | None:
    return [round(value, 2) for value in point] if np.isfinite(point).all() else None
