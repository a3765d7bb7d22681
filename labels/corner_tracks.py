"""Flow of corners, tracked from frame to frame with no assumption about how it varies between them.

Dense flow is smooth, or lies on the epipolar lines of a guessed focal length (``labels.epipolar``), and errs by tenths
of a pixel where points are far away, the very ones that tell a focal length. Corners (Shi and Tomasi 1994) tracked by
Lucas and Kanade's method in a pyramid (Bouguet 2000) and back again err independently.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from labels.egomotion_parameters import EgomotionParameters
from labels.flow import grey
from labels.flow_samples import Samples

MOST, QUALITY, APART_PX = 1500, 0.003, 6
WINDOW_PX, LEVELS = 15, 4
RETURN_PX = 0.3
"""How near its start a corner tracked forth and back must come."""


def corner_samples(
    image1: NDArray[np.uint8],
    image2: NDArray[np.uint8],
    focal: float,
    principal_point: tuple[float, float],
    parameters: EgomotionParameters | None = None,
    usable: NDArray[np.bool_] | None = None,
) -> Samples:
    """Flow samples at the corners of ``image1``, strongest first.

    Images are (H, W) grey or (H, W, 3) RGB ``uint8`` of one size, ``focal`` and ``principal_point`` in their pixels,
    ``usable`` (H, W) false where no corner may be, as on what is fixed to the car. Sigma is that of ``parameters``.
    Raises ``ValueError`` for images that are none or differ in size.
    """
    parameters = parameters or EgomotionParameters()
    first, second = grey(image1), grey(image2)
    if first.shape != second.shape:
        raise ValueError(f"corner_samples: the images have different sizes, {first.shape} and {second.shape}")
    unit = first.shape[1] / 640
    mask = None if usable is None else usable.astype(np.uint8)
    corners = cv2.goodFeaturesToTrack(first, MOST, QUALITY, APART_PX * unit, mask=mask, blockSize=5)
    if corners is None:
        return Samples(*(np.empty(0) for _ in range(5)))
    there, found = _track(first, second, corners, unit)
    back, returned = _track(second, first, there, unit)
    kept = found & returned & (np.linalg.norm((back - corners)[:, 0], axis=1) < RETURN_PX * unit)
    starts, ends = corners[kept, 0].astype(np.float64), there[kept, 0].astype(np.float64)
    flow = ends - starts
    sigma = np.hypot(parameters.noise_floor_px * unit, parameters.noise_relative * np.hypot(*flow.T))
    x, y = ((starts - np.array(principal_point)) / focal).T
    u, v = (flow / focal).T
    return Samples(*(np.ascontiguousarray(each) for each in (x, y, u, v, focal / sigma)))


def _track(
    first: NDArray[np.uint8], second: NDArray[np.uint8], points: NDArray[np.float32], unit: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Where points (N, 1, 2) are in the second image, and which (N,) were found there."""
    window = max(7, round(WINDOW_PX * unit)) | 1
    until = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 0.005)
    options = {"winSize": (window, window), "maxLevel": LEVELS, "criteria": until}
    ends, found, _ = cv2.calcOpticalFlowPyrLK(first, second, points, None, **options)
    return ends, found[:, 0] > 0
