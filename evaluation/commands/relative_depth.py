"""Relative-depth predictions against metric depth."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import tee
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.image_files import find_prediction, read_depth, read_image, require_folders
from evaluation.one_factor import PAPER_RMSE, best_factor, score_one_factor
from evaluation.report import Report
from labels.codec import decode

SUMMARY = "order of depths: percentile predictions against metric depth"
DESCRIPTION = """Rank correlation, share of pairs in the wrong order, and error of the percentiles.

The ground truth is depth maps as KITTI has them, NAME.png of 16 bits, metres times 256, 0 where nothing was measured;
a prediction is NAME.depth.png (or NAME.png), as python -m training predict writes them, of the same size.

  order             both as percentiles among the measured pixels
  times one factor  the errors of percentiles times one factor as metric depth, within the Garg crop: a baseline to
                    beat. The factor is the best for these images, unless --factor gives that of others.

  python -m evaluation relative-depth --ground-truth depth --predictions predictions --json F
"""


@dataclass(frozen=True)
class Image:
    """What belongs together, all (H, W)."""

    prediction: Path
    percentiles: NDArray[np.float32]  # 0 near ... 1 far
    predicted: NDArray[np.bool_]
    depth: NDArray[np.float32]  # metres, 0 for none


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The two folders, and a factor."""
    parser.add_argument("--ground-truth", type=Path, required=True, metavar="DIR", help="folder of depth maps")
    parser.add_argument("--predictions", type=Path, required=True, metavar="DIR", help="folder of percentiles")
    parser.add_argument("--factor", type=float, metavar="M", help="metres a unit of percentile; the best if not given")


def run(options: argparse.Namespace) -> Report:
    """Means over the images."""
    # imports scipy.stats, which takes a second: only where needed
    from evaluation.relative_depth import mean, score_against_depth

    require_folders(options.ground_truth, options.predictions)
    if options.factor is not None and not 0 < options.factor < np.inf:
        raise ValueError(f"--factor {options.factor} gives no depth; metres a unit of percentile are positive")
    scores = []
    for image in _images(options):
        try:
            scores.append(score_against_depth(image.percentiles, image.predicted, image.depth))
        except ValueError as error:
            raise ValueError(f"{image.prediction}: {error}") from None
    if not scores:
        raise ValueError(f"{options.ground_truth} has no depth maps, NAME.png")
    factor = best_factor(*_streams(options)) if options.factor is None else options.factor
    metric = score_one_factor(*_streams(options), factor)
    protocols = {"order": asdict(mean(scores)), "times one factor": asdict(metric)}
    origin = "the best for these images" if options.factor is None else "as given"
    notes = f"{len(scores)} images; the factor is {factor:.3f} m, {origin}; the paper's had rmse {PAPER_RMSE} on KITTI"
    return Report("relative-depth", protocols, (notes,), {"factor": factor})


def _images(options: argparse.Namespace) -> Iterator[Image]:
    for truth in sorted(options.ground_truth.glob("*.png")):
        prediction = find_prediction(options.predictions, truth.stem, (".depth.png", ".png"))
        codes = read_image(prediction)
        if codes.ndim != 2:
            raise ValueError(f"{prediction} is no image of percentiles; they are grey, of 8 or 16 bits")
        yield Image(prediction, *decode(codes), read_depth(truth))


def _streams(options: argparse.Namespace) -> tuple[Iterator[NDArray[np.float32]], Iterator[NDArray[np.float32]]]:
    """Percentiles and depths, read anew, to be taken in step: each image is read once for both."""
    first, second = tee(_images(options))
    return (image.percentiles for image in first), (image.depth for image in second)
