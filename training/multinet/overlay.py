"""Road and cars drawn on the image that they were found in."""

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.multinet.annotations import CARS, Annotation
from training.multinet.detections import Detections

ROAD_COLOUR, CAR_COLOUR = (60, 220, 60), (255, 160, 0)
SHARE = 0.5
"""Of the picture that the colour of sure road takes."""
LEAST = 0.5
"""Confidence of cars that are drawn."""


def overlay(
    image: NDArray[np.uint8], probability: NDArray[np.floating] | None, cars: Detections | None
) -> NDArray[np.uint8]:
    """An RGB image (H, W, 3) with road in green, as strong as it is probable, and boxes of likely cars in orange."""
    picture = _green(image, probability)
    for box, score in zip(cars.boxes, cars.scores) if cars is not None else ():
        if score >= LEAST:
            left, top = _frame(picture, box)
            place = (left, max(top - 4, 10))
            cv2.putText(picture, f"{score:.2f}", place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, CAR_COLOUR, 1, cv2.LINE_AA)
    return picture


def labelled(
    image: NDArray[np.uint8], road: NDArray[np.bool_] | None, annotations: Iterable[Annotation]
) -> NDArray[np.uint8]:
    """The same of a label: what is road (H, W), and the boxes of what counts as a car."""
    picture = _green(image, road)
    for each in annotations:
        if each.kind in CARS:
            _frame(picture, (each.left, each.top, each.right, each.bottom))
    return picture


def _green(image: NDArray[np.uint8], probability: NDArray[Any] | None) -> NDArray[np.uint8]:
    if probability is None:
        return image.copy()
    share = SHARE * probability[..., None].astype(np.float32)
    drawn = image.astype(np.float32) * (1 - share) + share * np.array(ROAD_COLOUR, np.float32)
    return np.rint(drawn).astype(np.uint8)


def _frame(picture: NDArray[np.uint8], box: Iterable[float]) -> tuple[int, int]:
    """Draw a box; its left and top."""
    left, top, right, bottom = (round(float(edge)) for edge in box)
    cv2.rectangle(picture, (left, top), (right, bottom), CAR_COLOUR, 2)
    return left, top
