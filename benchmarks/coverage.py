"""What of each class of the scene gets a label, and whether it can be right: ``python -m benchmarks.coverage FOLDER``.

Each frame is labelled from the one ``--stride`` later, its search for the camera's motion started from the pair before
as in the pipeline. FOLDER is a split of CamVid in SegNet's layout (images in ``val/``, class indices as PNG in
``valannot/`` beside it: EVALUATION 3.2) or a sequence with ``classes/`` (``python -m simulation render
--ground-truth``). Without true depth two things are known all the same: sky is farthest, and a road recedes upwards.

Per class, over the frames that were kept and show 100 pixels of it: ``covered``, the median share of its pixels that
have a label, and over all labelled pixels the mean percentile ``z`` (0 near, 1 far), the mean confidence (0 to 1) and
what the labels stem from. ``sky_farther`` is the share of a frame's labelled pixels of other classes whose z is below
the median z of its sky. ``road_falling`` is the share of image columns, among those with 10 labelled road pixels or
more, in which the least-squares slope of z against the row over these pixels is negative.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import figures
from benchmarks.egomotion import DEFAULT_FOCAL
from benchmarks.sequences import ROAD, Sequence, SequenceError
from labels.codec import decode
from labels.flow import FlowParameters
from labels.pair import LabelParameters, PairLabel, label_pair

CLASSES = (
    "Sky", "Building", "Pole", "Road", "Pavement", "Tree", "SignSymbol", "Fence", "Car", "Pedestrian", "Bicyclist",
)  # fmt: skip
SKY = 0
ORIGINS = ("none", "measured", "propagated", "plane", "sky")
ORIGIN_COLOURS = np.array([[0, 0, 0], [90, 90, 90], [0, 190, 0], [0, 160, 255], [255, 150, 0]], np.uint8)  # BGR
FEWEST_PIXELS = 100  # of a class in a frame, for the frame to count
FEWEST_IN_COLUMN = 10
LONGEST_GAP_S = 0.5  # as in the pipeline: after it, an earlier motion says nothing any more


@dataclass(frozen=True)
class ClassFrames:
    """Frames in order, the path of each one's classes, and the focal length over the width where it is known."""

    folder: Path
    images: list[Path]
    classes: list[Path]
    focal: float | None

    def image(self, index: int) -> NDArray[np.uint8]:
        """A frame, (H, W, 3) RGB or (H, W) grey."""
        image = _read(self.images[index])
        return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)

    def classes_of(self, index: int) -> NDArray[np.uint8]:
        """Class indices (H, W); what is beyond ``CLASSES`` is void."""
        classes = _read(self.classes[index])
        if classes.shape != _read(self.images[index]).shape[:2]:
            raise SequenceError(f"{self.classes[index]} is not one class index for each pixel of its image")
        return classes


def open_frames(folder: Path) -> ClassFrames:
    """The frames of a CamVid split or of a sequence. Raises ``SequenceError`` for a folder that is neither."""
    beside = folder.parent / f"{folder.name}annot"
    if beside.is_dir():
        images = sorted(path for path in folder.glob("*") if path.suffix in (".png", ".jpg"))
        return _checked(folder, images, beside, None)
    if not (folder / "classes").is_dir():
        raise SequenceError(f"{folder} has neither classes/ in it nor {beside.name}/ beside it; give camvid/val, say")
    sequence = Sequence(folder)
    focal = sequence.camera().focal / sequence.image(0).shape[1]
    return _checked(folder, sequence.images, folder / "classes", focal)


def _checked(folder: Path, images: list[Path], classes: Path, focal: float | None) -> ClassFrames:
    paths = [classes / f"{path.stem}.png" for path in images]
    missing = [path for path in paths if not path.exists()]
    if missing or len(images) < 2:
        raise SequenceError(f"{missing[0]} is missing" if missing else f"{folder} has not even two images")
    return ClassFrames(folder, images, paths, focal)


