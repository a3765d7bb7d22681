"""A hash of how a frame looks: 64 bits, most of which another encoding, another size or a narrow crop leaves alone.

The signs of the low spatial frequencies of the frame, as in C. Zauner, *Implementation and Benchmarking of Perceptual
Image Hash Functions*, 2010 (DCT hash). Waves along one axis alone are left out: sky above road is in every frame.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

VIEWS = (
    (0.0, 0.0, 0.0),
    (0.03, 0.03, 0.03),
    (0.06, 0.06, 0.06),
    (0.09, 0.09, 0.09),
    (0.0, 0.0, 0.08),
    (0.0, 0.0, 0.16),
)
"""What is cut off before a frame is hashed, as a copy may have lost a border or the bonnet at the bottom: shares of the
width on either side, of the height at the top and at the bottom. The first is the whole frame.
"""

_SIDE = 32
_WAVES = slice(1, 9)
_LEAST_CONTRAST = 4.0
"""Standard deviation in grey levels below which a frame shows nothing."""


def frame_hashes(image: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A hash for each of ``VIEWS``, of a frame (H, W, 3) RGB or (H, W) grey; 0 where it shows nothing."""
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    # one reading of the large frame; what is cut off is cut off the small one
    small = cv2.resize(grey, (4 * _SIDE, 4 * _SIDE), interpolation=cv2.INTER_AREA)
    if small.std() < _LEAST_CONTRAST:
        return np.zeros(len(VIEWS), np.uint64)
    return np.array([_hash(_inner(small, *view)) for view in VIEWS], np.uint64)


def _inner(image: NDArray[np.uint8], sides: float, top: float, bottom: float) -> NDArray[np.uint8]:
    size = len(image)
    left, first, last = round(sides * size), round(top * size), size - round(bottom * size)
    return image[first:last, left : size - left]


def _hash(image: NDArray[np.uint8]) -> np.uint64:
    """Bit i, from the highest down, is 1 where wave i is above the median of the 64 waves of 1 to 8 half periods."""
    small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    waves = cv2.dct(small.astype(np.float32))[_WAVES, _WAVES].ravel()
    return np.packbits(waves > np.median(waves)).view(">u8")[0].astype(np.uint64)
