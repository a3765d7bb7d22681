"""How right and how fast flow is: ``python -m benchmarks.flow SEQUENCE --json F``.

A sequence is a folder that ``benchmarks.sequences`` reads. True flow comes from its ``flow/``, moving things included,
or else from depth and motion, moving things left out. Over the pixels that the next frame shows and whose end point
lies inside the crop: ``epe`` is the mean length of the error in pixels, ``epe_median`` its median, ``fl_percent`` the
share of errors above 3 px and 5 % of the flow, ``rho`` the Spearman rank correlation of Eq. 3 depth, by the true
egomotion, with true depth, 20 px or more from the focus of expansion, over what stands still. ``epe_occluded`` is over
pixels that the next frame hides, ``epe_near_edges`` within 5 px of steps of depth, ``road_median`` the median on the
road. All figures are means over the pairs, that one their median; ``pairs`` says over how many.

``milliseconds`` is the median processor time of one call of ``labels.flow.flow``, flow and support, hence both
directions, with one thread. ``milliseconds_dis_medium`` is that of OpenCV's DIS at its medium preset, one direction,
timed in turn with it on the same pair.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from scipy.stats import spearmanr

from benchmarks import figures, flow_curve
from benchmarks.contrib_flow import contrib_methods
from benchmarks.sequences import MOVING, RELIABLE, VISIBLE, Camera, Motion, Sequence, SequenceError
from labels.census_flow import PRESETS
from labels.flow import FlowParameters, flow

FLOW = NDArray[np.float32]
GREY = NDArray[np.uint8]
MASK = NDArray[np.bool_]
BANDS = (0, 4, 8, 16, 32, 64, np.inf)
"""Limits of the true displacement, px, by which ``epe_by_displacement`` is told."""
NEAR_FOCUS_PX = 20.0
EDGE_PX = 5
"""Reach of ``epe_near_edges`` around steps of depth."""
EDGE_RATIO = 1.1
"""Ratio of neighbouring depths that makes a step."""


@dataclass(frozen=True)
class Method:
    """A way to compute flow from two (H, W) uint8 images."""

    engine: str
    preset: str
    run: Callable[[GREY, GREY], FLOW]


@dataclass(frozen=True)
class Truth:
    """What is known of a pair within the crop; arrays are (H, W) or (H, W, 2)."""

    flow: FLOW
    visible: MASK
    occluded: MASK
    still: MASK
    road: MASK
    """False everywhere where the sequence does not tell."""
    depth: NDArray[np.float32]
    camera: Camera
    motion: Motion


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = figures.parser("flow", __doc__)
    parser.add_argument("sequence", metavar="SEQUENCE", help="folder of a sequence with ground truth")
    parser.add_argument("--engine", help="dis, census, ric, or a method of OpenCV's contrib modules (all without)")
    parser.add_argument("--preset", choices=tuple(PRESETS), help="effort of the census engine (all without)")
    parser.add_argument("--crop", metavar="WxH", help="compare the middle of the frames only, as in 640x360")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every N-th pair (%(default)s)")
    parser.add_argument("--plot", type=Path, metavar="F", help="draw quality against time into this PNG")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        figures.require_folder(options.json, "--json")
        figures.require_folder(options.plot, "--plot")
        if options.every < 1:
            raise ValueError(f"--every {options.every} takes no pair; give 1 or more")
        methods = choose(options.engine, options.preset)
        results = measure(Sequence(options.sequence), methods, crop_size(options.crop), options.every)
    except ValueError as error:
        print(f"benchmarks.flow: {error}", file=sys.stderr)
        return 2
    print("\n".join([_HEAD, *map(_line, results)]))
    figures.write(options.json, results)
    if options.plot:
        flow_curve.draw(results, options.plot)
    return 0


def choose(engine: str | None = None, preset: str | None = None) -> list[Method]:
    """The methods that a name means; all there are without one. Raises ``ValueError`` for an unknown name."""
    ours = [Method("dis", "medium", _ours(FlowParameters(engine="dis")))]
    ours += [Method("census", name, _ours(FlowParameters(engine="census", preset=name))) for name in PRESETS]
    ours += [Method("ric", "", _ours(FlowParameters(engine="ric")))]
    known = ours + [Method(name, "", run) for name, run in contrib_methods().items()]
    chosen = [m for m in known if engine in (None, m.engine) and (preset is None or m.preset == preset)]
    if not chosen:
        names = ", ".join(dict.fromkeys(method.engine for method in known))
        raise ValueError(f"no flow engine {engine!r} with preset {preset!r}; engines here: {names}")
    return chosen


def _ours(parameters: FlowParameters) -> Callable[[GREY, GREY], FLOW]:
    return lambda image1, image2: flow(image1, image2, parameters)[0]


def crop_size(text: str | None) -> tuple[int, int] | None:
    """(width, height) from ``640x360``. Raises ``ValueError`` for another form."""
    if text is None:
        return None
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and min(int(width), int(height)) >= 64):
        raise ValueError(f"--crop {text} is no size of 64x64 or more; write it as in 640x360")
    return int(width), int(height)


def measure(
    sequence: Sequence, methods: list[Method], crop: tuple[int, int] | None = None, every: int = 1
) -> list[dict[str, Any]]:
    """Compute every pair's flow by every method and compare it with the truth; a row a method."""
    scores: list[list[dict[str, float]]] = [[] for _ in methods]
    seconds, dis_seconds = [[] for _ in methods], [[] for _ in methods]  # type: ignore[var-annotated]
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    for index in range(0, len(sequence) - 1, every):
        truth, image1, image2 = pair(sequence, index, crop)
        if truth is None:
            continue
        for number, method in enumerate(methods):
            try:
                if not scores[number]:
                    method.run(image1, image2)  # compiles
                began = time.process_time()
                dis.calc(image1, image2, None)
                between = time.process_time()
                found = method.run(image1, image2)
            except cv2.error:  # OpenCV's interpolators leave their own bounds on some frames
                continue
            seconds[number].append(time.process_time() - between)
            dis_seconds[number].append(between - began)
            scores[number].append(score(found, truth))
    if not any(scores):
        raise SequenceError(f"{sequence.folder} has no depth/ and mask/ that go with its frames")
    return [_summary(sequence, *each) for each in zip(methods, scores, seconds, dis_seconds) if each[1]]