def _read(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None or image.dtype != np.uint8:
        raise SequenceError(f"{path} cannot be read as an 8-bit image")
    return image


@dataclass
class Counts:
    """What was measured over the frames of one folder; the lists by class hold a figure a frame."""

    covered: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    sums: dict[int, NDArray[np.float64]] = field(  # labelled pixels, their z, their confidence, those of each origin
        default_factory=lambda: defaultdict(lambda: np.zeros(3 + len(ORIGINS)))
    )
    all_covered: list[float] = field(default_factory=list)
    sky_farther: list[float] = field(default_factory=list)
    road_falling: list[int] = field(default_factory=list)
    road_columns: list[int] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    pairs: int = 0


def measure(
    frames: ClassFrames,
    stride: int = 1,
    fps: float = 15.0,
    focal: float | None = None,
    limit: int | None = None,
    parameters: LabelParameters | None = None,
    overlays: Path | None = None,
) -> dict[str, Any]:
    """Label the frames and count by class.

    ``focal`` is over the width; without it, the sequence's own, else 0.8. ``limit`` ends after so many pairs.
    ``overlays`` is a folder for pictures: frame, depth (near red to far blue), origin.
    """
    parameters = parameters or LabelParameters()
    if not 1 <= stride < len(frames.images):
        raise SequenceError(f"{frames.folder} has {len(frames.images)} frames: a stride of {stride} leaves no pair")
    ratio, counts = focal or frames.focal or DEFAULT_FOCAL, Counts()
    for index, label in _labels(frames, stride, fps, ratio, limit, parameters):
        counts.pairs += 1
        if overlays is not None:
            picture = overlay(frames.image(index), label)
            cv2.imwrite(str(overlays / f"{frames.images[index].stem}.png"), picture)
        if label.reason:
            counts.reasons[label.reason] += 1
        else:
            _count(label, frames.classes_of(index), counts)
    return _summary(frames, stride, ratio, parameters, counts)


def _labels(
    frames: ClassFrames, stride: int, fps: float, ratio: float, limit: int | None, parameters: LabelParameters
) -> Iterator[tuple[int, PairLabel]]:
    previous: PairLabel | None = None
    last = 0
    for index in range(len(frames.images) - stride)[:limit]:
        if (index - last - stride) / fps > LONGEST_GAP_S:
            previous = None
        first, second = frames.image(index), frames.image(index + stride)
        elapsed = (index - last) / stride
        label = label_pair(first, second, ratio * first.shape[1], parameters, previous=previous, elapsed=elapsed)
        if not label.reason:
            previous, last = label, index
        yield index, label


def _count(label: PairLabel, classes: NDArray[np.uint8], counts: Counts) -> None:
    z, labelled = decode(label.codes)
    origin = label.origin
    known = classes < len(CLASSES)
    counts.all_covered.append(_share(labelled & known, known))
    for index in range(len(CLASSES)):
        mine = classes == index
        if np.count_nonzero(mine) < FEWEST_PIXELS:
            continue
        part = mine & labelled
        counts.covered[index].append(_share(part, mine))
        counts.sums[index][:3] += np.count_nonzero(part), z[part].sum(), label.confidence[part].sum() / 255
        counts.sums[index][3:] += np.bincount(origin[part], minlength=len(ORIGINS))[: len(ORIGINS)]
    sky, others = labelled & (classes == SKY), labelled & known & (classes != SKY)
    if np.count_nonzero(sky) >= FEWEST_PIXELS:
        counts.sky_farther.append(_share(others & (z < np.median(z[sky])), others))
    falling, columns = road_falling(z, labelled & (classes == ROAD))
    counts.road_falling.append(falling)
    counts.road_columns.append(columns)


def road_falling(z: NDArray[np.float32], road: NDArray[np.bool_]) -> tuple[int, int]:
    """How many columns have a negative slope of ``z`` (H, W) over their ``road`` (H, W), and of how many."""
    rows = np.arange(len(z), dtype=np.float64)[:, None]
    n = road.sum(axis=0)
    mean = (rows * road).sum(axis=0) / np.maximum(n, 1)
    slope = ((rows - mean) * road * z.astype(np.float64)).sum(axis=0)  # times a variance, which is positive
    enough = n >= FEWEST_IN_COLUMN
    return int(np.count_nonzero(enough & (slope < 0))), int(np.count_nonzero(enough))


def overlay(image: NDArray[np.uint8], label: PairLabel) -> NDArray[np.uint8]:
    """Frame, depth and origin side by side, (H, 3 W, 3) BGR: near is red, far blue, what has no label black."""
    z, labelled = decode(label.codes)
    depth = cv2.applyColorMap(np.rint(255 * (1 - z)).astype(np.uint8), cv2.COLORMAP_TURBO)
    depth[~labelled] = 0
    origin = ORIGIN_COLOURS[np.minimum(label.origin, len(ORIGINS) - 1)]
    frame = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR if image.ndim == 2 else cv2.COLOR_RGB2BGR)
    text = label.reason or f"valid {label.valid_fraction:.2f}"
    cv2.putText(depth, text, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
    for place, name in enumerate(ORIGINS[1:], 1):
        where, colour = (4 + 90 * (place - 1), 14), (255, 255, 255) if place == 1 else ORIGIN_COLOURS[place].tolist()
        cv2.putText(origin, name, where, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(origin, name, where, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
    return np.hstack([frame, depth, origin])


def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(part)) / max(1, int(np.count_nonzero(whole)))


def _summary(
    frames: ClassFrames, stride: int, ratio: float, parameters: LabelParameters, counts: Counts
) -> dict[str, Any]:
    columns = np.array(counts.road_columns, float)
    with_road = columns > 0
    return {
        "folder": frames.folder.name,
        "focal_over_width": round(ratio, 4),
        "stride": stride,
        "flow": parameters.flow.engine,
        "pairs": counts.pairs,
        "pairs_kept": len(counts.all_covered),
        "reasons": dict(counts.reasons.most_common()),
        "covered": _median(counts.all_covered),
        "classes": {name: _of_class(counts, k) for k, name in enumerate(CLASSES) if counts.covered[k]},
        "sky_farther": _median(counts.sky_farther),
        "sky_farther_p10": _quantile(counts.sky_farther, 10),
        "sky_frames": len(counts.sky_farther),
        "road_falling": _rounded(sum(counts.road_falling) / columns.sum()) if with_road.any() else None,
        "road_falling_p10": _quantile((np.array(counts.road_falling)[with_road] / columns[with_road]).tolist(), 10),
        "road_columns": int(columns.sum()),
    }


def _of_class(counts: Counts, index: int) -> dict[str, Any]:
    pixels, z, confidence, *origins = counts.sums[index]
    return {
        "frames": len(counts.covered[index]),
        "covered": _median(counts.covered[index]),
        "covered_p10": _quantile(counts.covered[index], 10),
        "z": _rounded(z / pixels) if pixels else None,
        "confidence": _rounded(confidence / pixels) if pixels else None,
        "origins": {name: _rounded(n / pixels) for name, n in zip(ORIGINS, origins) if n},
    }


def _median(values: list[float]) -> float | None:
    return _quantile(values, 50)


def _quantile(values: list[float], percent: float) -> float | None:
    return _rounded(np.percentile(values, percent)) if values else None


def _rounded(value: float) -> float:
    return round(float(value), 4)


def table(result: dict[str, Any]) -> str:
    """The figures as text."""
    lines = [
        f"{result['folder']}: {result['pairs_kept']} of {result['pairs']} pairs kept; stride {result['stride']}, "
        f"{result['flow']}, focal {result['focal_over_width']} W; {result['reasons'] or ''}",
        f"{'class':12s} frames  covered    p10      z  confidence  origins",
    ]
    for name, row in result["classes"].items():
        shown = "  ".join(f"{_text(row[key]):>5s}" for key in ("covered", "covered_p10", "z", "confidence"))
        origins = ", ".join(f"{origin} {share:.2f}" for origin, share in row["origins"].items())
        lines.append(f"{name:12s} {row['frames']:6d}    {shown}       {origins}")
    lines += [
        f"all          {result['pairs_kept']:6d}    {_text(result['covered'])}",
        f"sky farther than {_text(result['sky_farther'])} of the rest (p10 {_text(result['sky_farther_p10'])}, "
        f"{result['sky_frames']} frames)",
        f"road's percentile falls with the row in {_text(result['road_falling'])} of {result['road_columns']} columns "
        f"(p10 of frames {_text(result['road_falling_p10'])})",
    ]
    return "\n".join(lines)


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = figures.parser("coverage", __doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="camvid/val, or a sequence's folder")
    parser.add_argument("--fps", type=float, default=15.0, help="frames per second (%(default)s)")
    parser.add_argument("--stride", type=int, default=1, help="pair each frame with the one so many later")
    parser.add_argument("--focal", type=float, help="focal length over the width (the sequence's own, else 0.8)")
    parser.add_argument("--flow", default=FlowParameters().engine, help="flow engine (%(default)s)")
    parser.add_argument("--limit", type=int, help="label the first so many pairs only")
    parser.add_argument("--overlays", type=Path, metavar="DIR", help="write frame, depth and origin of each pair here")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    results = []
    try:
        figures.require_folder(options.json, "--json")
        for name in ("fps", "limit", "focal"):
            value = getattr(options, name)
            if value is not None and not value > 0:
                raise ValueError(f"--{name} {value} must be positive")
        for folder in options.folders:
            overlays = _overlays(options.overlays, folder if len(options.folders) > 1 else None)
            parameters = LabelParameters(flow=FlowParameters(engine=options.flow))
            limits = options.stride, options.fps, options.focal, options.limit
            results.append(measure(open_frames(folder), *limits, parameters, overlays))
            print(table(results[-1]), flush=True)
    except ValueError as error:
        print(f"benchmarks.coverage: {error}", file=sys.stderr)
        return 2
    figures.write(options.json, results)
    return 0


def _overlays(parent: Path | None, folder: Path | None) -> Path | None:
    """The folder for pictures, made; one within for each of several inputs."""
    if parent is None:
        return None
    made = parent / folder.name if folder else parent
    try:
        made.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--overlays {parent} cannot be made: {error.strerror}") from None
    return made


if __name__ == "__main__":
    sys.exit(main())
