"""How well and how fast the camera motion is found: ``python -m benchmarks.egomotion SEQUENCE --json F``.

A sequence is a folder that ``benchmarks.sequences`` reads. Every pair is fitted twice, cold and tracked from the pair
before; the tracked result counts, as in the pipeline. Pairs in which the camera stands are left out: they have no
direction. With another focal length than the true one, directions are compared as the pixel of the focus of expansion
seen through the true camera (LABELS section 7.9). ``after offset`` is what remains of the direction error when the
sequence's median heading error, that of the truth or ours, is taken away. Times are processor time of the fit alone.
"""

import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import figures
from benchmarks.sequences import Camera, Motion, Sequence, SequenceError
from labels.egomotion import Egomotion, EgomotionParameters, fit
from labels.egomotion_parameters import METHODS
from labels.flow import FlowParameters, flow
from labels.focal_length import estimate, observe

DEFAULT_FOCAL = 0.8  # of the width
STANDING_M = 0.05
FOCAL = ("known", "default", "calibrate")
CALIBRATED_OVER = 3
"""Frames from one to the other of the pairs that tell the focal length: 0.3 s of the sequences of ten a second."""


@dataclass
class Scores:
    """What was measured over the pairs of one sequence."""

    rotation_deg: list[float] = field(default_factory=list)
    offset_deg: list[NDArray[np.float64]] = field(default_factory=list)  # to the right and down
    direction_deg: list[float] = field(default_factory=list)
    cold_s: list[float] = field(default_factory=list)
    tracked_s: list[float] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    standing: int = 0


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = figures.parser("egomotion", __doc__)
    parser.add_argument("sequences", nargs="+", metavar="SEQUENCE", help="folder of a sequence with ground truth")
    parser.add_argument(
        "--focal", choices=FOCAL, default="known", help="default: 0.8 W, centre; calibrate: from the turns, centre"
    )
    parser.add_argument("--method", choices=METHODS, default="robust", help="reference: the objective of the paper")
    parser.add_argument("--flow-only", action="store_true", help="fit to the flow without looking at the frames again")
    parser.add_argument("--width", type=int, help="resize the frames to this width (full size without)")
    parser.add_argument("--stride", type=int, default=1, help="pair each frame with the one so many later")
    parser.add_argument(
        "--flow", dest="engine", metavar="ENGINE", default=FlowParameters().engine, help="flow engine (%(default)s)"
    )
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    names = "focal", "width", "stride", "engine", "method", "flow_only"
    chosen = {name: getattr(options, name) for name in names}
    results: list[dict[str, Any]] = []
    try:
        figures.require_folder(options.json, "--json")
        for folder in options.sequences:
            results.append(measure(Sequence(folder), **chosen))
            print(_line(results[-1]) if len(results) > 1 else _HEAD + "\n" + _line(results[-1]), flush=True)
    except ValueError as error:
        print(f"benchmarks.egomotion: {error}", file=sys.stderr)
        return 2
    figures.write(options.json, results)
    return 0


def measure(
    sequence: Sequence,
    focal: str = "known",
    width: int | None = None,
    stride: int = 1,
    engine: str = FlowParameters().engine,
    method: str = "robust",
    flow_only: bool = False,
) -> dict[str, Any]:
    """Fit the motion of every pair of a sequence and compare it with the truth."""
    if not 1 <= stride < len(sequence):
        raise SequenceError(f"{sequence.folder} has {len(sequence)} frames: a stride of {stride} leaves no pair")
    camera = sequence.camera(width)
    assumed, state = _assumed_camera(sequence, focal, width, stride)
    scores, previous = Scores(), None
    for index in range(len(sequence) - stride):
        truth = sequence.motion(index, stride)
        if np.linalg.norm(truth.T) < STANDING_M * stride:
            scores.standing += 1
            continue
        image1, image2 = sequence.image(index, width), sequence.image(index + stride, width)
        flows = flow(image1, image2, FlowParameters(engine=engine))
        images = None if flow_only else (image1, image2)
        found = _fit(flows, images, assumed, previous, EgomotionParameters(method=method), scores)
        previous = found if found.accepted else None
        if not found.accepted:
            scores.reasons[found.reason] += 1
            continue
        scores.rotation_deg.append(rotation_error_deg(found, truth))
        scores.direction_deg.append(direction_error_deg(found, truth, assumed, camera))
        scores.offset_deg.append(offset_deg(found.T, truth, assumed, camera))
    ratio = round(assumed.focal / sequence.image(0, width).shape[1], 5)
    settings = {
        "focal": focal,
        "focal_state": state,
        "focal_ratio": ratio,
        "stride": stride,
        "flow": engine,
        "method": method,
        "flow_only": flow_only,
    }
    return (
        {"sequence": sequence.folder.name, "width": width or sequence.image(0).shape[1]} | settings | _figures(scores)
    )


