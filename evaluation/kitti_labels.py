"""Label and result files of the KITTI object benchmark: a line an object, fields apart by blanks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FIELDS = (
    *("type", "truncated", "occluded", "alpha", "left", "top", "right", "bottom"),
    *("height", "width", "length", "x", "y", "z", "rotation_y"),
)
"""Fields of a line of ground truth; a line of results has the score after them."""


@dataclass(frozen=True)
class Objects:
    """Objects of images, one image's after another's, M in all."""

    starts: NDArray[np.int64]  # (images + 1,): those of image i are starts[i] ... starts[i + 1] - 1
    types: NDArray[np.str_]  # (M,) in lower case, as the benchmark compares them
    truncated: NDArray[np.float64]  # (M,) 0 ... 1, -1 unknown
    occluded: NDArray[np.float64]  # (M,) 0 visible, 1 partly, 2 largely, 3 unknown, -1 no object
    boxes: NDArray[np.float64]  # (M, 4) left, top, right, bottom in pixels from 0
    scores: NDArray[np.float64]  # (M,) zero in ground truth


def read_objects(paths: Sequence[Path], scored: bool) -> Objects:
    """Objects of the files, an image each; ``scored`` for results, whose lines have 16 fields in place of 15.

    Raises ``ValueError`` with file, line and field for a line with another number of fields and for what is not a
    finite number. A file may be empty: an image with nothing in it.
    """
    types, tables, starts = list[str](), [np.zeros((0, 14 + scored))], [0]
    for path in paths:
        lines = [line.split() for line in _text(path) if line.strip()]
        tables.append(_numbers(path, lines, scored))
        types += [words[0].lower() for words in lines]
        starts.append(len(types))
    table = np.concatenate(tables)
    return Objects(
        starts=np.array(starts),
        types=np.array(types, np.str_),
        truncated=table[:, 0],
        occluded=table[:, 1],
        boxes=table[:, 3:7],
        scores=table[:, 14] if scored else np.zeros(len(table)),
    )


def _text(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file of labels") from None


def _numbers(path: Path, lines: list[list[str]], scored: bool) -> NDArray[np.float64]:
    """What follows the types, (objects, 14 or 15)."""
    try:
        table = np.array([[float(word) for word in words[1:]] for words in lines], np.float64)
    except ValueError:  # a word that is no number, or lines of different lengths
        raise _mistake(path, scored) from None
    if lines and (table.shape[1] != 14 + scored or not np.isfinite(table).all()):
        raise _mistake(path, scored)
    return table.reshape(-1, 14 + scored)


def _mistake(path: Path, scored: bool) -> ValueError:
    """The first mistake, in one sentence."""
    kind, names = ("results", (*FIELDS, "score")) if scored else ("ground truth", FIELDS)
    for number, line in enumerate(_text(path), 1):
        words = line.split()
        if words and len(words) != len(names):
            has = f"{len(words)} fields where {kind} have {len(names)}"
            return ValueError(f"{path}, line {number}: {has}: {' '.join(names)}")
        for name, word in zip(names[1:], words[1:]):
            if not _finite(word):
                return ValueError(f"{path}, line {number}, field {name}: {word!r} is not a finite number")
    return ValueError(f"{path} changed while it was read")


def _finite(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False
