"""Probability of road against KITTI's road benchmark, or a simulated drive."""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.birds_eye import birds_eye, read_homography
from evaluation.frame_list import chosen
from evaluation.image_files import find_prediction, read_array, read_image, require_folders
from evaluation.report import Report
from evaluation.road import Tally, quantised

SUMMARY = "F-measure and average precision of road, as the KITTI road benchmark counts them"
DESCRIPTION = """Largest F-measure and average precision of the probability of road, 0 ... 1.

The ground truth is NAME.png in KITTI's colours (um_road_000000.png; um_lane_* are left out), or the classes of a
simulated drive. A prediction is NAME.npy, floats 0 ... 1 (H, W), or NAME.png of 8 bits, 255 for 1; NAME may be that of
the image, too (um_000000).

  perspective             the network's own floats: KittiSeg, MultiNet and the paper; needs NAME.npy
  perspective, 256 levels the same in 8 bits
  bird's-eye, 256 levels  the benchmark's server; needs --calibration, with NAME.txt less "_road" (um_000000.txt)

each over all frames, and for KITTI over those of um, umm and uu. Perspective and bird's-eye view cannot be compared.
With --frames F, a csv with a column ground_truth such as data_manifests/kitti_road_val.csv, only those frames count.

  python -m evaluation road --ground-truth gt_image_2 --predictions results --calibration calib --json F
"""
SIMULATED_ROAD, SIMULATED_VOID = 3, 11
"""Classes of a simulated drive."""
CATEGORIES = ("um", "umm", "uu")
NOTES = (
    "average_precision cannot exceed its ceiling where one pixel of road is below 1/255: recall 1 is then reached only",
    "where all is road. Near it, compare max_f. precision, recall, fpr and fnr are at best_threshold.",
)


@dataclass(frozen=True)
class Frame:
    """Ground truth and prediction of a frame, all (H, W)."""

    name: str
    road: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    probability: NDArray[Any]  # float64, or uint8 for multiples of 1/255


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folders."""
    parser.add_argument("--ground-truth", type=Path, required=True, metavar="DIR", help="folder of drawn road")
    parser.add_argument("--predictions", type=Path, required=True, metavar="DIR", help="folder of probabilities")
    parser.add_argument("--calibration", type=Path, metavar="DIR", help="folder of calibrations, for bird's-eye view")
    parser.add_argument("--frames", type=Path, metavar="F", help="csv of the frames that count: ground_truth")


def run(options: argparse.Namespace) -> Report:
    """Pixels pooled over all frames, and over those of each category."""
    require_folders(options.ground_truth, options.predictions, options.calibration)
    found = (path for path in options.ground_truth.glob("*.png") if "_lane_" not in path.name)
    truths = chosen(found, options.frames, "ground_truth")
    if not truths:
        raise ValueError(f"{options.ground_truth} has no ground truth of road, *.png")
    predictions = [_prediction(options.predictions, truth.stem) for truth in truths]
    if len({path.suffix for path in predictions}) > 1:
        raise ValueError(f"{options.predictions} holds .npy and .png; give either, or protocols count different frames")
    tallies = _tallies(zip(truths, predictions), options.calibration)
    protocols = {
        f"{view}, {group}": asdict(tallies[view][group].scores())
        for view in tallies
        for group in ("all", *CATEGORIES)
        if group in tallies[view]
    }
    return Report("road", protocols, (f"{len(truths)} frames", *NOTES))


def _prediction(folder: Path, name: str) -> Path:
    """That of a frame, under the name of its ground truth, um_road_000000, or of its image, um_000000."""
    of_image = name.replace("_road_", "_")
    return find_prediction(folder, of_image if list(folder.glob(f"{of_image}.*")) else name)


def _tallies(pairs: Iterable[tuple[Path, Path]], calibrations: Path | None) -> dict[str, dict[str, Tally]]:
    """Counts by protocol and by group of frames."""
    tallies: dict[str, dict[str, Tally]] = defaultdict(lambda: defaultdict(Tally))
    for truth, path in pairs:
        frame = _read(truth, path)
        category = frame.name.split("_")[0]
        groups = ("all", category) if category in CATEGORIES else ("all",)
        for view, images in _views(frame, calibrations):
            for group in groups:
                try:
                    tallies[view][group].add(*images)
                except ValueError as error:
                    raise ValueError(f"{path}: {error}") from None
    return tallies


def _read(truth: Path, prediction: Path) -> Frame:
    road, valid = _read_truth(truth)
    probability = read_array(prediction) if prediction.suffix == ".npy" else read_image(prediction)
    if probability.dtype == np.float64 and not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError(f"{prediction} has values beyond 0 ... 1; save what softmax or sigmoid gives for road")
    if probability.ndim != 2 or probability.dtype not in (np.uint8, np.float64):
        raise ValueError(f"{prediction} is no grey image of 8 bits, 255 for surely road")
    return Frame(truth.stem, road, valid, probability)


def _read_truth(path: Path) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where road is, and where that is known."""
    image = read_image(path)
    if image.dtype == np.uint8 and image.ndim == 2 and image.max() <= SIMULATED_VOID:
        return image == SIMULATED_ROAD, image != SIMULATED_VOID
    if image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3:
        return image[..., 2] > 0, image[..., 0] > 0
    raise ValueError(f"{path} is neither KITTI's colours of road nor classes 0 to {SIMULATED_VOID}")


def _views(frame: Frame, calibrations: Path | None) -> Iterator[tuple[str, tuple[NDArray[Any], ...]]]:
    """Road, valid and probability under each protocol that there are files for."""
    levels = frame.probability
    if frame.probability.dtype != np.uint8:
        yield "perspective", (frame.road, frame.valid, frame.probability)
        levels = quantised(frame.probability)
    yield "perspective, 256 levels", (frame.road, frame.valid, levels)
    if calibrations is not None:
        homography = read_homography(calibrations / f"{frame.name.replace('_road_', '_')}.txt")
        yield "bird's-eye, 256 levels", tuple(birds_eye((frame.road, frame.valid, levels), homography))
