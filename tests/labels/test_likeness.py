import numpy as np
import pytest

from labels.likeness import LEAST, of_differences, of_levels


@pytest.mark.parametrize("scale", [2.0, 12.0, 40.0])
def test_both_ways_to_a_likeness_agree(scale: float) -> None:
    g = np.arange(256)
    wanted = np.exp(-np.abs(g[:, None] - g) / scale) + LEAST
    np.testing.assert_allclose(of_differences(scale)[np.abs(g[:, None] - g)], wanted, rtol=1e-6)
    e = of_levels(scale)
    assert e.dtype == np.float32 and np.isfinite(1 / e).all()
    with np.errstate(over="ignore"):
        quotients = np.minimum(e[:, None] * (1 / e), 1 / e[:, None] * e)
    np.testing.assert_allclose(quotients + LEAST, wanted, rtol=1e-5)