def pair(sequence: Sequence, index: int, crop: tuple[int, int] | None) -> tuple[Truth | None, GREY, GREY]:
    """What is known of a pair, and its grey images, cropped in the middle."""
    image1, image2 = (_grey(sequence.image(k)) for k in (index, index + 1))
    height, width = image1.shape
    wide, high = crop or (width, height)
    if wide > width or high > height:
        raise SequenceError(f"--crop {wide}x{high} is larger than the frames of {sequence.folder}, {width}x{height}")
    left, top = (width - wide) // 2, (height - high) // 2
    part = np.s_[top : top + high, left : left + wide]
    truth = _truth(sequence, index)
    return (
        None if truth is None else _cut(truth, part, left, top),
        np.ascontiguousarray(image1[part]),
        np.ascontiguousarray(image2[part]),
    )


def _truth(sequence: Sequence, index: int) -> Truth | None:
    depth, mask = sequence.depth(index), sequence.mask(index)
    exact, rigid = sequence.flow(index), sequence.rigid_flow(index)
    if depth is None or mask is None or rigid is None:
        return None
    still = mask & MOVING == 0
    true_flow, known = (exact[0], exact[1]) if exact else (rigid, still & np.isfinite(rigid[..., 0]))
    visible = known & (mask & VISIBLE != 0)
    occluded = known & (mask & RELIABLE != 0) & ~visible
    road = sequence.road(index)
    road = np.zeros(depth.shape, bool) if road is None else road
    return Truth(true_flow, visible, occluded, still, road, depth, sequence.camera(), sequence.motion(index))


def _cut(truth: Truth, part: tuple[slice, slice], left: int, top: int) -> Truth:
    """The truth within a window; what leaves it is neither visible nor occluded."""
    true_flow = truth.flow[part]
    rows, columns = np.indices(true_flow.shape[:2])
    x2, y2 = columns + true_flow[..., 0], rows + true_flow[..., 1]
    inside = (x2 >= 0) & (x2 <= true_flow.shape[1] - 1) & (y2 >= 0) & (y2 <= true_flow.shape[0] - 1)
    camera = Camera(truth.camera.focal, truth.camera.cx - left, truth.camera.cy - top)
    masks = truth.visible[part] & inside, truth.occluded[part] & inside, truth.still[part], truth.road[part]
    return Truth(true_flow, *masks, truth.depth[part], camera, truth.motion)


