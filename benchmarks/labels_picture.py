"""Labels of several profiles beside the frame, and beside the truth where it is known.

``python -m benchmarks.labels_picture SOURCE --frames 10 30 --out F.png``. SOURCE is a sequence, a drive of KITTI raw or
a video file. A row for each frame named: the frame, the true order of depths (sequences with ``depth/``), and the label
of each profile. Near is bright, far dark; what moves by itself is green; grey has no label, and says why where the
whole pair has none. The pairs of some frames before are labelled first, as in a build what they told is handed on.

The focal length is the sequence's; of a video it is not known, and each profile takes its own. What is fixed to the car
is masked where a sequence says what is, in the profiles that mask anything.
"""

import argparse
import sys
from collections.abc import Sequence as Several
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import figures
from benchmarks.egomotion import DEFAULT_FOCAL
from benchmarks.paper_figures import DPI, Picture, grid
from benchmarks.raw_drive import open_sequence
from benchmarks.sequences import MOVING, Sequence, SequenceError
from evaluation.relative_depth import percentiles
from labels.codec import decode
from labels.fixed_regions import FixedRegionParameters, widened
from labels.pair import LabelParameters, PairLabel, label_pair
from pipeline.decode import DecodeError, open_source
from pipeline.profiles import PROFILES, profile
from training import overlay

MOVES = 46, 204, 113
"""Green, which no depth has."""
WIDEST = 1280


def main(arguments: list[str] | None = None) -> int:
    """Make the picture; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.labels_picture",
        description=(__doc__ or "").replace("``", ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", type=Path, metavar="SOURCE", help="a sequence or a video file")
    parser.add_argument("--frames", type=int, nargs="+", required=True, metavar="N", help="first frames of pairs")
    parser.add_argument("--stride", type=int, default=1, help="pair each frame with the one so many later")
    parser.add_argument("--before", type=int, default=5, metavar="N", help="pairs labelled before each (%(default)s)")
    parser.add_argument("--profile", choices=PROFILES, nargs="+", default=list(PROFILES)[::-1], help="columns (all)")
    parser.add_argument("--width", type=int, help="resize the frames to this width")
    parser.add_argument("--out", type=Path, required=True, metavar="F", help="the picture, such as labels.png")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        figures.require_folder(options.out, "--out")
        footage = _opened(options.source, options.width, max(options.frames) + options.stride)
        rows = [footage.row(each, options.stride, options.before, options.profile) for each in options.frames]
        titles = ["frame", *(["truth"] if footage.known else []), *options.profile]
        grid(titles, rows).savefig(options.out, dpi=DPI)
    except (ValueError, OSError, DecodeError) as error:
        print(f"benchmarks.labels_picture: {error}", file=sys.stderr)
        return 2
    print(options.out)
    return 0


class Footage:
    """Frames of a sequence with its camera and truth."""

    def __init__(self, sequence: Sequence, width: int | None) -> None:
        self.sequence, self.width = sequence, width
        self.count = len(sequence)
        self.known = sequence.depth(0, width) is not None
        fixed = sequence.fixed(width)
        self.usable = None if fixed is None else ~widened(fixed, FixedRegionParameters().margin_px)

    def image(self, index: int) -> Picture:
        """A frame, (H, W) grey or (H, W, 3) RGB."""
        return self.sequence.image(index, self.width)

    def camera(self, parameters: LabelParameters) -> tuple[float, tuple[float, float] | None]:
        """Focal length and principal point in pixels, as labels with these parameters take them."""
        camera = self.sequence.camera(self.width)
        return camera.focal, (camera.cx, camera.cy)

    def truth(self, index: int) -> list[Picture]:
        """The true label of a frame, as the only picture; none where it is not known."""
        depth, mask = self.sequence.depth(index, self.width), self.sequence.mask(index, self.width)
        if depth is None or mask is None:
            return []
        moving = mask & MOVING != 0
        valid, z = (depth > 0) & ~moving, np.zeros(depth.shape)
        z[valid] = percentiles(depth[valid])
        return [painted(z, valid, moving)]

    def row(self, index: int, stride: int, before: int, profiles: Several[str]) -> list[Picture]:
        """The pictures of a frame. Raises ``ValueError`` where it has no second one."""
        if not 0 <= index < self.count - stride or stride < 1:
            raise SequenceError(f"frame {index} and the one {stride} later are not both among the {self.count} frames")
        frame = self.image(index)
        frame = np.dstack([frame] * 3) if frame.ndim == 2 else frame
        return [frame, *self.truth(index), *(shown(self.label(index, stride, before, each)) for each in profiles)]

    def label(self, index: int, stride: int, before: int, name: str) -> PairLabel:
        """The label of a pair, after those ``before``."""
        parameters, previous, last = profile(name).label, None, 0
        focal, centre = self.camera(parameters)
        first = max(index - before * stride, index % stride)
        for k in range(first, index + 1, stride):
            label = label_pair(
                self.image(k),
                self.image(k + stride),
                focal,
                parameters,
                previous,
                principal_point=centre,
                usable=self.usable,
                elapsed=(k - last) / stride,
            )
            if not label.reason:
                previous, last = label, k
        return label


class VideoFootage(Footage):
    """The first frames of a video file, of a camera that is not known."""

    def __init__(self, path: Path, width: int | None, count: int) -> None:
        with open_source(path, width=width or WIDEST) as source:
            self.images = [frame.image for frame in islice(source.frames(), count + 1)]
        self.count, self.known, self.usable = len(self.images), False, None

    def image(self, index: int) -> Picture:
        """A frame, (H, W, 3) RGB."""
        return self.images[index]

    def camera(self, parameters: LabelParameters) -> tuple[float, tuple[float, float] | None]:
        """What the profile takes for every video."""
        share = parameters.paper.focal if parameters.recipe == "paper" else DEFAULT_FOCAL
        return share * self.images[0].shape[1], None

    def truth(self, index: int) -> list[Picture]:
        """None."""
        return []


def _opened(source: Path, width: int | None, count: int) -> Footage:
    if source.is_file():
        return VideoFootage(source, width, count)
    return Footage(open_sequence(source), width)


def shown(label: PairLabel) -> Picture:
    """A label as a picture, RGB (H, W, 3); where the pair has none, with the reason in words."""
    picture = painted(*decode(label.codes), label.moving)
    if label.reason:
        size, _ = cv2.getTextSize(label.reason, cv2.FONT_HERSHEY_SIMPLEX, 1, 2)
        scale = 0.6 * picture.shape[1] / size[0]
        place = round(0.2 * picture.shape[1]), picture.shape[0] // 2
        cv2.putText(picture, label.reason, place, cv2.FONT_HERSHEY_SIMPLEX, min(scale, 2), (255, 255, 255), 2)
    return picture


def painted(z: NDArray[np.floating], valid: NDArray[np.bool_], moving: NDArray[np.bool_]) -> Picture:
    """Percentiles (H, W) where ``valid``, and what moves, as RGB (H, W, 3)."""
    picture = overlay.colour(z, valid)
    picture[moving] = MOVES
    return picture


if __name__ == "__main__":
    sys.exit(main())
