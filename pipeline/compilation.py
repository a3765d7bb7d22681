"""Compiles the kernels of the labels ahead, once, while videos are still fetched and surveyed."""

import multiprocessing
import os

import cv2
import numpy as np
from numpy.typing import NDArray

from labels.pair import LabelParameters, label_pair

_MAIN_PROCESS = os.getpid()
_fork = multiprocessing.get_context("fork")
_begun: list[int] = []
HEIGHT, WIDTH, ZOOM = 128, 224, 1.05


def compile_ahead(parameters: LabelParameters) -> None:
    """Label made-up frames in a process of its own; later calls, or a task's, do nothing.

    Numba keeps what is compiled beside the sources. Workers that all come to their first pair at the same time would
    each compile the same half a minute.
    """
    if os.getpid() == _MAIN_PROCESS and not _begun:
        _begun.append(_MAIN_PROCESS)
        _fork.Process(target=_label, args=(parameters,), daemon=True).start()


def _label(parameters: LabelParameters) -> None:
    cv2.setNumThreads(1)
    previous = None
    for first, second in _pairs():
        previous = label_pair(first, second, 0.8 * WIDTH, parameters, previous)


def _pairs() -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """A drive towards a wall, the same above a road without texture, and two frames that have nothing in common."""
    one, two = _wall(1), _wall(2)
    road = one.copy()
    road[HEIGHT // 2 :] = 100 + one[HEIGHT // 2 :] // 16
    return [(one, _nearer(one)), (road, _nearer(road)), (one, two)]


def _wall(seed: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 1.5), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def _nearer(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.warpAffine(
        image,
        np.array([[ZOOM, 0, (1 - ZOOM) * WIDTH / 2], [0, ZOOM, (1 - ZOOM) * HEIGHT / 2]]),
        (WIDTH, HEIGHT),
        borderMode=cv2.BORDER_REFLECT,
    ).astype(np.uint8)
