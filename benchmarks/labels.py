"""How right the labels are, and how much they cover: ``python -m benchmarks.labels SEQUENCE --json F``.

Over the pixels with ground truth (mask bits 1 or 2, not moving): ``valid_fraction`` is the share that has a label, and
over those ``rho`` is the Spearman rank correlation of the label with the true depth and ``percentile_error`` the mean
``|z - z_true|``, both percentiles taken among these same pixels (a label's own percentile also ranks pixels that have
no ground truth). Also, for each origin of a label, its share of the labelled pixels and their mean error.

What is fixed to the car is masked where the truth says what is (``fixed.png``), as the survey finds it in a build. The
truth of a drive of KITTI raw is sparse, from LiDAR, with what moves in it; its pairs that stand end as ``no_parallax``
or the like.
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
from benchmarks.egomotion import DEFAULT_FOCAL, STANDING_M
from benchmarks.raw_drive import open_sequence
from benchmarks.sequences import MOVING, RELIABLE, VISIBLE, Sequence, SequenceError
from evaluation.relative_depth import percentiles
from labels.codec import decode
from labels.dense_depth import MEASURED, PLANE, PROPAGATED, SKY
from labels.egomotion import EgomotionParameters
from labels.egomotion_parameters import METHODS
from labels.fixed_regions import FixedRegionParameters, widened
from labels.flow import FlowParameters
from labels.pair import LabelParameters, PairLabel, label_pair
from pipeline.profiles import PROFILES, profile

ORIGINS = {"measured": MEASURED, "propagated": PROPAGATED, "plane": PLANE, "sky": SKY}


@dataclass
class Scores:
    """What was measured over the pairs of one sequence."""

    rho: list[float] = field(default_factory=list)
    percentile_error: list[float] = field(default_factory=list)
    valid_fraction: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    origins: list[dict[str, tuple[float, float]]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    standing: int = 0


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = figures.parser("labels", __doc__)
    parser.add_argument("sequences", nargs="+", metavar="SEQUENCE", help="with depth and mask, or a drive of KITTI raw")
    parser.add_argument("--focal", choices=("known", "default"), default="known", help="default: 0.8 W, centre")
    parser.add_argument("--width", type=int, help="resize the frames to this width (full size without)")
    parser.add_argument("--stride", type=int, default=1, help="pair each frame with the one so many later")
    parser.add_argument("--profile", choices=PROFILES, default="default", help="set of parameters (%(default)s)")
    parser.add_argument("--flow", help="flow engine (the profile's)")
    parser.add_argument("--method", choices=METHODS, help="of the egomotion (the profile's)")
    parser.add_argument("--alone", action="store_true", help="carry no depth from pair to pair")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    parameters = _parameters(options.profile, options.flow, options.method, options.alone)
    results = []
    try:
        figures.require_folder(options.json, "--json")
        for folder in options.sequences:
            row = measure(open_sequence(folder), options.focal, options.width, options.stride, parameters)
            results.append({"profile": options.profile, **row})
            print(_line(results[-1]) if len(results) > 1 else _HEAD + "\n" + _line(results[-1]), flush=True)
    except ValueError as error:
        print(f"benchmarks.labels: {error}", file=sys.stderr)
        return 2
    figures.write(options.json, results)
    return 0


def _parameters(name: str, engine: str | None, method: str | None, alone: bool) -> LabelParameters:
    """The profile's, but for what is given."""
    chosen = profile(name).label
    if engine is not None:
        chosen = replace(chosen, flow=FlowParameters(engine=engine))
    if method is not None:
        chosen = replace(chosen, egomotion=EgomotionParameters(method=method))
    return replace(chosen, fusion=replace(chosen.fusion, carry=False)) if alone else chosen


def measure(
    sequence: Sequence,
    focal: str = "known",
    width: int | None = None,
    stride: int = 1,
    parameters: LabelParameters | None = None,
) -> dict[str, Any]:
    """Label every pair of a sequence and compare with the true depth of its first frame."""
    parameters = parameters or LabelParameters()
    if not 1 <= stride < len(sequence):
        raise SequenceError(f"{sequence.folder} has {len(sequence)} frames: a stride of {stride} leaves no pair")
    scores, previous, last = Scores(), None, 0
    for index in range(len(sequence) - stride):
        depth, mask = sequence.depth(index, width), sequence.mask(index, width)
        if depth is None or mask is None:
            continue
        if sequence.has_motion and np.linalg.norm(sequence.motion(index, stride).T) < STANDING_M * stride:
            scores.standing += 1
            continue
        label = _label(sequence, index, focal, width, stride, parameters, previous, (index - last) / stride, scores)
        if label.reason:
            scores.reasons[label.reason] += 1
            continue
        previous, last = label, index
        _score(label, depth, (mask & (VISIBLE | RELIABLE) != 0) & (mask & MOVING == 0) & (depth > 0), scores)
    if not scores.seconds and not scores.standing:
        raise SequenceError(f"{sequence.folder} has no depth/ and mask/ that go with its frames")
    return _summary(sequence, focal, width, stride, parameters, scores)


