"""How well and how fast the camera motion is found: ``python -m benchmarks.egomotion SEQUENCE --json F``.

A sequence is a folder that ``benchmarks.sequences`` reads. Every pair is fitted twice, cold and tracked from the pair
before; the tracked result counts, as in the pipeline. Pairs in which the camera stands are left out: they have no
direction. With another focal length than the true one, directions are compared as the pixel of the focus of expansion
seen through the true camera (LABELS section 7.9).
"""

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import figures
from benchmarks.sequences import Camera, Motion, Sequence, SequenceError
from labels.egomotion import Egomotion, EgomotionParameters, fit
from labels.flow import FlowParameters, flow

DEFAULT_FOCAL = 0.8  # of the width
STANDING_M = 0.05


@dataclass
class Scores:
    """What was measured over the pairs of one sequence."""

    rotation_deg: list[float] = field(default_factory=list)
    direction_deg: list[float] = field(default_factory=list)
    cold_s: list[float] = field(default_factory=list)
    tracked_s: list[float] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    standing: int = 0


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.egomotion", description=__doc__)
    parser.add_argument("sequences", nargs="+", metavar="SEQUENCE", help="folder of a sequence with ground truth")
    parser.add_argument("--focal", choices=("known", "default"), default="known", help="default: 0.8 W, centre")
    parser.add_argument("--width", type=int, help="resize the frames to this width (full size without)")
    parser.add_argument("--stride", type=int, default=1, help="pair each frame with the one so many later")
    parser.add_argument("--flow", default=FlowParameters().engine, help="flow engine (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="F", help="write the figures here: an object, a list for several")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    results = []
    try:
        figures.require_folder(options.json, "--json")
        for folder in options.sequences:
            results.append(measure(Sequence(folder), options.focal, options.width, options.stride, options.flow))
            print(_line(results[-1]) if len(results) > 1 else _HEAD + "\n" + _line(results[-1]), flush=True)
    except ValueError as error:
        print(f"benchmarks.egomotion: {error}", file=sys.stderr)
        return 2
    figures.write(options.json, results)
    return 0


def measure(
    sequence: Sequence, focal: str = "known", width: int | None = None, stride: int = 1, engine: str = "dis"
) -> dict[str, Any]:
    """Fit the motion of every pair of a sequence and compare it with the truth."""
    if not 1 <= stride < len(sequence):
        raise SequenceError(f"{sequence.folder} has {len(sequence)} frames: a stride of {stride} leaves no pair")
    scores, previous = Scores(), None
    for index in range(len(sequence) - stride):
        truth = sequence.motion(index, stride)
        if np.linalg.norm(truth.T) < STANDING_M * stride:
            scores.standing += 1
            continue
        image1, image2 = sequence.image(index, width), sequence.image(index + stride, width)
        camera = sequence.camera(width)
        assumed = camera if focal == "known" else _default_camera(image1)
        found = _fit(image1, image2, assumed, previous, engine, scores)
        previous = found if found.accepted else None
        if not found.accepted:
            scores.reasons[found.reason] += 1
            continue
        scores.rotation_deg.append(rotation_error_deg(found, truth))
        scores.direction_deg.append(direction_error_deg(found, truth, assumed, camera))
    return _summary(sequence, focal, width, stride, engine, scores)


def rotation_error_deg(found: Egomotion, truth: Motion) -> float:
    """Angle of the rotation between the two orientations."""
    return float(np.rad2deg(np.linalg.norm(cv2.Rodrigues(found.R.T @ truth.R)[0])))


def direction_error_deg(found: Egomotion, truth: Motion, assumed: Camera, camera: Camera) -> float:
    """Angle between the two headings, the found one as the true camera sees its pixel."""
    heading = np.linalg.solve(camera.matrix, assumed.matrix @ found.T)
    cosine = heading @ truth.heading / np.linalg.norm(heading)
    return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))


def _default_camera(image: NDArray[np.uint8]) -> Camera:
    height, width = image.shape[:2]
    return Camera(DEFAULT_FOCAL * width, (width - 1) / 2, (height - 1) / 2)


def _fit(
    image1: NDArray[np.uint8],
    image2: NDArray[np.uint8],
    camera: Camera,
    previous: Egomotion | None,
    engine: str,
    scores: Scores,
) -> Egomotion:
    field_, support = flow(image1, image2, FlowParameters(engine=engine))
    parameters, centre = EgomotionParameters(), (camera.cx, camera.cy)
    began = time.perf_counter()
    found = fit(field_, support, camera.focal, centre, parameters)
    scores.cold_s.append(time.perf_counter() - began)
    if previous is None:
        return found
    began = time.perf_counter()
    found = fit(field_, support, camera.focal, centre, parameters, previous)
    if found.tracked:
        scores.tracked_s.append(time.perf_counter() - began)
    return found


def _summary(
    sequence: Sequence, focal: str, width: int | None, stride: int, engine: str, scores: Scores
) -> dict[str, Any]:
    return {
        "sequence": sequence.folder.name,
        "focal": focal,
        "width": width or sequence.image(0).shape[1],
        "stride": stride,
        "flow": engine,
        "pairs": len(scores.direction_deg) + sum(scores.reasons.values()),
        "failed": sum(scores.reasons.values()),
        "standing": scores.standing,
        "reasons": dict(scores.reasons),
        "rotation_deg": _quantiles(scores.rotation_deg),
        "direction_deg": _quantiles(scores.direction_deg),
        "milliseconds_median": _milliseconds(scores.tracked_s or scores.cold_s),
        "milliseconds_cold": _milliseconds(scores.cold_s),
        "milliseconds_tracked": _milliseconds(scores.tracked_s),
    }


def _quantiles(values: list[float]) -> dict[str, float | None]:
    if not values:
        return {"median": None, "p90": None, "max": None}
    return {
        "median": round(float(np.median(values)), 5),
        "p90": round(float(np.percentile(values, 90)), 5),
        "max": round(float(np.max(values)), 5),
    }


def _milliseconds(seconds: list[float]) -> float | None:
    return round(1000 * float(np.median(seconds)), 3) if seconds else None


_HEAD = (
    f"{'sequence':24s} {'focal':7s} {'width':>5s} {'pairs':>5s} {'failed':>6s}   rotation deg      direction deg"
    f"        cold ms  tracked ms\n{'':24s} {'':7s} {'':5s} {'':5s} {'':6s}   median    p90    median    p90    max"
)


def _line(result: dict[str, Any]) -> str:
    rotation, direction = result["rotation_deg"], result["direction_deg"]
    figures = [rotation["median"], rotation["p90"], direction["median"], direction["p90"], direction["max"]]
    shown = "  ".join("     -" if value is None else f"{value:6.3f}" for value in figures)
    times = [result["milliseconds_cold"], result["milliseconds_tracked"]]
    clock = "  ".join("     -" if value is None else f"{value:6.1f}" for value in times)
    head = f"{result['sequence']:24s} {result['focal']:7s} {result['width']:5d}"
    return f"{head} {result['pairs']:5d} {result['failed']:6d}   {shown}   {clock}  {result['reasons'] or ''}"


if __name__ == "__main__":
    sys.exit(main())
