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
    rays = _met(state, reach / step) + _met(state[::-1, ::-1].copy(), reach / step)[::-1, ::-1]
    part = ((rays >= least_rays) | (state == MOVES)).view(np.uint8)
    part = cv2.erode(part, np.ones((2, 2), np.uint8), anchor=(0, 0))  # so are the samples to the right and below
    inside = cv2.resize(part, (step * part.shape[1], step * part.shape[0]), interpolation=cv2.INTER_NEAREST)
    return inside[:height, :width].view(np.bool_) & ~moving & ~still


@njit(cache=True, nogil=True, error_model="numpy")
def _met(state: NDArray[np.uint8], reach: float) -> NDArray[np.uint8]:
    """How many of the rays to the left and to the three neighbours above meet what moves.

    Those from above are followed for a whole row at once: compilers take several pixels together.
    """
    rows, columns = state.shape
    rays, endless, nothing = np.zeros((rows, columns), np.uint8), np.float32(1e9), np.float32(0)
    # way to what moves along each ray, from the pixels of the row above and of this one; a margin to both sides
    above, here = np.full((3, columns + 2), endless, np.float32), np.full((3, columns + 2), endless, np.float32)
    for row in range(rows):
        states, met = state[row], rays[row]
        for ray in range(3):
            step = np.float32(1 if ray == 1 else np.sqrt(2))
            before, ways = above[ray, ray : ray + columns], here[ray, 1 : 1 + columns]
            for k in range(columns):
                way = before[k] + step
                met[k] += np.uint8(way <= reach)
                ways[k] = nothing if states[k] == MOVES else endless if states[k] == STANDS else way
        way = endless
        for k in range(columns):
            way += np.float32(1)
            met[k] += np.uint8(way <= reach)
            way = nothing if states[k] == MOVES else endless if states[k] == STANDS else way
        above, here = here, above
    return rays