def _label(
    sequence: Sequence,
    index: int,
    focal: str,
    width: int | None,
    stride: int,
    parameters: LabelParameters,
    previous: PairLabel | None,
    elapsed: float,
    scores: Scores,
) -> PairLabel:
    image1, image2 = sequence.image(index, width), sequence.image(index + stride, width)
    camera = sequence.camera(width)
    known = focal == "known"
    focal_px, centre = (camera.focal, (camera.cx, camera.cy)) if known else (DEFAULT_FOCAL * image1.shape[1], None)
    fixed = sequence.fixed(width)
    usable = None if fixed is None else ~widened(fixed, FixedRegionParameters().margin_px)
    began = time.process_time()
    label = label_pair(
        image1, image2, focal_px, parameters, previous, principal_point=centre, usable=usable, elapsed=elapsed
    )
    scores.seconds.append(time.process_time() - began)
    return label


def _score(label: PairLabel, depth: NDArray[np.float32], truth: NDArray[np.bool_], scores: Scores) -> None:
    z, valid = decode(label.codes)
    both = truth & valid
    found, z_true = percentiles(z[both]), percentiles(depth[both])
    error, origin = np.abs(found - z_true), label.origin[both]
    scores.valid_fraction.append(_share(both, truth))
    scores.rho.append(float(np.corrcoef(found, z_true)[0, 1]))
    scores.percentile_error.append(float(error.mean()))
    scores.origins.append(
        {
            name: (float(np.mean(origin == number)), float(error[origin == number].mean()))
            for name, number in ORIGINS.items()
            if (origin == number).any()
        }
    )


def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(part)) / max(1, int(np.count_nonzero(whole)))


def _summary(
    sequence: Sequence,
    focal: str,
    width: int | None,
    stride: int,
    parameters: LabelParameters,
    scores: Scores,
) -> dict[str, Any]:
    return {
        "sequence": sequence.folder.name,
        "focal": focal,
        "width": width or sequence.image(0).shape[1],
        "stride": stride,
        "flow": parameters.flow.engine,
        "method": parameters.egomotion.method,
        "carried": parameters.fusion.carry,
        "pairs": len(scores.seconds),
        "pairs_kept": len(scores.rho),
        "standing": scores.standing,
        "reasons": dict(scores.reasons),
        "valid_fraction": _median(scores.valid_fraction),
        "rho": _median(scores.rho),
        "rho_p10": round(float(np.percentile(scores.rho, 10)), 5) if scores.rho else None,
        "percentile_error": _median(scores.percentile_error),
        "milliseconds_per_pair": round(1000 * float(np.median(scores.seconds)), 2) if scores.seconds else None,
        "origins": {name: _origin(name, scores) for name in ORIGINS},
    }


def _origin(name: str, scores: Scores) -> dict[str, float | None]:
    """Mean share of the labelled pixels over all pairs, and their mean error."""
    found = [each.get(name, (0.0, 0.0)) for each in scores.origins]
    total = sum(share for share, _ in found)
    return {
        "share": round(total / len(found), 5) if found else None,
        "error": round(sum(share * error for share, error in found) / total, 5) if total else None,
    }


def _median(values: list[float]) -> float | None:
    return round(float(np.median(values)), 5) if values else None


_HEAD = (
    f"{'sequence':24s} {'focal':7s} {'width':>5s} {'pairs':>5s} {'kept':>5s}  valid    rho  rho p10  error  ms/pair"
    "   origins: share error"
)


def _line(result: dict[str, Any]) -> str:
    names = ("valid_fraction", "rho", "rho_p10", "percentile_error")
    shown = "  ".join("    -" if result[name] is None else f"{result[name]:5.3f}" for name in names)
    head = f"{result['sequence']:24s} {result['focal']:7s} {result['width']:5d} {result['pairs']:5d}"
    told = {name: each for name, each in result["origins"].items() if each["error"] is not None}
    origins = ", ".join(f"{name} {each['share']:.3f} {each['error']:.3f}" for name, each in told.items())
    clock = "-" if result["milliseconds_per_pair"] is None else f"{result['milliseconds_per_pair']:.1f}"
    return f"{head} {result['pairs_kept']:5d}  {shown}   {clock:>6s}   {origins}  {result['reasons'] or ''}"


if __name__ == "__main__":
    sys.exit(main())
