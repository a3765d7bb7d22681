import numpy as np
import pytest
from numba import njit

from labels.flow_rows import split_row


@njit
def split(flow: np.ndarray) -> np.ndarray:
    result = np.empty((2, *flow.shape[:2]), np.float32)
    for row in range(len(flow)):
        split_row(flow[row], result[0, row], result[1, row])
    return result


@pytest.mark.parametrize("width", [1, 7, 64, 101])
def test_a_row_is_split_into_its_components(width: int) -> None:
    flow = np.random.default_rng(width).normal(size=(3, width, 2)).astype(np.float32)
    flow[1, 0] = np.nan, np.inf
    np.testing.assert_array_equal(split(flow), np.moveaxis(flow, 2, 0))
