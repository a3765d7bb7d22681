import numpy as np
import pytest

from labels.motion_peeling import otsu, peeled


def test_the_threshold_parts_two_levels_and_explains_all_between_them() -> None:
    threshold, explained = otsu(np.repeat([0.0, 10.0], [300, 100]))
    assert 0 < threshold < 10
    assert explained == pytest.approx(1)


def test_what_is_spread_evenly_is_explained_to_three_quarters() -> None:
    threshold, explained = otsu(np.linspace(0, 8, 10001))
    assert threshold == pytest.approx(4, abs=0.1)
    assert explained == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize("values", [[], [3.0, 3.0]])
def test_nothing_to_part(values: list[float]) -> None:
    assert otsu(np.array(values)) == (np.inf, 0.0)


def scene() -> np.ndarray:
    """Errors of some tenths, a thing that errs by ten pixels and a thing that errs by four."""
    error = np.abs(np.random.default_rng(0).normal(0, 0.2, (60, 80)))
    error[10:20, 10:20] = 10
    error[40:50, 50:60] = 4
    return error


def test_one_thing_after_the_other_is_peeled_off() -> None:
    found = peeled(scene(), least=20, effectiveness=0.7, most=15)
    assert found[10:20, 10:20].all() and found[40:50, 50:60].all()
    assert np.count_nonzero(found) == 200


def test_the_worst_comes_first() -> None:
    found = peeled(scene(), least=20, effectiveness=0.7, most=1)
    assert found[10:20, 10:20].all() and np.count_nonzero(found) == 100


def test_a_speck_is_left_out_and_hides_nothing() -> None:
    error = scene()
    error[30, 30:45] = 20
    error[5, 5] = np.nan
    assert np.count_nonzero(peeled(error, least=20, effectiveness=0.7, most=15)) == 200


def test_a_scene_without_movers_keeps_its_pixels() -> None:
    error = np.abs(np.random.default_rng(1).normal(0, 0.2, (60, 80)))
    assert not peeled(error, least=20, effectiveness=0.7, most=15).any()
