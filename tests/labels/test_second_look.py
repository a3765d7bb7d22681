"""The glances at a video know how much of it they see."""

import numpy as np
import pytest

from labels.second_look import glances
from tests.labels.test_survey import WIDTH, sliding, surveyed


@pytest.mark.parametrize("shift", [2.0, 8.0])
def test_pairs_that_overlap_are_fresh_by_what_is_new_in_them(shift: float) -> None:
    found = glances(surveyed(sliding(shift, 20)), WIDTH, 100)
    assert max(glance.second - glance.first for glance in found) == (3 if shift == 2 else 1)
    assert found[0].fresh == 1
    spans = sum(glance.fresh * (glance.second - glance.first) for glance in found)
    assert spans == pytest.approx(found[-1].second - found[0].first)


def test_pairs_apart_are_all_fresh() -> None:
    found = glances(surveyed(sliding(2.0, 40)), WIDTH, 4)
    assert len(found) == 4
    assert np.all([glance.fresh == 1 for glance in found])