def score(found: FLOW, truth: Truth) -> dict[str, float]:
    """Errors of a flow; NaN where nothing is to be compared."""
    error = np.hypot(*np.moveaxis(found - truth.flow, -1, 0))
    length = np.hypot(*np.moveaxis(truth.flow, -1, 0))
    visible = truth.visible
    errors = {
        "epe": _mean(error[visible]),
        "epe_median": _median(error[visible]),
        "fl_percent": 100 * _mean((error > 3)[visible] & (error > 0.05 * length)[visible]),
        "rho": depth_correlation(found, truth),
        "epe_occluded": _mean(error[truth.occluded]),
        "epe_near_edges": _mean(error[visible & near_edges(truth.depth)]),
        "road_median": _median(error[visible & truth.road]),
    }
    for low, high in pairwise(BANDS):
        errors[f"epe_{low:g}_to_{high:g}"] = _mean(error[visible & (length >= low) & (length < high)])
    return errors


def depth_correlation(found: FLOW, truth: Truth) -> float:
    """Spearman correlation of true depth with that of Eq. 3, ``|tau| / |t|``, by the true egomotion."""
    camera, R, T = truth.camera, truth.motion.R, truth.motion.T
    rows, columns = np.nonzero(truth.visible & truth.still & (truth.depth > 0))
    x, y = columns - camera.cx, rows - camera.cy
    ends = np.stack([x + found[rows, columns, 0], y + found[rows, columns, 1], np.full(len(x), camera.focal)])
    turned = R @ ends
    translational = np.hypot(camera.focal * turned[0] / turned[2] - x, camera.focal * turned[1] / turned[2] - y)
    focus_distance = np.hypot(x - camera.focal * T[0] / T[2], y - camera.focal * T[1] / T[2])
    depth = np.hypot(-camera.focal * T[0] + x * T[2], -camera.focal * T[1] + y * T[2]) / np.maximum(translational, 1e-6)
    far = focus_distance >= NEAR_FOCUS_PX
    return float(spearmanr(depth[far], truth.depth[rows, columns][far]).statistic) if far.any() else np.nan


def near_edges(depth: NDArray[np.float32]) -> MASK:
    """Pixels within ``EDGE_PX`` of a step of known depth."""
    known = np.where(depth > 0, depth, np.nan)
    steps = np.zeros(depth.shape, bool)
    with np.errstate(invalid="ignore"):
        for axis in (0, 1):
            ratio = np.abs(np.diff(np.log(known), axis=axis)) > np.log(EDGE_RATIO)
            steps[:-1, :] |= ratio if axis == 0 else False
            steps[:, :-1] |= ratio if axis == 1 else False
    return binary_dilation(steps, iterations=EDGE_PX)


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if values.size else np.nan


def _median(values: NDArray[Any]) -> float:
    return float(np.median(values)) if values.size else np.nan


def _grey(image: NDArray[np.uint8]) -> GREY:
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def _summary(
    sequence: Sequence,
    method: Method,
    scores: list[dict[str, float]],
    seconds: list[float],
    dis_seconds: list[float],
) -> dict[str, Any]:
    values = {name: np.array([each[name] for each in scores]) for name in scores[0]}
    over_pairs = {name: np.nanmedian if name == "road_median" else np.nanmean for name in values}
    return {
        "sequence": sequence.folder.name,
        "engine": method.engine,
        "preset": method.preset,
        "pairs": len(scores),
        **{name: round(float(over_pairs[name](v)), 5) if np.isfinite(v).any() else None for name, v in values.items()},
        "milliseconds": round(1000 * float(np.median(seconds)), 3),
        "milliseconds_dis_medium": round(1000 * float(np.median(dis_seconds)), 3),
        "times_dis_medium": round(float(np.median(np.divide(seconds, dis_seconds))), 3),
    }


_COLUMNS = {
    "epe": "epe", "epe_median": "median", "fl_percent": "Fl %", "rho": "rho", "epe_occluded": "occluded",
    "epe_near_edges": "edges", "road_median": "road", "milliseconds": "ms", "times_dis_medium": "x DIS",
}  # fmt: skip
_HEAD = f"{'engine':10s} {'preset':9s} {'pairs':>5s}" + "".join(f" {title:>8s}" for title in _COLUMNS.values())


def _line(result: dict[str, Any]) -> str:
    values = ("       -" if result[name] is None else f"{result[name]:8.3f}" for name in _COLUMNS)
    return f"{result['engine']:10s} {result['preset']:9s} {result['pairs']:5d} " + " ".join(values)


if __name__ == "__main__":
    sys.exit(main())
