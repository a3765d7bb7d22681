"""Motion edges: where the flow of a pair of frames has borders (LABELS section 5).

They are what the edge detectors learn from: no label, only motion. The flow is drawn with the colour wheel, direction
as hue and length as saturation, and the picture's gradient is thinned; only edges near one of the frame count, since
flow is not sharp. All at half the frames' resolution. The paper's source takes borders of superpixels of the frame,
which on a plain wall lie anywhere, and from the second round on the detector in place of the gradient, which on drives
found half as many true borders at the same precision.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from labels.edge_channels import blurred
from labels.edges import edge_map, thin


@dataclass(frozen=True)
class MotionEdgeParameters:
    """How the edges of a flow are taken."""

    unit_px: float = 1.0  # length of flow from which its logarithm tells, so that near things are not all there is
    frame_edge: float = 0.02  # least strength of an edge of the frame, thinned, near which a motion edge may be
    reach_px: float = 3.0  # the farthest from it, at half size
    least_pixels: int = 50  # above the least strength, or the pair teaches nothing
    least_strength: float = 0.4


def telling(flow: NDArray[np.float32]) -> bool:
    """Whether a flow (H, W, 2) px may have motion edges: neither all fast nor all slow nor all alike (LABELS 3.1)."""
    half = _half(flow)
    length = np.hypot(half[..., 0], half[..., 1])
    return bool(length.min() <= 10 and length.max() >= 2 and length.mean() >= 0.3 and length.var() >= 0.5)


def motion_edges(
    flow: NDArray[np.float32],
    image: NDArray[np.uint8],
    parameters: MotionEdgeParameters | None = None,
) -> NDArray[np.float32] | None:
    """The motion edges (H // 2, W // 2) in [0, 1] of a flow (H, W, 2) px of the frame ``image``, grey or RGB.

    None where the flow tells nothing.
    """
    parameters = parameters or MotionEdgeParameters()
    if not telling(flow):
        return None
    picture = flow_picture(_half(flow), parameters.unit_px)
    edges = thin(_contrast(picture), 3)
    edges = edges * (edge_distance(half_size(image), parameters.frame_edge) <= parameters.reach_px)
    enough = np.count_nonzero(edges > parameters.least_strength) >= parameters.least_pixels
    return np.minimum(edges, np.float32(1)) if enough else None


def half_size(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image at half its size, even in both directions, as the channels need it."""
    height, width = (side // 4 * 2 for side in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def flow_picture(flow: NDArray[np.float32], unit_px: float) -> NDArray[np.uint8]:
    """The flow (H, W, 2) by the colour wheel, (H, W, 3) RGB: white stands still, the hue is the direction.

    The saturation is the logarithm of the length, ``log(1 + length / unit_px)``, over the largest of the picture.
    """
    hue = np.rad2deg(np.arctan2(flow[..., 1], flow[..., 0])) % 360
    saturation = np.log1p(np.hypot(flow[..., 0], flow[..., 1]) / np.float32(unit_px))
    saturation /= saturation.max() + np.float32(1e-6)
    wheel = np.stack([hue, saturation, np.ones_like(hue)], -1).astype(np.float32)
    return np.rint(cv2.cvtColor(wheel, cv2.COLOR_HSV2RGB) * 255).astype(np.uint8)


def _half(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = (side // 4 * 2 for side in flow.shape[:2])
    return cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA)


def _contrast(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The length of the gradient of the channel in which it is greatest; a step from 0 to 64 has 1.

    In drives few steps of the drawn flow, a logarithm, are greater.
    """
    longest = np.zeros(picture.shape[:2], np.float32)
    for channel in cv2.split(picture.astype(np.float32)):
        smooth = blurred(channel, 1)
        across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
        longest = np.maximum(longest, np.hypot(across, down))
    # a step is smoothed by the triangle to 3/4 over two pixels, and Sobel's kernel sums to 4
    return longest / np.float32(3 * 64)


def edge_distance(image: NDArray[np.uint8], strength: float) -> NDArray[np.float32]:
    """Distance in pixels to the nearest edge of an image, grey or RGB, of at least this strength, (H, W)."""
    edges = edge_map(image, "thinned") >= strength
    if not edges.any():
        return np.full(edges.shape, np.inf, np.float32)
    return cv2.distanceTransform((~edges).astype(np.uint8), cv2.DIST_L2, 5)
