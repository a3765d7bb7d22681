"""Relative-depth predictions against metric depth."""

import argparse
from dataclasses import asdict
from pathlib import Path

from evaluation.image_files import find_prediction, read_depth, read_image, require_folders
from evaluation.relative_depth import mean, score_against_depth
from evaluation.report import Report
from labels.codec import decode

SUMMARY = "order of depths: percentile predictions against metric depth"
DESCRIPTION = """Rank correlation, share of pairs in the wrong order, and error of the percentiles.

The ground truth is depth maps as KITTI has them, NAME.png of 16 bits, metres times 256, 0 where nothing was measured;
a prediction is NAME.depth.png (or NAME.png), as python -m training predict writes them, of the same size.

  python -m evaluation relative-depth --ground-truth depth --predictions predictions --json F
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The two folders."""
    parser.add_argument("--ground-truth", type=Path, required=True, metavar="DIR", help="folder of depth maps")
    parser.add_argument("--predictions", type=Path, required=True, metavar="DIR", help="folder of percentiles")


def run(options: argparse.Namespace) -> Report:
    """Means over the images."""
    scores = []
    require_folders(options.ground_truth, options.predictions)
    for truth in sorted(options.ground_truth.glob("*.png")):
        prediction = find_prediction(options.predictions, truth.stem, (".depth.png", ".png"))
        depth, codes = read_depth(truth), read_image(prediction)
        try:
            scores.append(score_against_depth(*decode(codes), depth))
        except ValueError as error:
            raise ValueError(f"{prediction}: {error}") from None
    if not scores:
        raise ValueError(f"{options.ground_truth} has no depth maps, NAME.png")
    figures = asdict(mean(scores))
    return Report("relative-depth", {"percentiles of measured pixels": figures}, (f"{len(scores)} images",))
