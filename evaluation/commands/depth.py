"""Metric depth against LiDAR."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.depth_protocols import IMPROVED, SideBySide
from evaluation.depth_resize import flip_blend
from evaluation.image_files import find_prediction, read_array, read_depth, require_folders
from evaluation.kitti_calibration import read_calibration
from evaluation.kitti_frames import Frame, read_frames, scanned_frames
from evaluation.lidar import AXES, read_scan, sparse_depth
from evaluation.report import Report

SUMMARY = "errors of metric depth under the protocols of the Eigen split"
DESCRIPTION = """Errors of metric depth, under every protocol that the ground truth allows.

PREDICTIONS holds NAME.png of 16 bits, metres times 256, or NAME.npy, metres, of any size. Ground truth is one of
  --kitti-raw DIR      LiDAR under the root of KITTI raw; NAME is DRIVE/image_02/FRAME
  --ground-truth DIR   PNG as KITTI's depth benchmark has them; NAME is that of the PNG under DIR
With --frames F, a csv such as data_manifests/kitti_eigen_test.csv, only those frames count, and NAME is
DRIVE/CAMERA/FRAME for both; a frame that has no improved ground truth is left out and counted.

  python -m evaluation depth --predictions P --kitti-raw RAW --frames data_manifests/kitti_eigen_test.csv --json F
"""
DEPTH = NDArray[np.floating]


@dataclass(frozen=True)
class Truth:
    """Ground truth of a frame: where the prediction lies, without ending, and metres (H, W) by kind."""

    name: Path
    depth: dict[str, DEPTH]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where predictions and ground truth lie."""
    parser.add_argument("--predictions", type=Path, required=True, metavar="DIR", help="folder of predicted depth")
    truth = parser.add_mutually_exclusive_group(required=True)
    truth.add_argument("--kitti-raw", type=Path, metavar="DIR", help="root of KITTI raw, with velodyne_points")
    truth.add_argument("--ground-truth", type=Path, metavar="DIR", help="folder of improved ground truth")
    parser.add_argument(
        "--frames", type=Path, metavar="F", help="csv of the frames that count: date,drive,camera,frame"
    )
    parser.add_argument("--mirrored", type=Path, metavar="DIR", help="predictions of the mirrored frames, to blend in")
    parser.add_argument("--kb-cropped", action="store_true", help="predictions are of frames cropped to 352x1216")


def run(options: argparse.Namespace) -> Report:
    """Means over the images."""
    if options.kb_cropped and options.kitti_raw:
        raise ValueError("--kb-cropped goes with --ground-truth: no protocol scores such a crop against raw LiDAR")
    require_folders(options.predictions, options.mirrored, options.kitti_raw, options.ground_truth)
    frames = None if options.frames is None else read_frames(options.frames)
    tally = SideBySide(options.kb_cropped)
    projected = options.kitti_raw is not None
    for truth in _projected(options.kitti_raw, frames) if projected else _improved(options.ground_truth, frames):
        path = find_prediction(options.predictions, truth.name)
        depth = read_prediction(path)
        if options.mirrored is not None:
            depth = _blended(depth, read_prediction(find_prediction(options.mirrored, truth.name)), path)
        try:
            tally.add(truth.depth, depth)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    many = tally.images
    left_out = len(frames) - many if frames else 0
    notes = [f"{many} images, clamped to 0.001 ... 80 m, means of images; silog is 100 times the deviation of the log"]
    notes += [f"{left_out} of {len(frames or [])} frames have no improved ground truth"] if left_out else []
    return Report("depth", {name: asdict(scores) for name, scores in tally.scores().items()}, tuple(notes))


def read_prediction(path: Path) -> DEPTH:
    """Metres (H, W). Raises ``ValueError`` that names the file for another format and for depth that is not positive.

    A pixel left at 0 would count as a millimetre.
    """
    depth = read_array(path) if path.suffix == ".npy" else read_depth(path)
    if wrong := int((depth <= 0).sum()):
        raise ValueError(f"{path} has {wrong} pixels of no or negative depth; a prediction says something everywhere")
    return depth


def _blended(depth: DEPTH, of_mirrored: DEPTH, path: Path) -> DEPTH:
    try:
        return 1 / flip_blend(1 / depth, 1 / of_mirrored)
    except ValueError as error:
        raise ValueError(f"{path}: sizes differ: {error}") from None


def _projected(raw: Path, frames: list[Frame] | None) -> Iterator[Truth]:
    calibrations = {}
    for frame in scanned_frames(raw) if frames is None else frames:
        key = frame.date, frame.camera
        if key not in calibrations:
            calibrations[key] = read_calibration(raw / frame.date, frame.camera)
        points = read_scan(frame.scan(raw))
        yield Truth(frame.name, {axis: sparse_depth(points, calibrations[key], axis) for axis in AXES})


def _improved(root: Path, frames: list[Frame] | None) -> Iterator[Truth]:
    if frames is None:
        found = [(path.relative_to(root).with_suffix(""), path) for path in sorted(root.rglob("*.png"))]
    else:
        found = [(frame.name, path) for frame in frames if (path := frame.improved(root)) is not None]
    if not found:
        raise ValueError(f"{root} has no depth maps" + (" of the frames listed" if frames else ", NAME.png"))
    for name, path in found:
        yield Truth(name, {IMPROVED: read_depth(path)})
