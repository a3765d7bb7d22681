"""How well moving things are told from still ones, and how fast: ``python -m benchmarks.segmentation SEQUENCE``.

A sequence is a folder that ``benchmarks.sequences`` reads, with ``flow/`` and bit 4 of ``mask/``: moving. A pixel of a
mover that the next frame shows is off-epipolar where its true translational flow ends, from the half line on which that
of a still point ends, farther than 1 px (at a width of 640; the flow's noise is 0.3 to 0.4) and 5 % of the flow's
length (the noise grows with it). Over all pairs, ``recall_off`` is the share found of these pixels, ``recall_off_px``
without the 5 %, ``recall_thing`` of all pixels of movers most of whose pixels are off-epipolar: slivers of things that
move along their lines do not count there, but all of the others does. ``recall`` is that of all movers that the next
frame shows, also those that move along their epipolar lines, and ``false`` the share taken for moving of all pixels
that stand still. ``recall_small``, ``_medium`` and ``_large`` are ``recall_off`` of movers whose connected pixels are
at most 0.2 %, at most 2 % and more than 2 % of the frame.

``milliseconds`` is the median processor time of one segmentation, without flow and egomotion. A table of the three
likelihoods of LABELS 8.1, each on single pairs and over the sequence (8.3), and of pairs without the ground contact
test. A pair whose motion is not accepted is left out.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import figures
from benchmarks.sequences import MOVING, VISIBLE, Camera, Motion, Sequence, SequenceError
from labels.angle_likelihood import LIKELIHOODS
from labels.egomotion import Egomotion, fit
from labels.flow import FlowParameters, flow
from labels.motion_segmentation import SegmentationParameters, segment
from labels.sequential_segmentation import Components, SequentialParameters, carried, components

MASK = NDArray[np.bool_]
OFF_PX, OFF_SHARE = 1.0, 0.05
SIZES = {"small": (0.0, 0.002), "medium": (0.002, 0.02), "large": (0.02, 1.0)}
"""Least and greatest size of a mover, as a share of the frame."""
NOISE = 0.3, 0.02
"""Floor, px at a width of 640, and relative part of the flow's noise."""


@dataclass(frozen=True)
class Measured:
    """A pair's frames, flow and motion."""

    images: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    flow: NDArray[np.float32]
    support: NDArray[np.uint8]
    motion: Egomotion
    camera: Camera

    @property
    def arguments(self) -> dict[str, Any]:
        """What every method takes."""
        return {
            "flow": self.flow,
            "support": self.support,
            "motion": self.motion,
            "focal": self.camera.focal,
            "principal_point": (self.camera.cx, self.camera.cy),
            "noise": (NOISE[0] * self.flow.shape[1] / 640, NOISE[1]),
            "images": self.images,
        }


@dataclass(frozen=True)
class Truth:
    """What moves in the first frame of a pair; all (H, W)."""

    still: MASK
    moving: MASK
    off: MASK
    off_px: MASK
    off_thing: MASK
    """Movers most of whose pixels are off."""
    size: NDArray[np.float64]
    """Share of the frame that the mover at a pixel takes."""


Method = Callable[[Measured], MASK]


