"""Compiles or loads the kernels of the labels once, not in each task: while videos are still fetched and surveyed."""

import multiprocessing
import os
import sys
from multiprocessing import connection
from multiprocessing.process import BaseProcess

import cv2
import numpy as np
from numpy.typing import NDArray

from labels.edge_channels import Detector
from labels.heading_search import rotation_alone
from labels.pair import LabelParameters, label_pair
from labels.survey import Survey

_MAIN_PROCESS = os.getpid()
_fork = multiprocessing.get_context("fork")
_begun: list[BaseProcess | None] = []  # None where the kernels were loaded here
PATIENCE_S = 900.0
HEIGHT, WIDTH = 128, 224
FAR_ZOOM, NEAR_ZOOM = 1.02, 1.1


def compile_ahead(parameters: LabelParameters, detector: Detector | None = None) -> None:
    """Label made-up frames; later calls, or a task's, do nothing.

    Numba keeps what is compiled beside the sources. Workers that all come to their first pair at the same time would
    each compile the same minute: a process of its own does it ahead, and tasks ``wait`` for it. What was compiled
    before is only loaded, in a second, as long as a dozen pairs take: here, since a task is a process forked from this
    one and finds it. Not so with a ``detector``: what runs a network may have threads, which no fork takes along.
    """
    if os.getpid() != _MAIN_PROCESS or _begun:
        return
    compiled = _compiled()
    if not compiled:
        print("kernels are compiled, once, in a minute or two: labels begin after that", file=sys.stderr)
    if compiled and detector is None:
        _label(parameters)
        _begun.append(None)
    else:
        sys.stderr.flush()
        process = _fork.Process(target=_label, args=(parameters, detector), daemon=True)
        process.start()
        _begun.append(process)


def wait() -> None:
    """Wait, here or in a task, for the process that ``compile_ahead`` may have started: until it ends, in any way.

    No longer than a quarter of an hour: what is missing then is compiled by whoever needs it.
    """
    for process in _begun:
        if process is not None:
            connection.wait([process.sentinel], PATIENCE_S)  # not join, which only its parent may


def _compiled() -> bool:
    """Whether numba kept the kernels: calls one that a label needs after its flow, and asks where it came from."""
    rotation_alone(*np.zeros((5, 8)))
    return bool(rotation_alone.stats.cache_hits)


def _label(parameters: LabelParameters, detector: Detector | None = None) -> None:
    cv2.setNumThreads(1)
    previous, survey = None, Survey()
    for number, (first, second) in enumerate(_pairs()):
        survey.add(first, number)
        # what a focal length changes is asked only where it is not known
        previous = label_pair(first, second, 0.8 * WIDTH, parameters, previous, focal_known=False, detector=detector)


def _pairs() -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """A drive through a tunnel, the same above a road without texture, and two frames that have nothing in common."""
    one, two = _pattern(1), _pattern(2)
    road = one.copy()
    road[HEIGHT // 2 :] = 100 + one[HEIGHT // 2 :] // 16
    return [(one, _nearer(one)), (road, _nearer(road)), (one, two)]


def _pattern(seed: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 1.5), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def _nearer(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The frame after a step ahead, in a tunnel: what is farther out in the view is nearer, and moves more."""
    x, y = np.meshgrid(np.linspace(-1, 1, WIDTH), np.linspace(-1, 1, HEIGHT))
    zoom = FAR_ZOOM + (NEAR_ZOOM - FAR_ZOOM) * np.maximum(np.abs(x), np.abs(y))
    columns, rows = ((axis / zoom + 1) / 2 * (size - 1) for axis, size in ((x, WIDTH), (y, HEIGHT)))
    seen = cv2.remap(image, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_LINEAR)
    return seen.astype(np.uint8)
