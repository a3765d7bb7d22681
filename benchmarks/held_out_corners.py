"""Whether the truth of a sequence or our motion errs: ``python -m benchmarks.held_out_corners SEQUENCE --json F``.

Corners are tracked with no assumption about the scene (``labels.corner_tracks``). A motion is fitted to every other of
them, and the rest judge three motions, the sequence's true one, ours, and that of the other corners: by the distance of
a corner's end from its epipolar line, which no depth changes. The motion of the corners shares neither flow nor fit
with ours. Where it differs from the truth as ours does, and both lie nearer to the corners that judge, what differs is
the truth's error: no method scores better against it.
"""

import sys
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import figures
from benchmarks.egomotion import STANDING_M, offset_deg, quantiles
from benchmarks.sequences import Camera, Motion, Sequence, SequenceError
from labels.corner_tracks import corner_samples
from labels.egomotion import AHEAD, Egomotion, EgomotionParameters, fit
from labels.egomotion_search import Prior, refined
from labels.flow import flow
from labels.flow_samples import Samples, derotated, epipolar_directions

FEWEST = 60
"""Pairs with fewer corners tell nothing."""
MOTIONS = "truth", "ours", "corners"


@dataclass
class Scores:
    """What was measured over the pairs of one sequence."""

    off_px: list[list[float]] = field(default_factory=list)  # of the three motions
    ours_deg: list[NDArray[np.float64]] = field(default_factory=list)  # heading against the truth, right and down
    corners_deg: list[NDArray[np.float64]] = field(default_factory=list)  # that of the corners


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = figures.parser("held_out_corners", __doc__)
    parser.add_argument("sequences", nargs="+", metavar="SEQUENCE", help="folder of a sequence with true motion")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    results: list[dict[str, Any]] = []
    try:
        figures.require_folder(options.json, "--json")
        for folder in options.sequences:
            results.append(measure(Sequence(folder)))
            print(_lines(results[-1]), flush=True)
    except ValueError as error:
        print(f"benchmarks.held_out_corners: {error}", file=sys.stderr)
        return 2
    figures.write(options.json, results)
    return 0


def measure(sequence: Sequence) -> dict[str, Any]:
    """Judge the motions of all pairs of a sequence in which the camera moves."""
    camera, scores, previous = sequence.camera(), Scores(), None
    for index in range(len(sequence) - 1):
        truth = sequence.motion(index)
        if np.linalg.norm(truth.T) < STANDING_M:
            continue
        frames = sequence.image(index), sequence.image(index + 1)
        centre = camera.cx, camera.cy
        ours = fit(*flow(*frames), camera.focal, centre, None, previous, images=frames)
        previous = ours if ours.accepted else None
        corners = corner_samples(*frames, camera.focal, centre)
        if previous is not None and len(corners) >= FEWEST:
            _judge(corners, truth, ours, camera, scores)
    if not scores.off_px:
        raise SequenceError(f"{sequence.folder} has no pair with {FEWEST} corners and a motion")
    return {"sequence": sequence.folder.name} | _figures(scores)


def off_px(samples: Samples, R: NDArray[np.float64], T: NDArray[np.float64], focal: float) -> float:
    """Median distance in pixels of the samples' ends from their epipolar lines, by a motion."""
    tau, left = epipolar_directions(samples, T), derotated(samples, R)
    across = left[:, 0] * tau[:, 1] - left[:, 1] * tau[:, 0]
    return focal * float(np.median(np.abs(across) / (np.hypot(*tau.T) + 1e-12)))


def _judge(corners: Samples, truth: Motion, ours: Egomotion, camera: Camera, scores: Scores) -> None:
    told, held_out = _part(corners, 0), _part(corners, 1)
    parameters = EgomotionParameters()
    prior = Prior.of(AHEAD, parameters)
    found = refined(told, (ours.R, ours.T), parameters, prior, (4.0, 1.0), 25)
    motions = (truth.R, truth.heading), (ours.R, ours.T), (found.R, found.T)
    scores.off_px.append([off_px(held_out, *motion, camera.focal) for motion in motions])
    scores.ours_deg.append(offset_deg(ours.T, truth, camera, camera))
    scores.corners_deg.append(offset_deg(found.T, truth, camera, camera))


def _part(samples: Samples, first: int) -> Samples:
    """Every other sample; the strongest corners come first, so that both halves are alike."""
    return Samples(*(values[first::2].copy() for values in vars(samples).values()))


def _figures(scores: Scores) -> dict[str, Any]:
    off, ours, corners = np.array(scores.off_px), np.array(scores.ours_deg), np.array(scores.corners_deg)
    return {
        "pairs": len(off),
        "off_px": {name: round(float(np.median(off[:, k])), 4) for k, name in enumerate(MOTIONS)},
        "truth_worse_than_ours": int(np.count_nonzero(off[:, 0] > off[:, 1])),
        "heading_deg": {
            "ours_to_truth": quantiles(list(np.hypot(*ours.T))),
            "corners_to_truth": quantiles(list(np.hypot(*corners.T))),
            "ours_to_corners": quantiles(list(np.hypot(*(ours - corners).T))),
        },
        "offset_deg": {"ours": _middle(ours), "corners": _middle(corners)},
        "correlation": [round(float(np.corrcoef(ours[:, k], corners[:, k])[0, 1]), 3) for k in range(2)],
    }


def _middle(offsets: NDArray[np.float64]) -> list[float]:
    return [round(float(each), 4) for each in offsets.mean(axis=0)]


def _lines(result: dict[str, Any]) -> str:
    off, deg = result["off_px"], result["heading_deg"]
    lines = [
        f"{result['sequence']}: {result['pairs']} pairs; held-out corners lie off their epipolar lines by "
        + ", ".join(f"{off[name]:.3f} px ({name})" for name in MOTIONS)
        + f"; the truth is worse than ours in {result['truth_worse_than_ours']}",
        "heading, degrees, median / 90 %: "
        + ", ".join(f"{name.replace('_', ' ')} {each['median']:.3f} / {each['p90']:.3f}" for name, each in deg.items())
        + "; correlation of the first two {:.2f} across, {:.2f} down".format(*result["correlation"])
        + "; mean offset from the truth, right and down: "
        + ", ".join("{1:.3f} {2:.3f} ({0})".format(name, *each) for name, each in result["offset_deg"].items()),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
