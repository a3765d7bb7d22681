"""Scanned points and boxes over the image that they belong to, to see that a calibration is right."""

import cv2
import numpy as np
from numpy.typing import NDArray

NEAREST, FARTHEST = 3.0, 80.0
"""Metres of the first and of the last colour."""
BOX = (255, 255, 255)


def scan_picture(
    image: NDArray[np.uint8], depth: NDArray[np.floating], boxes: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """RGB, twice the size of ``image`` (H, W, 3): points of ``depth`` (H, W), 0 for none, red near to blue far.

    ``boxes`` (N, 4) are left, top, right, bottom in pixels, drawn in white. Raises ``ValueError`` where sizes differ.
    """
    if image.shape[:2] != depth.shape:
        raise ValueError(f"the image is {image.shape[1]}x{image.shape[0]}, its depth {depth.shape[1]}x{depth.shape[0]}")
    picture = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    rows, columns = np.nonzero(depth)
    far_first = np.argsort(-depth[rows, columns], kind="stable")
    colours = colours_of(depth[rows, columns])
    for place in far_first:
        centre = int(2 * columns[place]), int(2 * rows[place])
        cv2.circle(picture, centre, 2, colours[place].tolist(), cv2.FILLED)
    for left, top, right, bottom in np.rint(2 * np.asarray(boxes, np.float64).reshape(-1, 4)).astype(int).tolist():
        cv2.rectangle(picture, (left, top), (right, bottom), BOX, 2)
    return np.asarray(picture, np.uint8)


def colours_of(metres: NDArray[np.floating]) -> NDArray[np.uint8]:
    """RGB (N, 3) of depths (N,), by their logarithm."""
    share = np.log(np.clip(metres, NEAREST, FARTHEST) / NEAREST) / np.log(FARTHEST / NEAREST)
    codes = np.rint(255 * (1 - share)).astype(np.uint8)
    if not len(codes):
        return np.zeros((0, 3), np.uint8)
    return np.asarray(cv2.applyColorMap(codes[:, None], cv2.COLORMAP_JET)[:, 0, ::-1], np.uint8)
