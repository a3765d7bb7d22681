"""What self-calibration makes of a drive: ``python -m benchmarks.focal_length SEQUENCE --json F``.

A SEQUENCE is a folder that ``benchmarks.sequences`` reads, whose ``calib.txt`` has the truth, or a video without one.
Pairs of frames 0.27 and 0.4 s apart are observed every 0.1 s (``labels.focal_length.observe``), with a focal length of
0.8 of the width and the principal point in the centre, and ``estimate`` says what it makes of them. Focal lengths are
fractions of the width; ``estimate`` is what the drive would say, ``ratio`` what is used: it only where ``calibrated``.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import figures
from benchmarks.egomotion import DEFAULT_FOCAL
from benchmarks.sequences import Sequence, SequenceError
from labels.flow import grey
from labels.focal_length import estimate, observe

GAPS_S, EVERY_S = (0.267, 0.4), 0.1
FOLDER_FPS = 10.0  # KITTI's


@dataclass(frozen=True)
class Drive:
    """Grey frames (H, W) of one width, their rate, and the true focal length over the width, if known."""

    name: str
    frames: list[NDArray[np.uint8]]
    fps: float
    truth: float | None


def open_drive(path: Path, width: int, fps: float | None = None, limit: int | None = None) -> Drive:
    """A sequence or a video, resized to ``width``, its first ``limit`` frames. Raises ``SequenceError`` for neither."""
    if path.is_dir():
        sequence = Sequence(path)
        images = (sequence.image(index) for index in range(len(sequence)))
        frames = [_resized(grey(image), width) for image, _ in zip(images, range(limit or len(sequence)))]
        truth = sequence.camera().focal / sequence.image(0).shape[1]
        return Drive(path.name, frames, fps or _rate(path), truth)
    video = cv2.VideoCapture(str(path))
    rate = video.get(cv2.CAP_PROP_FPS)
    frames = [_resized(image, width) for image, _ in zip(_decoded(video), range(limit or 1_000_000))]
    if not frames or not rate > 0:
        raise SequenceError(f"{path} is neither the folder of a sequence nor a video that can be read")
    return Drive(path.name, frames, fps or rate, None)


def _decoded(video: cv2.VideoCapture) -> Iterator[NDArray[np.uint8]]:
    while True:
        found, image = video.read()
        if not found:
            return
        yield cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def _resized(image: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    if image.shape[1] <= width:
        return image
    size = width, round(image.shape[0] * width / image.shape[1])
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _rate(folder: Path) -> float:
    """Frames a second by ``times.txt``, else KITTI's."""
    try:
        times = np.loadtxt(folder / "times.txt", ndmin=1)
    except (OSError, ValueError):
        return FOLDER_FPS
    gap = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    return 1 / gap if gap > 0 else FOLDER_FPS


def measure(drive: Drive, bonnet: float = 0.0) -> dict[str, Any]:
    """Calibrate by a drive, leaving out the lowest share ``bonnet`` of the frames."""
    height, width = drive.frames[0].shape
    usable = np.ones((height, width), bool)
    usable[round((1 - bonnet) * height) :] = False
    focal, centre = DEFAULT_FOCAL * width, ((width - 1) / 2, (height - 1) / 2)
    strides = sorted({max(1, round(gap * drive.fps)) for gap in GAPS_S})
    began = time.process_time()
    pairs = [
        observe(drive.frames[index], drive.frames[index + stride], focal, centre, usable)
        for index in range(0, len(drive.frames), max(1, round(EVERY_S * drive.fps)))
        for stride in strides
        if index + stride < len(drive.frames)
    ]
    observed = time.process_time()
    found = estimate(pairs, focal, width)
    return {
        "sequence": drive.name,
        "width": width,
        "strides": strides,
        "pairs": len(pairs),
        "pairs_used": found.pairs,
        "truth": _rounded(drive.truth),
        "estimate": _rounded(found.estimate),
        "ratio": _rounded(found.ratio),
        "state": found.state,
        "reason": found.reason,
        "log_sd": _rounded(found.log_sd),
        "error_percent": _rounded(100 * (found.ratio / drive.truth - 1)) if drive.truth else None,
        "radial": _rounded(found.radial),
        "seconds_observe": _rounded(observed - began),
        "seconds_estimate": _rounded(time.process_time() - observed),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 4)


_HEAD = (
    f"{'sequence':28s} pairs used  truth  estimate  sd ln f  ratio  state        error %  seconds: observe  estimate"
)


def _line(result: dict[str, Any]) -> str:
    shown = ["-" if value is None else f"{value:.3f}" for value in (result[k] for k in ("truth", "estimate", "log_sd"))]
    error = "-" if result["error_percent"] is None else f"{result['error_percent']:+.1f}"
    return (
        f"{result['sequence']:28s} {result['pairs']:5d} {result['pairs_used']:4d}  {shown[0]:>5s}     {shown[1]:>5s}"
        f"    {shown[2]:>5s}  {result['ratio']:.3f}  {result['state']:11s}  {error:>7s}           "
        f"{result['seconds_observe']:7.1f}   {result['seconds_estimate']:7.1f}  {result['reason']}"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = figures.parser("focal_length", __doc__)
    parser.add_argument("sequences", nargs="+", type=Path, metavar="SEQUENCE", help="folder of a sequence, or a video")
    parser.add_argument("--width", type=int, default=640, help="resize larger frames to this width (%(default)s)")
    parser.add_argument("--fps", type=float, help="frames per second (the video's, those of times.txt, else 10)")
    parser.add_argument("--limit", type=int, help="use the first so many frames only")
    parser.add_argument("--bonnet", type=float, default=0.0, help="leave out this lowest share of the frames")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    results = []
    try:
        figures.require_folder(options.json, "--json")
        _check(options)
        for path in options.sequences:
            drive = open_drive(path, options.width, options.fps, options.limit)
            results.append(measure(drive, options.bonnet))
            print(_line(results[-1]) if len(results) > 1 else _HEAD + "\n" + _line(results[-1]), flush=True)
    except ValueError as error:
        print(f"benchmarks.focal_length: {error}", file=sys.stderr)
        return 2
    figures.write(options.json, results)
    return 0


def _check(options: argparse.Namespace) -> None:
    if options.width < 64:
        raise ValueError(f"--width {options.width} must be 64 or more")
    if not 0 <= options.bonnet < 1:
        raise ValueError(f"--bonnet {options.bonnet} must be 0 or more and less than 1")
    for name in ("fps", "limit"):
        value = getattr(options, name)
        if value is not None and not value > 0:
            raise ValueError(f"--{name} {value} must be positive")


if __name__ == "__main__":
    sys.exit(main())
