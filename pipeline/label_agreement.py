"""How alike two labels of one frame are, from the counts of their codes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CODES = 256


@dataclass(frozen=True)
class Agreement:
    """Over the pixels that both label: rank correlation, -1 to 1 (NaN where there is no order), and mean difference."""

    spearman: float
    difference: float  # mean |new - old| of the percentile, 0 ... 1
    both: float  # share of the frame that both label
    only_old: float  # share that only the old one labels
    only_new: float  # share that only the new one labels


def agreement(old: NDArray[np.uint8], new: NDArray[np.uint8]) -> Agreement:
    """Compare label codes (H, W), 0 = no label, of one shape. Raises ``ValueError`` where shapes differ."""
    if old.shape != new.shape:
        raise ValueError(f"labels of different sizes: {old.shape[1]}x{old.shape[0]} and {new.shape[1]}x{new.shape[0]}")
    # 255 codes make a table of pairs of codes all there is to know: no sorting of a quarter of a million pixels.
    joint = np.bincount(old.astype(np.intp).ravel() * CODES + new.ravel(), minlength=CODES * CODES)
    joint = joint.reshape(CODES, CODES)
    both = joint[1:, 1:]
    steps = np.arange(CODES - 1)
    labelled = both.sum()
    apart = (both * np.abs(steps[:, None] - steps)).sum() / (CODES - 1)
    return Agreement(
        spearman=_spearman(both),
        difference=float(apart / labelled) if labelled else float("nan"),
        both=float(labelled / joint.sum()),
        only_old=float(joint[1:, 0].sum() / joint.sum()),
        only_new=float(joint[0, 1:].sum() / joint.sum()),
    )


def _spearman(joint: NDArray[np.intp]) -> float:
    """The rank correlation of two variables, ties at their mean rank, from their table of counts."""
    total = joint.sum()
    first, second = _centred_ranks(joint.sum(axis=1)), _centred_ranks(joint.sum(axis=0))
    spread = np.sqrt((joint.sum(axis=1) @ first**2) * (joint.sum(axis=0) @ second**2))
    return float(first @ joint @ second / spread) if total and spread > 0 else float("nan")


def _centred_ranks(counts: NDArray[np.intp]) -> NDArray[np.float64]:
    ranks: NDArray[np.float64] = np.cumsum(counts) - counts / 2
    return ranks - counts.sum() / 2
