import numpy as np
import pytest
from numba import njit
from scipy.special import i0

from labels.angle_likelihood import LIKELIHOODS, angle_from, laplace, log_ratios, mixture, von_mises

THETA = np.linspace(-np.pi, np.pi, 20001)


@pytest.mark.parametrize(("theta", "r"), [(0.0, 0.5), (0.3, 1.0), (np.pi, 2.0)])
def test_von_mises_is_as_concentrated_as_four_times_the_length(theta: float, r: float) -> None:
    expected = np.exp(4 * r * np.cos(theta)) / (2 * np.pi * i0(4 * r))
    assert von_mises(np.array(theta), np.array(r)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("r", [0.0, 0.3, 1.0, 5.0, 24.0])
def test_densities_of_the_angle_integrate_to_one(r: float) -> None:
    assert np.trapezoid(von_mises(THETA, np.array(r)), THETA) == pytest.approx(1, abs=1e-6)
    assert np.trapezoid(mixture(THETA, np.array(r), 0.3, 0.02), THETA) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("r", "concentration"), [(1.0, 11.06), (6.0, 345.0), (1e6, 2500.0)])
def test_the_mixture_is_as_narrow_as_the_noise(r: float, concentration: float) -> None:
    """LABELS 8.1 C: ``r^2 / (0.3^2 + (0.02 r)^2)``."""
    at = mixture(np.array([0.0, 1 / np.sqrt(concentration)]), np.array(r), 0.3, 0.02, outliers=0.0)
    assert at[1] / at[0] == pytest.approx(np.exp(concentration * (np.cos(concentration**-0.5) - 1)), rel=1e-3)
    assert at[0] == pytest.approx(np.sqrt(concentration / (2 * np.pi)), rel=0.02)


def test_the_mixture_is_never_surer_of_a_mover_than_its_outliers_allow() -> None:
    assert mixture(np.array(np.pi), np.array(20.0), 0.3, 0.02) == pytest.approx(0.05 / (2 * np.pi))


def test_laplace_sums_over_true_lengths() -> None:
    """LABELS 8.1 B, written out for one angle and length."""

    def density(x: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return np.exp(-np.abs(x) / scale) / (2 * scale)

    theta, r, m = np.deg2rad(30.0), 2.1, 0.07 * np.arange(358)
    b_u, b_v = np.sqrt(139.7 * np.exp(0.04174 * m) / 1024), np.sqrt(56.65 * np.exp(0.04881 * m) / 1024)
    terms = density(m - r * np.cos(theta), b_u) * density(r * np.sin(theta), b_v) * 2 * density(m, np.array(4.0))
    assert laplace().shape == (1801, 358)
    assert laplace()[300, 30] == pytest.approx(terms.sum(), rel=1e-9)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_still_is_likelier_ahead_and_moving_against(likelihood: str) -> None:
    table = log_ratios(likelihood, 0.3, 0.02)
    assert table.shape == (1801, 358) and np.isfinite(table).all()
    assert (table[0, 20:] > 0).all() and (table[1800, 20:] < 0).all()
    assert np.abs(table[:, 0]).max() < 0.5  # no length, no evidence


def test_an_unknown_model_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"unknown likelihood 'gauss'; known: von_mises, laplace, mixture"):
        log_ratios("gauss", 0.3, 0.02)


def test_the_angle_is_the_arc_tangent() -> None:
    theta, length = np.meshgrid(np.linspace(0, np.pi, 1801), [1e-3, 1.0, 1e4])
    along, across = (length * np.cos(theta)).astype(np.float32), (length * np.abs(np.sin(theta))).astype(np.float32)
    found = np.array([_angle_from(*pair) for pair in zip(along.ravel(), across.ravel())])
    np.testing.assert_allclose(found, np.arctan2(across, along).ravel(), atol=5e-7)
    assert _angle_from(np.float32(0), np.float32(0)) == 0


@njit
def _angle_from(along: np.float32, across: np.float32) -> np.float32:
    return angle_from(along, across)