def rotation_error_deg(found: Egomotion, truth: Motion) -> float:
    """Angle of the rotation between the two orientations."""
    return float(np.rad2deg(np.linalg.norm(cv2.Rodrigues(found.R.T @ truth.R)[0])))


def direction_error_deg(found: Egomotion, truth: Motion, assumed: Camera, camera: Camera) -> float:
    """Angle between the two headings, the found one as the true camera sees its pixel."""
    heading = _seen_by(camera, assumed, found.T)
    return float(np.rad2deg(np.arctan2(np.linalg.norm(np.cross(heading, truth.heading)), heading @ truth.heading)))


def offset_deg(heading: NDArray[np.float64], truth: Motion, assumed: Camera, camera: Camera) -> NDArray[np.float64]:
    """By how much a found heading (3,) points too far to the right and down, (2,)."""
    (U, V, W), (u, v, w) = _seen_by(camera, assumed, heading), truth.heading
    return np.rad2deg([np.arctan2(U, W) - np.arctan2(u, w), np.arctan2(V, W) - np.arctan2(v, w)])


def _seen_by(camera: Camera, assumed: Camera, heading: NDArray[np.float64]) -> NDArray[np.float64]:
    seen = np.linalg.solve(camera.matrix, assumed.matrix @ heading)
    return seen / np.linalg.norm(seen)


def _assumed_camera(sequence: Sequence, focal: str, width: int | None, stride: int) -> tuple[Camera, str]:
    """The camera that the fits are made with, and the state of its focal length."""
    if focal == "known":
        return sequence.camera(width), "known"
    across, down = sequence.image(0, width).shape[1::-1]
    camera = Camera(DEFAULT_FOCAL * across, (across - 1) / 2, (down - 1) / 2)
    if focal == "default":
        return camera, "default"
    apart = min(max(stride, CALIBRATED_OVER), len(sequence) - 1)
    pairs = (
        observe(sequence.image(k, width), sequence.image(k + apart, width), camera.focal, (camera.cx, camera.cy))
        for k in range(len(sequence) - apart)
    )
    found = estimate(pairs, camera.focal, across)
    return replace(camera, focal=found.ratio * across), found.state


def _fit(
    flows: tuple[NDArray[np.float32], NDArray[np.uint8]],
    images: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None,
    camera: Camera,
    previous: Egomotion | None,
    parameters: EgomotionParameters,
    scores: Scores,
) -> Egomotion:
    given = *flows, camera.focal, (camera.cx, camera.cy), parameters
    began = time.process_time()
    found = fit(*given, images=images)
    scores.cold_s.append(time.process_time() - began)
    if previous is None:
        return found
    began = time.process_time()
    found = fit(*given, previous, images=images)
    if found.tracked:
        scores.tracked_s.append(time.process_time() - began)
    return found


def _figures(scores: Scores) -> dict[str, Any]:
    offsets = np.array(scores.offset_deg).reshape(-1, 2)
    offset = np.median(offsets, axis=0) if len(offsets) else None
    return {
        "pairs": len(scores.direction_deg) + sum(scores.reasons.values()),
        "failed": sum(scores.reasons.values()),
        "standing": scores.standing,
        "reasons": dict(scores.reasons),
        "rotation_deg": quantiles(scores.rotation_deg),
        "direction_deg": quantiles(scores.direction_deg),
        "offset_deg": None if offset is None else [round(float(each), 5) for each in offset],
        "after_offset_deg": quantiles([] if offset is None else list(np.hypot(*(offsets - offset).T))),
        "milliseconds_median": _milliseconds(scores.tracked_s or scores.cold_s),
        "milliseconds_cold": _milliseconds(scores.cold_s),
        "milliseconds_tracked": _milliseconds(scores.tracked_s),
    }


def quantiles(values: list[float]) -> dict[str, float | None]:
    """Median, 90 % and largest of values; None of each where there is none."""
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
    f"{'':60s}rotation deg      direction deg             after offset      milliseconds\n"
    f"{'sequence':24s} {'focal':>16s} {'width':>5s} {'pairs':>5s} {'failed':>6s}   "
    "median     p90  median     p90     max  median     p90     cold  tracked"
)


def _line(result: dict[str, Any]) -> str:
    shown = [
        *(result["rotation_deg"][name] for name in ("median", "p90")),
        *(result["direction_deg"][name] for name in ("median", "p90", "max")),
        *(result["after_offset_deg"][name] for name in ("median", "p90")),
    ]
    errors = "  ".join("     -" if value is None else f"{value:6.3f}" for value in shown)
    times = [result["milliseconds_cold"], result["milliseconds_tracked"]]
    clock = "  ".join("     -" if value is None else f"{value:6.1f}" for value in times)
    head = f"{result['sequence']:24s} {result['focal_state']:10s} {result['focal_ratio']:5.3f} {result['width']:5d}"
    return f"{head} {result['pairs']:5d} {result['failed']:6d}   {errors}   {clock}  {result['reasons'] or ''}"


if __name__ == "__main__":
    sys.exit(main())
