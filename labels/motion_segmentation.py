"""Which pixels of a frame move by themselves: one pair, labelled by the direction of its flow (LABELS 8.2).

Every pixel says how much likelier its flow is for something still than for something that moves; what pixels of one
surface say is added up, and what remains likelier to move than a prior allows is moving. What moves along its epipolar
line (a car ahead, oncoming traffic) has the directions of still points: see ``labels.ground_contact``.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.angle_likelihood import ANGLE_STEP_DEG, LENGTH_STEP_PX, log_ratios
from labels.egomotion import Egomotion
from labels.flow import CONSISTENT


@dataclass(frozen=True)
class SegmentationParameters:
    """How moving pixels are told; lengths in pixels at a working width of 640."""

    likelihood: str = "mixture"  # "von_mises", "laplace" or "mixture": models A, B, C of LABELS 8.1
    still_prior: float = 0.9
    max_log_ratio: float = 4.0  # no pixel says more than this for or against
    window_px: float = 9.0  # side of the box over which pixels are added up
    pixels: float = 25.0  # so many pixels in a window say all there is to say: fewer say less
    votes: float = 5.0  # a window's mean counts as so many independent pixels
    min_area: float = 1e-4  # of the frame: smaller moving regions are noise
    max_hole_px2: float = 60.0  # smaller holes in moving regions are closed


def segment(
    flow: NDArray[np.float32],
    support: NDArray[np.uint8],
    motion: Egomotion,
    focal: float,
    principal_point: tuple[float, float],
    noise: tuple[float, float],
    guide: NDArray[np.uint8],
    parameters: SegmentationParameters | None = None,
) -> NDArray[np.bool_]:
    """Pixels that move by themselves, (H, W).

    ``flow`` (H, W, 2) pixels with its ``support`` bits, ``motion`` the camera's, ``focal`` and ``principal_point`` in
    pixels, ``noise`` the floor in pixels of this image and the relative part, ``guide`` (H, W) ``uint8`` the grey
    frame. Raises ``ValueError`` for an unknown likelihood.
    """
    parameters = parameters or SegmentationParameters()
    height, width = support.shape
    unit = width / 640
    ratio = still_log_ratio(flow, support, motion, focal, principal_point, noise, parameters)
    side = max(3, round(parameters.window_px * unit)) | 1
    seen = (support & CONSISTENT).astype(np.float32)
    window = {"ddepth": cv2.CV_32F, "ksize": (side, side), "borderType": cv2.BORDER_CONSTANT}
    count = cv2.boxFilter(seen, normalize=False, **window)
    total = cv2.boxFilter(ratio, normalize=False, **window)
    share = np.minimum(count / (parameters.pixels * unit**2), 1)
    evidence = parameters.votes * share * total / np.maximum(count, 1)
    moving = evidence + np.log(parameters.still_prior / (1 - parameters.still_prior)) < 0
    return cleaned(moving, parameters.min_area * height * width, parameters.max_hole_px2 * unit**2)


def still_log_ratio(
    flow: NDArray[np.float32],
    support: NDArray[np.uint8],
    motion: Egomotion,
    focal: float,
    principal_point: tuple[float, float],
    noise: tuple[float, float],
    parameters: SegmentationParameters,
) -> NDArray[np.float32]:
    """``log p(flow | still) - log p(flow | moving)`` of each pixel, clipped, 0 where the flow is not consistent."""
    unit = flow.shape[1] / 640
    table = log_ratios(parameters.likelihood, round(noise[0] / unit, 6), round(noise[1], 6))
    limit = np.float32(parameters.max_log_ratio)
    return _look_up(flow, support, motion.R, motion.T, focal, *principal_point, unit, table, limit)


def cleaned(moving: NDArray[np.bool_], min_area: float, max_hole: float) -> NDArray[np.bool_]:
    """The mask without regions of fewer than ``min_area`` pixels and without holes of fewer than ``max_hole``."""
    return ~_without_small(~_without_small(moving, min_area), max_hole)


def _without_small(mask: NDArray[np.bool_], least: float) -> NDArray[np.bool_]:
    _, regions, statistics, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4)
    kept = statistics[:, cv2.CC_STAT_AREA] >= least
    kept[0] = False
    return kept[regions]


@njit(cache=True, nogil=True, error_model="numpy")
def _look_up(
    flow: NDArray[np.float32], support: NDArray[np.uint8], R: NDArray[np.float64], T: NDArray[np.float64],
    focal: float, cx: float, cy: float, unit: float, table: NDArray[np.float32], limit: np.float32,
) -> NDArray[np.float32]:  # fmt: skip
    """The table's value at each pixel's angle from the epipolar direction and its length."""
    height, width = support.shape
    result = np.zeros((height, width), np.float32)
    r = R.astype(np.float32)
    f, inverse = np.float32(focal), np.float32(1 / focal)
    e1, e2, e3 = np.float32(focal * T[0]), np.float32(focal * T[1]), np.float32(T[2])
    to_row, to_column = np.float32(180 / np.pi / ANGLE_STEP_DEG), np.float32(1 / (unit * LENGTH_STEP_PX))
    last = table.shape[1] - 1
    for row in range(height):
        y = np.float32(row - cy)
        for column in range(width):
            if not support[row, column] & CONSISTENT:
                continue
            x = np.float32(column - cx)
            x2, y2 = (x + flow[row, column, 0]) * inverse, (y + flow[row, column, 1]) * inverse
            z = r[2, 0] * x2 + r[2, 1] * y2 + r[2, 2]
            tu = f * (r[0, 0] * x2 + r[0, 1] * y2 + r[0, 2]) / z - x
            tv = f * (r[1, 0] * x2 + r[1, 1] * y2 + r[1, 2]) / z - y
            tau_x, tau_y = -e1 + x * e3, -e2 + y * e3
            length = np.sqrt(tu * tu + tv * tv)
            if not length < np.float32(1e6):  # NaN
                continue
            angle = np.arctan2(abs(tv * tau_x - tu * tau_y), tu * tau_x + tv * tau_y)
            value = table[int(angle * to_row + np.float32(0.5)), min(int(length * to_column + np.float32(0.5)), last)]
            result[row, column] = min(max(value, -limit), limit)
    return result
