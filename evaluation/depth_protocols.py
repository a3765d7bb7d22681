"""The protocols under which depth on the Eigen split is published, side by side (EVALUATION 3.6)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.depth import Rule, Scores, mean, score_image
from evaluation.depth_resize import KB_SIZE, RULES, fits_kb_crop, kb_crop
from evaluation.lidar import AXES

IMPROVED = "improved"
"""Accumulated, checked LiDAR, as KITTI's depth benchmark gives it; projected scans go by the axis of their depth."""
DEPTH = NDArray[np.floating]


@dataclass(frozen=True)
class Protocol:
    """What a published figure was measured against, and how."""

    name: str
    truth: str  # an axis of LiDAR, or IMPROVED
    resize: str  # in RULES
    rule: Rule
    kb: bool = False  # crop both to 352x1216 first, which frames smaller than KITTI's do not allow


def _raw(axis: str) -> tuple[Protocol, ...]:
    return (
        Protocol(f"monodepth, {axis}, Garg crop", axis, "disparity", Rule("garg")),
        Protocol(f"monodepth, {axis}, Eigen crop", axis, "disparity", Rule("eigen")),
        Protocol(f"monodepth, {axis}, no crop", axis, "disparity", Rule(None)),
        Protocol(f"SfMLearner, {axis}, Garg crop, medians", axis, "depth", Rule("garg", median_scaling=True)),
        Protocol(f"monodepth2, {axis}, Garg crop, medians", axis, "disparity", Rule("garg", median_scaling=True)),
    )


PROTOCOLS = (
    *(protocol for axis in AXES for protocol in _raw(axis)),
    Protocol("ZoeDepth, KB and Garg crop", IMPROVED, "align corners", Rule("garg", nan_as_minimum=True), True),
    Protocol("improved, Garg crop", IMPROVED, "disparity", Rule("garg")),
    Protocol("improved, no crop", IMPROVED, "disparity", Rule(None)),
    Protocol("improved, Garg crop, medians", IMPROVED, "disparity", Rule("garg", median_scaling=True)),
    Protocol("monodepth2, all improved, medians", IMPROVED, "disparity", Rule(None, True, all_truth=True)),
)


class SideBySide:
    """Scores of a stream of images under all protocols that its kinds of ground truth allow."""

    def __init__(self, of_kb_crop: bool = False) -> None:
        """With ``of_kb_crop`` predictions are of frames cropped to 352x1216, which one family of protocols scores."""
        self.of_kb_crop = of_kb_crop
        self.protocols = [protocol for protocol in PROTOCOLS if protocol.kb or not of_kb_crop]
        self.found: dict[str, list[Scores]] = {}
        self.images = 0

    def add(self, truths: Mapping[str, DEPTH], predicted: DEPTH) -> None:
        """Score an image: ground truth (H, W) by kind, and a prediction of any size, all in metres.

        Raises ``ValueError`` where it cannot be scored.
        """
        resized: dict[str, DEPTH] = {}
        for protocol in self.protocols:
            truth = truths.get(protocol.truth)
            if truth is None or (protocol.kb and not self.of_kb_crop and not fits_kb_crop(truth)):
                continue
            if protocol.resize not in resized:
                size = KB_SIZE if self.of_kb_crop else truth.shape
                resized[protocol.resize] = RULES[protocol.resize](predicted, (size[0], size[1]))
            whole = resized[protocol.resize]
            if protocol.kb:
                truth, whole = kb_crop(truth), whole if self.of_kb_crop else kb_crop(whole)
            self.found.setdefault(protocol.name, []).append(score_image(truth, whole, protocol.rule))
        self.images += 1

    def scores(self) -> dict[str, Scores]:
        """Means over the images, by protocol, of those that took all. Raises ``ValueError`` where none did."""
        scores = {name: mean(scores) for name, scores in self.found.items() if len(scores) == self.images}
        if not scores:
            raise ValueError("no image was scored")
        return scores
