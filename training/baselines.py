"""What a network must beat: pictures that do not look at the frame.

Most frames have the road below, near, and the far end in the middle, so that a fixed picture ranks depths well already.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labels.codec import decode


@dataclass(frozen=True)
class Baselines:
    """Fixed predictions, (H, W) ``float32`` each, of labels of that size."""

    row: NDArray[np.float32]  # the median label of each row: no constant of a row has a lower L1
    mean_map: NDArray[np.float32]  # the mean label of each pixel

    def pictures(self) -> dict[str, NDArray[np.float32]]:
        """The predictions by the names they have in tables."""
        return {"best constant per row": self.row, "mean label map": self.mean_map}


def fit(codes: Iterable[NDArray[np.uint8]]) -> Baselines:
    """From training labels, codes (H, W) ``uint8`` (LABELS section 10.5). Raises ``ValueError`` where none has a label.

    Where no frame has a label, a row takes the median of its nearest row that has one, a pixel the median of its row.
    """
    total: NDArray[np.float64] | None = None
    for label in codes:
        if total is None:
            total, count = np.zeros(label.shape), np.zeros(label.shape)
            histogram = np.zeros((label.shape[0], 256), np.int64)
        z, valid = decode(label)
        total += z
        count += valid
        rows = np.broadcast_to(np.arange(label.shape[0])[:, None], label.shape)
        histogram += np.bincount(256 * rows.ravel() + label.ravel(), minlength=histogram.size).reshape(histogram.shape)
    if total is None or not count.any():
        raise ValueError("the training split has no label to make baselines from")
    row = np.broadcast_to(_medians(histogram)[:, None], total.shape)
    mean_map = np.where(count > 0, total / np.maximum(count, 1), row)
    return Baselines(np.ascontiguousarray(row, dtype=np.float32), mean_map.astype(np.float32))


def _medians(histogram: NDArray[np.int64]) -> NDArray[np.float64]:
    """Median percentile of each row of histograms of codes; code 0 does not count."""
    labels = histogram[:, 1:].cumsum(axis=1)
    known = np.flatnonzero(labels[:, -1])
    codes = 1 + (2 * labels < labels[:, -1:]).sum(axis=1)
    nearest = known[np.abs(np.arange(len(codes))[:, None] - known[None, :]).argmin(axis=1)]
    z, _ = decode(codes[nearest].astype(np.uint8))
    return z.astype(np.float64)


def save(path: Path, baselines: Baselines) -> None:
    """Write them, as a whole file or none."""
    temporary = path.with_name(f".tmp-{path.name}")
    with temporary.open("wb") as file:
        np.savez_compressed(file, row=baselines.row, mean_map=baselines.mean_map)
    temporary.replace(path)


def load(path: Path) -> Baselines:
    """What ``save`` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return Baselines(arrays["row"], arrays["mean_map"])
