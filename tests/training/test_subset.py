"""Subsets: nested, seeded, of the size asked for; of a dataset they leave validation alone."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from training.configuration import Configuration, InputParameters
from training.loader import LoaderParameters
from training.relative_depth import RelativeDepth
from training.subset import SubsetParameters, chosen


def test_smaller_subsets_are_within_larger_ones() -> None:
    sizes = [chosen(1000, SubsetParameters(fraction)) for fraction in (0.001, 0.1, 0.5, 1.0)]
    assert [len(numbers) for numbers in sizes] == [1, 100, 500, 1000]
    for small, large in pairwise(sizes):
        assert set(small) < set(large)
    assert sizes[-1].tolist() == list(range(1000))
    assert chosen(1000, SubsetParameters(0.5, max_samples=100)).tolist() == sizes[1].tolist()
    assert len(chosen(1000, SubsetParameters(0.1, max_samples=500))) == 100


def test_a_seed_is_another_draw_without_a_bias() -> None:
    draws = [chosen(1000, SubsetParameters(0.1, seed=seed)) for seed in range(50)]
    assert len({tuple(numbers) for numbers in draws}) == 50
    # the mean of 5,000 of 0 ... 999 has a standard deviation of 4.1
    assert abs(np.mean(draws) - 499.5) < 16


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        (SubsetParameters(0.0), r"subset.fraction must be in \(0, 1\], not 0.0"),
        (SubsetParameters(1.5), r"subset.fraction must be in \(0, 1\], not 1.5"),
        (SubsetParameters(max_samples=0), "subset.max_samples must be positive, not 0"),
    ],
)
def test_what_is_no_part_is_refused(parameters: SubsetParameters, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parameters.check()


def test_pre_training_takes_a_part_of_its_training_split(small_dataset: Path) -> None:
    own = Configuration(input=InputParameters(64, 64), loader=LoaderParameters(4, workers=0))
    whole = RelativeDepth(own, str(small_dataset))
    part = RelativeDepth(replace(own, subset=SubsetParameters(max_samples=6)), str(small_dataset))
    keys = [{key for batch in task.loader(0, 1) for key in batch.keys if key} for task in (whole, part)]
    assert [len(each) for each in keys] == [22, 6]
    assert keys[1] < keys[0]
    assert len(part.dataset.split("val")) == 7
