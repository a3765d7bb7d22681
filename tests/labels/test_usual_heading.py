import numpy as np
import pytest

from labels.egomotion import Egomotion
from labels.usual_heading import FEWEST_PAIRS, usual_heading


def motions(headings: np.ndarray, reason: str = "") -> list[Egomotion]:
    return [Egomotion(T=T / np.linalg.norm(T), reason=reason) for T in headings]


def around(heading: tuple[float, float, float], spread: float, count: int = 40) -> np.ndarray:
    return np.array(heading) + np.random.default_rng(0).normal(0, spread, (count, 3))


def test_the_usual_heading_is_the_middle() -> None:
    found = usual_heading(motions(around((0.1, -0.05, 1.0), 0.01)))
    np.testing.assert_allclose(found, np.array([0.1, -0.05, 1.0]) / np.linalg.norm([0.1, -0.05, 1.0]), atol=0.005)


def test_reversing_counts_as_the_way_back() -> None:
    ahead = around((0.1, 0.0, 1.0), 0.01)
    ahead[::3] *= -1
    assert usual_heading(motions(ahead))[0] == pytest.approx(0.1, abs=0.005)


def test_fits_that_went_wrong_do_not_turn_it() -> None:
    good, astray = motions(around((0.0, 0.0, 1.0), 0.01)), motions(around((1.0, 0.2, 0.2), 0.1, 12))
    refused = motions(around((-1.0, 0.0, 0.5), 0.1, 200), "cost")
    assert np.abs(usual_heading(good + astray + refused)[:2]).max() < 0.02


@pytest.mark.parametrize("headings", [around((0.3, 0, 1.0), 0.01, FEWEST_PAIRS - 1), around((0.3, 0, 0.3), 2.0)])
def test_what_is_not_known_is_straight_ahead(headings: np.ndarray) -> None:
    np.testing.assert_array_equal(usual_heading(motions(headings)), [0, 0, 1])