@dataclass
class Scores:
    """Counts of pixels over a sequence: found, and all there are, by the name of the figure."""

    found: dict[str, int] = field(default_factory=dict)
    all: dict[str, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def add(self, name: str, found: MASK, among: MASK) -> None:
        """Count the pixels ``found`` among others."""
        self.found[name] = self.found.get(name, 0) + int(np.count_nonzero(found & among))
        self.all[name] = self.all.get(name, 0) + int(np.count_nonzero(among))


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = figures.parser("segmentation", __doc__)
    parser.add_argument("sequences", nargs="+", metavar="SEQUENCE", help="folder with flow and moving things")
    parser.add_argument("--flow", default=FlowParameters().engine, help="flow engine (%(default)s)")
    parser.add_argument("--most", type=int, metavar="N", help="the first N pairs only")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    results: list[dict[str, Any]] = []
    try:
        figures.require_folder(options.json, "--json")
        if options.most is not None and options.most < 1:
            raise ValueError(f"--most {options.most} takes no pair; give 1 or more")
        for folder in options.sequences:
            rows = measure(Sequence(folder), options.flow, options.most)
            print("\n".join(([] if results else [_HEAD]) + [_line(row) for row in rows]), flush=True)
            results += rows
    except ValueError as error:
        print(f"benchmarks.segmentation: {error}", file=sys.stderr)
        return 2
    figures.write(options.json, results)
    return 0


def measure(sequence: Sequence, engine: str = "census", most: int | None = None) -> list[dict[str, Any]]:
    """Segment every pair by every method; a row a method."""
    methods = all_methods()
    scores = {name: Scores() for name in methods}
    previous, pairs = None, 0
    for index in range(min(len(sequence) - 1, most or len(sequence))):
        truth = true_movers(sequence, index)
        measured = _measured(sequence, index, engine, previous)
        previous = measured.motion if measured.motion.accepted else None
        if previous is None:
            continue
        pairs += 1
        for name, method in methods.items():
            if pairs == 1:
                all_methods()[name](measured)  # compiles
            began = time.process_time()
            found = method(measured)
            scores[name].seconds.append(time.process_time() - began)
            _count(scores[name], found, truth)
    return [_summary(sequence, name, pairs, each) for name, each in scores.items()]


def all_methods() -> dict[str, Method]:
    """The segmentations to compare, by name."""
    methods: dict[str, Method] = {}
    for likelihood in LIKELIHOODS:
        methods[likelihood] = _one_pair(SegmentationParameters(likelihood=likelihood))
    methods["mixture, angles only"] = _one_pair(SegmentationParameters(along_lines=False))
    for likelihood in LIKELIHOODS:
        methods[f"{likelihood}, sequential"] = _sequential(likelihood)
    return methods


def _one_pair(parameters: SegmentationParameters) -> Method:
    return lambda measured: segment(**measured.arguments, parameters=parameters)


def _sequential(likelihood: str) -> Method:
    """The paper's: each pair hands on to the next, which begins where it ends."""
    parameters = SequentialParameters(moving_likelihood=likelihood)
    before: list[tuple[Components, NDArray[np.float32]]] = []

    def step(measured: Measured) -> MASK:
        expected = carried(*before.pop(), 1.0, parameters) if before else None
        camera = (measured.camera.cx, measured.camera.cy), measured.arguments["noise"]
        found = components(measured.flow, measured.motion, measured.camera.focal, *camera, expected, parameters)
        before.append((found, measured.flow))
        return found.labels > 0

    return step


def true_movers(sequence: Sequence, index: int) -> Truth:
    """What moves in a frame. Raises ``SequenceError`` where the sequence does not tell."""
    mask, true_flow = sequence.mask(index), sequence.flow(index)
    if mask is None or true_flow is None:
        raise SequenceError(f"{sequence.folder} has no mask/ and flow/ that go with its frames")
    vectors, known = true_flow
    moving = (mask & MOVING != 0) & known
    visible = moving & (mask & VISIBLE != 0)
    distance = off_epipolar(vectors, sequence.camera(), sequence.motion(index))
    least = OFF_PX * mask.shape[1] / 640
    off = distance > least + OFF_SHARE * np.hypot(vectors[..., 0], vectors[..., 1])
    _, regions, statistics, _ = cv2.connectedComponentsWithStats(moving.astype(np.uint8), connectivity=8)
    size = (statistics[:, cv2.CC_STAT_AREA] / moving.size)[regions]
    pixels = np.bincount(regions[visible], minlength=len(statistics))
    mostly = 2 * np.bincount(regions[visible & off], minlength=len(statistics)) > pixels
    return Truth(
        mask & MOVING == 0, visible, visible & off, visible & (distance > least), visible & mostly[regions], size
    )


def off_epipolar(vectors: NDArray[np.float32], camera: Camera, motion: Motion) -> NDArray[np.float64]:
    """Distance, px, of translational flow from the half line on which a still point's ends (LABELS 7.1)."""
    rows, columns = np.indices(vectors.shape[:2])
    x, y = columns - camera.cx, rows - camera.cy
    ends = np.stack([x + vectors[..., 0], y + vectors[..., 1], np.full(x.shape, camera.focal)])
    turned = np.tensordot(motion.R, ends, 1)
    tu, tv = camera.focal * turned[0] / turned[2] - x, camera.focal * turned[1] / turned[2] - y
    U, V, W = motion.heading
    tau_x, tau_y = x * W - camera.focal * U, y * W - camera.focal * V
    length = np.hypot(tau_x, tau_y) + 1e-9
    along, across = (tu * tau_x + tv * tau_y) / length, (tv * tau_x - tu * tau_y) / length
    return np.where(along >= 0, np.abs(across), np.hypot(along, across))


def _measured(sequence: Sequence, index: int, engine: str, previous: Egomotion | None) -> Measured:
    image1, image2, camera = sequence.image(index), sequence.image(index + 1), sequence.camera()
    vectors, support = flow(image1, image2, FlowParameters(engine=engine))
    motion = fit(vectors, support, camera.focal, (camera.cx, camera.cy), previous=previous, images=(image1, image2))
    return Measured((image1, image2), vectors, support, motion, camera)


def _count(scores: Scores, found: MASK, truth: Truth) -> None:
    scores.add("recall_off", found, truth.off)
    scores.add("recall_off_px", found, truth.off_px)
    scores.add("recall_thing", found, truth.off_thing)
    scores.add("recall", found, truth.moving)
    scores.add("false", found, truth.still)
    for name, (least, greatest) in SIZES.items():
        scores.add(f"recall_{name}", found, truth.off & (truth.size > least) & (truth.size <= greatest))


def _summary(sequence: Sequence, method: str, pairs: int, scores: Scores) -> dict[str, Any]:
    shares = {name: round(scores.found[name] / n, 5) if n else None for name, n in scores.all.items()}
    return {
        "sequence": sequence.folder.name,
        "method": method,
        "pairs": pairs,
        **{name: shares.get(name) for name in _COLUMNS},
        "pixels_off": scores.all.get("recall_off", 0),
        "pixels_moving": scores.all.get("recall", 0),
        "milliseconds": round(1000 * float(np.median(scores.seconds)), 3) if scores.seconds else None,
    }


_COLUMNS = {
    "recall_off": "off", "recall_off_px": "off px", "recall_thing": "thing", "recall": "all", "false": "false",
    "recall_small": "small", "recall_medium": "medium", "recall_large": "large",
}  # fmt: skip
_HEAD = (
    f"{'sequence':16s} {'method':22s} {'pairs':>5s}"
    + "".join(f" {title:>7s}" for title in _COLUMNS.values())
    + "      ms"
)


def _line(row: dict[str, Any]) -> str:
    shares = " ".join("      -" if row[name] is None else f"{row[name]:7.4f}" for name in _COLUMNS)
    clock = "-" if row["milliseconds"] is None else f"{row['milliseconds']:.1f}"
    return f"{row['sequence']:16s} {row['method']:22s} {row['pairs']:5d} {shares} {clock:>7s}"


if __name__ == "__main__":
    sys.exit(main())
