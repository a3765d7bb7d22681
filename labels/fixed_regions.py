"""What is fixed to the car: bonnet, dashboard, mirrors, marks burnt into the picture (LABELS section 12).

An ``Accumulator`` takes pairs of frames spread over a video and says in the end which pixels show such things. Its
witnesses, all kept as sums of the size of an image:

- **Edges that stay.** The constancy of the image gradient g of a pixel, ``|mean g| / sqrt(mean |g|^2 + 1/4)``, is 1 for
  an edge that does not move, whatever shines through it, and falls with the share of the time that an edge of the scene
  is at the pixel. Lane markings and horizons stay, too, but there nothing crosses the edge: an edge counts by the
  displacement that the scene has across it (``labels.scene_motion``).
- **Votes of flow** at textured pixels. For what is fixed: flow that is small against that of the image, or that no
  static point could have (mirrored scene). Against: flow that agrees with the motion of the camera.
- **Grey levels that stay** while those of the image change: matte surfaces without any texture.

The section proposes thresholds on flow alone (Q, E) beside persistence (P). Measured on real clips they fail: flow over
poor asphalt is as inconsistent with the camera's motion as that over a bonnet, and a persistent horizon has P near 1.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from labels.bonnet import BonnetParameters, bonnet
from labels.depth import DepthParameters, projected
from labels.egomotion import Egomotion, EgomotionParameters
from labels.fixed_evidence import Evidence
from labels.flow import CONSISTENT, INSIDE, TEXTURED
from labels.marks import MarkParameters, marks
from labels.motion import vector_length
from labels.scene_motion import outward

GRADIENT_NOISE = 0.5
"""Grey levels per pixel that a gradient has by noise."""
ALONG = 0.25
"""Cosine between an edge's normal and the scene's direction of motion up to which the edge may lie along the motion."""
STILL = 0.15
"""Flow is small below this share of its upper quartile."""


@dataclass(frozen=True)
class FixedRegionParameters:
    """When a pixel is taken for fixed to the car; lengths in pixels at a working width of 640."""

    pairs: int = 120  # looked at, spread over a video; 0: nothing is taken for fixed
    min_pairs: int = 50  # with fewer only a bonnet whose edge is certain is believed
    fewest_pairs: int = 20  # with fewer nothing is
    certain: float = 0.7  # constancy of such an edge
    min_apart: int = 40  # pairs that do not overlap in time; with fewer only marks whose edges are certain are believed
    certain_mark: float = 0.86  # median constancy of such edges: lane markings and clouds stay .84 for three seconds
    margin_px: float = 8.0  # flow next to a fixed region is not used: it is dragged along
    max_share: float = 0.45  # of the frame; a larger mask is not believed
    max_central: float = 0.10  # of the middle ninth of the frame, likewise
    bonnet: BonnetParameters = field(default_factory=BonnetParameters)
    mark: MarkParameters = field(default_factory=MarkParameters)


@dataclass(frozen=True)
class FixedRegions:
    """``mask`` (H, W) is true on what is fixed to the car. ``reason`` says why nothing was masked: ``few_pairs``,
    ``too_large``, ``central``; empty where the frames were believed, though they may show nothing fixed.
    """

    mask: NDArray[np.bool_]
    reason: str = ""


class Accumulator:
    """Collects what pairs of frames of (height, width) pixels say; memory does not grow with their number."""

    def __init__(self, height: int, width: int, parameters: FixedRegionParameters | None = None) -> None:
        self.parameters = parameters or FixedRegionParameters()
        self.pairs = 0
        self.apart = 0.0  # pairs that do not overlap in time
        self._shape = height, width
        self._image_sums = np.zeros((5, height, width), np.float32)  # g_x, g_y, |g|^2, grey, grey^2
        self._flow_sums: NDArray[np.float32] | None = None  # |flow|, votes for fixed, for scene
        self._headings = np.zeros(3)
        self._camera = 0.0, width / 2, height / 2  # focal length and principal point

    def add(
        self,
        image: NDArray[np.uint8],
        flow: NDArray[np.float32],
        support: NDArray[np.uint8],
        motion: Egomotion,
        focal: float,
        principal_point: tuple[float, float],
        fresh: float = 1.0,
    ) -> None:
        """Take a pair: its first frame, (H, W) grey ``uint8``, and its flow, of the frames at that size or smaller.

        ``flow`` (h, w, 2), ``support`` (h, w), ``focal`` and ``principal_point`` are in pixels of the smaller frames.
        ``motion`` is what the flow was fitted with; a rejected one counts, too, if it was found at all. ``fresh`` is
        the share of the time between the frames that no pair before spans. Raises ``ValueError`` for an image of
        another size.
        """
        if image.shape != self._shape:
            raise ValueError(f"fixed regions: an image of {image.shape} where {self._shape} was said")
        gx, gy = gradient(image)
        grey = image.astype(np.float32)
        for total, each in zip(self._image_sums, (gx, gy, gx * gx + gy * gy, grey, grey * grey)):
            total += each
        if self._flow_sums is None:
            self._flow_sums = np.zeros((3, *support.shape), np.float32)
        scale = image.shape[1] / support.shape[1]
        self._camera = focal * scale, principal_point[0] * scale, principal_point[1] * scale
        length = vector_length(flow[..., 0], flow[..., 1])
        self._flow_sums[0] += np.minimum(length, support.shape[1] / 10)  # longer flow is mostly wrong
        self.pairs += 1
        self.apart += fresh
        if np.isfinite(motion.cost):
            still = length < STILL * np.percentile(length, 75)
            wrong = ~explained(flow, motion, focal, principal_point)
            seen = support & (TEXTURED | INSIDE) == TEXTURED | INSIDE
            self._flow_sums[1] += seen & (still | wrong)
            self._flow_sums[2] += seen & (support & CONSISTENT > 0) & ~(still | wrong)
            self._headings += motion.T * (-1 if motion.T[2] < 0 else 1)

    def evidence(self) -> Evidence:
        """What is known so far; at least a pair is needed."""
        assert self._flow_sums is not None, "no pair was added"
        gx, gy, square, grey, grey_square = self._image_sums / self.pairs
        height, width = self._shape
        speed, fixed, scene = (
            cv2.resize(each / self.pairs, (width, height), interpolation=cv2.INTER_LINEAR) for each in self._flow_sums
        )
        speed, right, down = outward(speed * (640 / self._flow_sums.shape[2]), self._focus())
        contrast = vector_length(gx, gy)
        deviation = np.sqrt(np.maximum(grey_square - grey * grey, 0))
        return Evidence(
            contrast / np.sqrt(square + GRADIENT_NOISE**2),
            contrast,
            np.abs(gy) / np.maximum(contrast, 1e-6),
            speed * np.clip((np.abs(gx * right + gy * down) / np.maximum(contrast, 1e-6) - ALONG) / (1 - ALONG), 0, 1),
            fixed,
            scene,
            np.clip(1 - deviation / max(0.35 * float(np.median(deviation)), 1e-6), 0, 1),
        )

    def mask(self) -> NDArray[np.bool_]:
        """(H, W): true on what is fixed to the car."""
        return self.regions().mask

    def regions(self) -> FixedRegions:
        """What is fixed to the car, by all pairs so far."""
        parameters, nothing = self.parameters, np.zeros(self._shape, bool)
        if self.pairs < parameters.fewest_pairs:
            return FixedRegions(nothing, "few_pairs")
        evidence = self.evidence()
        few = self.pairs < parameters.min_pairs
        mask = bonnet(evidence, parameters.certain if few else parameters.bonnet.min_constancy, parameters.bonnet)
        if few:
            return FixedRegions(mask, "" if mask.any() else "few_pairs")
        least = parameters.certain_mark if self.apart < parameters.min_apart else 0.0
        mask |= marks(evidence, mask, parameters.mark, least)
        height, width = self._shape
        central = mask[height // 3 : height - height // 3, width // 3 : width - width // 3]
        reason = "central" if central.mean() > parameters.max_central else ""
        reason = "too_large" if mask.mean() > parameters.max_share else reason
        return FixedRegions(nothing, reason) if reason else FixedRegions(mask)

    def _focus(self) -> tuple[float, float]:
        """The usual focus of expansion in pixels, within the middle half of the frame."""
        height, width = self._shape
        x, y, z = self._headings
        focal, centre_x, centre_y = self._camera
        off_x, off_y = (focal * x / z, focal * y / z) if z > 0 else (0.0, 0.0)
        return (
            float(np.clip(centre_x + off_x, width / 4, 3 * width / 4)),
            float(np.clip(centre_y + off_y, height / 4, 3 * height / 4)),
        )


def gradient(image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Derivatives along x and y of an (H, W) image smoothed with a Gaussian of 1 px, grey levels per pixel."""
    smooth = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1.0)
    return cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)


def explained(
    flow: NDArray[np.float32], motion: Egomotion, focal: float, principal_point: tuple[float, float]
) -> NDArray[np.bool_]:
    """Where (H, W) a static point could have the flow: within 3 sigma of its epipolar line, in front of the camera."""
    usual = EgomotionParameters()
    noise = usual.noise_floor_px * flow.shape[1] / 640, usual.noise_relative
    return projected(flow, motion, focal, principal_point, noise, DepthParameters())[2]


def widened(mask: NDArray[np.bool_], margin_px: float) -> NDArray[np.bool_]:
    """The mask (H, W) with what lies within ``margin_px`` (at a width of 640) of it."""
    radius = round(margin_px * mask.shape[1] / 640)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(mask.astype(np.uint8), disc).astype(bool)
