"""Frames of a run's validation split with their labels as pictures, in the colours of the field of each task."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from labels.codec import decode
from training import overlay
from training.absolute_depth.overlay import points
from training.absolute_depth.task import AbsoluteDepthTask
from training.configuration import Configuration, RunConfiguration
from training.decode import CODES
from training.finetuning import task_class
from training.multinet.frames import ROAD, CarFrame, RoadFrame
from training.multinet.overlay import labelled
from training.multinet.task import MultiNetTask
from training.pretraining import pretraining_task
from training.relative_depth import RelativeDepth
from training.sample import SampleError, members
from training.segmentation.images import read
from training.segmentation.task import Segmentation


@dataclass(frozen=True)
class LabelledFrame:
    """A frame as it is stored, and its label."""

    key: str
    frame: NDArray[np.uint8]  # RGB (H, W, 3)
    label: NDArray[np.uint8]  # RGB (H, W, 3)


def labelled_frames(configuration: RunConfiguration, data: str, count: int) -> list[LabelledFrame]:
    """``count`` frames of the validation split at even distances, or all of fewer.

    Raises ``ValueError`` or ``OSError`` where the data is not there, or cannot be read.
    """
    if isinstance(configuration, Configuration):
        return _depth(pretraining_task(configuration, data), count)
    task = task_class(configuration.task)(configuration, data)
    return PAINTERS[configuration.task](task, count)


def evenly(of: int, count: int) -> list[int]:
    """``count`` numbers below ``of``, each in the middle of its part of them; all of fewer."""
    count = min(of, count)
    return [(2 * place + 1) * of // (2 * count) for place in range(count)]


def _depth(task: RelativeDepth, count: int) -> list[LabelledFrame]:
    split = task.dataset.split("val")
    numbers = evenly(len(split), count)
    found = split.reader().read([split.place(number) for number in numbers])
    return [_sample(split.key(number), blocks) for number, blocks in zip(numbers, found)]


def _sample(key: str, blocks: bytes | SampleError) -> LabelledFrame:
    if isinstance(blocks, SampleError):
        raise blocks
    content = members(key, blocks)
    frame = cv2.imdecode(np.frombuffer(content["jpg"], np.uint8), cv2.IMREAD_COLOR_RGB)
    codes = cv2.imdecode(np.frombuffer(content[CODES], np.uint8), cv2.IMREAD_UNCHANGED)
    if frame is None or codes is None:
        raise SampleError(f"{key} is damaged; check the dataset with `python -m pipeline lint`")
    return LabelledFrame(key, np.asarray(frame, np.uint8), overlay.colour(*decode(codes)))


def _classes(task: Segmentation, count: int) -> list[LabelledFrame]:
    layout, images = task.configuration.layout, task.validation.images
    found = []
    for labelled_image in (images[number] for number in evenly(len(images), count)):
        frame, truth = read(labelled_image, layout)
        found.append(LabelledFrame(labelled_image.key, frame, layout.benchmark.palette[truth]))
    return found


def _road_and_cars(task: MultiNetTask, count: int) -> list[LabelledFrame]:
    frames: Sequence[RoadFrame | CarFrame] = [*task.validation.road, *task.validation.cars]
    return [_road_or_cars(frames[number]) for number in evenly(len(frames), count)]


def _road_or_cars(frame: RoadFrame | CarFrame) -> LabelledFrame:
    image = frame.pixels()
    if isinstance(frame, RoadFrame):
        return LabelledFrame(frame.key, image, labelled(image, frame.labels() == ROAD, ()))
    return LabelledFrame(frame.key, image, labelled(image, None, frame.annotations))


def _metres(task: AbsoluteDepthTask, count: int) -> list[LabelledFrame]:
    frames = [task.validation[number] for number in evenly(len(task.validation), count)]
    return [LabelledFrame(frame.key, frame.pixels(), points(frame.metres())) for frame in frames]


PAINTERS: dict[str, Callable[[Any, int], list[LabelledFrame]]] = {
    "segmentation": _classes,
    "multinet": _road_and_cars,
    "absolute_depth": _metres,
}
"""By task of ``finetune``."""
