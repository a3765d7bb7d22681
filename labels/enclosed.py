"""Pixels that tell nothing themselves, but lie inside a thing that moves: its plain body between wheels, lamps, edges.

A thing moves as one. Cars and vans show texture at their lower part and along their outline; between these flow is only
guessed, mostly from the still scene around. From each such pixel one looks along eight rays: where most of them meet
something that moves before something that stands still, the pixel is part of it.
"""

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

UNKNOWN, MOVES, STANDS = range(3)


def enclosed(
    moving: NDArray[np.bool_], still: NDArray[np.bool_], least_rays: int, reach: float, step: int
) -> NDArray[np.bool_]:
    """Pixels (H, W), neither ``moving`` nor ``still``, around which ``least_rays`` of eight rays meet what moves.

    ``reach`` is the longest way along a ray, px. Looked at in every ``step``-th row and column.
    """
    height, width = moving.shape
    state = np.full((-(-height // step), -(-width // step)), UNKNOWN, np.uint8)
    state[still[::step, ::step]] = STANDS
    state[moving[::step, ::step]] = MOVES
    rays = np.zeros(state.shape, np.uint8)
    for backwards in (False, True):
        turned = np.s_[::-1, ::-1] if backwards else np.s_[:, :]
        _count(state[turned], rays[turned], reach / step)
    part = ((rays >= least_rays) | (state == MOVES)).view(np.uint8)
    part = cv2.erode(part, np.ones((2, 2), np.uint8), anchor=(0, 0))  # so are the samples to the right and below
    inside = cv2.resize(part, (step * part.shape[1], step * part.shape[0]), interpolation=cv2.INTER_NEAREST)
    return inside[:height, :width].view(np.bool_) & ~moving & ~still


@njit(cache=True, nogil=True, error_model="numpy")
def _count(state: NDArray[np.uint8], rays: NDArray[np.uint8], reach: float) -> None:
    """Add to ``rays`` how many of the rays to the left and to the three neighbours above meet what moves."""
    rows, columns = state.shape
    endless = np.float32(1e9)
    lengths = np.array([1, np.sqrt(2), 1, np.sqrt(2)], np.float32)
    # way to what moves along each ray, from the pixels of the row above and of this one; a margin to both sides
    above = np.full((4, columns + 2), endless, np.float32)
    for row in range(rows):
        here = np.full((4, columns + 2), endless, np.float32)
        for column in range(columns):
            left = here[0, column] if column else endless
            for ray in range(4):
                way = left if ray == 0 else above[ray, column + ray - 1]
                way += lengths[ray]
                if way <= reach:
                    rays[row, column] += 1
                if state[row, column] == MOVES:
                    way = np.float32(0)
                elif state[row, column] == STANDS:
                    way = endless
                here[ray, column + 1] = way
        above = here
