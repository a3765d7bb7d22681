"""Boxes of KITTI's object labels, and what a grid of cells should say of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.kitti_labels import read_objects
from training.models.fastbox import CELL

CARS = {"car", "van"}
UNKNOWN = "dontcare"
FOCUS = 1.8
"""Cells between the centres of a cell and of a box, at most, in x and in y."""
LARGEST = 10_000
"""Pixels: sides of a box that is learned are less."""
MARGIN = 2
"""Pixels at each side of a DontCare box that still count."""


class AnnotationError(ValueError):
    """A label file that cannot be used; the message says which, where and why."""


@dataclass(frozen=True)
class Annotation:
    """Type and rectangle of an object, in pixels of the image file."""

    kind: str  # in lower case
    left: float
    top: float
    right: float
    bottom: float

    def scaled(self, x: float, y: float) -> "Annotation":
        """The same in an image resized by these factors."""
        return Annotation(self.kind, self.left * x, self.top * y, self.right * x, self.bottom * y)

    def mirrored(self, width: float) -> "Annotation":
        """The same in an image of this width seen in a mirror, pixel x at ``width - 1 - x``."""
        return Annotation(self.kind, width - 1 - self.right, self.top, width - 1 - self.left, self.bottom)


@dataclass(frozen=True)
class Targets:
    """What the cells of one image should say."""

    box: NDArray[np.float32]  # (R, C, 4): x, y from the cell's centre to the box's, width, height, pixels; else 0
    positive: NDArray[np.bool_]  # (R, C): there is a car
    mask: NDArray[np.bool_]  # (R, C): confidence counts here


def read_annotations(path: Path, may_be_empty: bool) -> tuple[Annotation, ...]:
    """The lines of a label file, in their order.

    Raises ``AnnotationError`` for a missing or malformed file, and for one without lines unless ``may_be_empty``: in
    KITTI's training set every frame has an object, so that such a file was cut short.
    """
    if not path.is_file():
        raise AnnotationError(f"{path} is missing; every image needs its label file")
    try:
        objects = read_objects([path], scored=False)
    except ValueError as error:
        raise AnnotationError(str(error)) from None
    if not len(objects.types) and not may_be_empty:
        raise AnnotationError(f"{path} is empty, and no label file of KITTI's training set is; copy it again")
    for number, (left, top, right, bottom) in enumerate(objects.boxes, 1):
        if left > right or top > bottom:
            raise AnnotationError(
                f"{path}, object {number}: {left} {top} {right} {bottom} is no left, top, right, bottom"
            )
    return tuple(Annotation(str(kind), *map(float, box)) for kind, box in zip(objects.types, objects.boxes))


def targets(annotations: tuple[Annotation, ...], height: int, width: int) -> Targets:
    """The targets of an image of ``height`` x ``width`` pixels, multiples of 32 (MODELS 4.1).

    A cell looks at the first annotated car or van that intersects it, and at no other: it is positive where that one's
    centre is within 57.6 pixels of the cell's in x and in y. Confidence does not count in cells of DontCare boxes.
    """
    rows, columns = height // CELL, width // CELL
    found = Targets(
        np.zeros((rows, columns, 4), np.float32), np.zeros((rows, columns), bool), np.ones((rows, columns), bool)
    )
    cars = [annotation for annotation in annotations if annotation.kind in CARS]
    for row in range(rows):
        for column in range(columns):
            box = _first(cars, row, column)
            if box is not None:
                found.box[row, column], found.positive[row, column] = box, True
    for annotation in annotations:
        if annotation.kind == UNKNOWN:
            found.mask[_cells(annotation, rows, columns)] = False
    return found


def _first(cars: list[Annotation], row: int, column: int) -> tuple[float, float, float, float] | None:
    """The first car that intersects a cell, as its target; None where it is too far or large, or there is none."""
    left, top = column * CELL, row * CELL
    for car in cars:
        if car.left < left + CELL and car.right > left and car.top < top + CELL and car.bottom > top:
            x = (car.left + car.right) / 2 - left - CELL / 2
            y = (car.top + car.bottom) / 2 - top - CELL / 2
            w, h = car.right - car.left, car.bottom - car.top
            near = max(abs(x), abs(y)) < FOCUS * CELL and max(w, h) < LARGEST
            return (x, y, w, h) if near else None
    return None


def _cells(annotation: Annotation, rows: int, columns: int) -> tuple[slice, slice]:
    """The cells between the box's edges, each moved inwards by two pixels, both ends included."""
    left, right = (int(x / CELL) for x in (annotation.left + MARGIN, annotation.right - MARGIN))
    top, bottom = (int(y / CELL) for y in (annotation.top + MARGIN, annotation.bottom - MARGIN))
    return slice(max(top, 0), min(bottom, rows - 1) + 1), slice(max(left, 0), min(right, columns - 1) + 1)
