"""One frame with sparse depth at the network's size, mirrored about the camera's axis where the draw says so."""

import numpy as np
from numpy.typing import NDArray

from training.absolute_depth.frames import DepthFrame
from training.frame_files import FrameError, resized

Picture = NDArray[np.uint8]
Metres = NDArray[np.float32]


def depth_example(frame: DepthFrame, size: tuple[int, int], mirrored: bool) -> tuple[Picture, Metres]:
    """RGB (H, W, 3) ``uint8`` and metres (H, W), 0 = unknown, at ``size`` = (H, W).

    Raises ``FrameError`` where image and depth are not of one size.
    """
    image, metres = frame.pixels(), frame.metres()
    if image.shape[:2] != metres.shape:
        raise FrameError(
            f"{frame.depth} is {metres.shape[1]}x{metres.shape[0]}, its image {image.shape[1]}x{image.shape[0]}"
        )
    centre = (frame.centre + 0.5) * size[1] / image.shape[1] - 0.5
    small = resized(image, size)
    sparse = resize_sparse(metres, size)
    return mirror(small, sparse, centre) if mirrored else (small, sparse)


def resize_sparse(metres: Metres, size: tuple[int, int]) -> Metres:
    """Sparse depth at ``size``: each known pixel goes to the one that it lies in, of several the nearest counts.

    Nothing is interpolated: between two points of a LiDAR may be the edge of a car.
    """
    rows, columns = np.nonzero(metres)
    height, width = metres.shape
    places = (rows * size[0] // height) * size[1] + columns * size[1] // width
    nearest = np.full(size[0] * size[1], np.inf, np.float32)
    np.minimum.at(nearest, places, metres[rows, columns])
    return np.where(np.isfinite(nearest), nearest, 0).reshape(size).astype(np.float32, copy=False)


def mirror(image: Picture, metres: Metres, centre: float) -> tuple[Picture, Metres]:
    """The scene mirrored in the vertical plane of the camera's axis: column x comes to 2 ``centre`` - x.

    To flip the picture alone would move the principal point to the other side, as if another camera had taken it; so
    the camera stays the same. Columns that no pixel comes to repeat the last one and have no depth.
    """
    width = image.shape[1]
    source = round(2 * centre) - np.arange(width)
    known = (source >= 0) & (source < width)
    taken = np.clip(source, 0, width - 1)
    return np.ascontiguousarray(image[:, taken]), np.where(known, metres[:, taken], 0).astype(np.float32, copy=False)
