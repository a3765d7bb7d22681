import numpy as np
import pytest
from numpy.typing import NDArray

from training.shard_order import epoch_order, random_bits, uniform


def shards(*counts: int) -> NDArray[np.int32]:
    return np.repeat(np.arange(len(counts), dtype=np.int32), counts)


def test_bits_are_those_of_splitmix64() -> None:
    # the published first outputs of the generator in states 0 and 1234567
    assert random_bits(0)[0] == 0xE220A8397B1DCDAF
    assert random_bits(1234567)[0] == 6457827717110365317


def test_uniform_numbers_are_even_and_do_not_follow_their_counters() -> None:
    found = uniform(3, np.arange(200)[:, None], np.arange(500))
    assert found.shape == (200, 500) and found.min() >= 0 and found.max() < 1
    counts = np.histogram(found, 100, (0, 1))[0]
    # chi-square with 99 degrees of freedom: one seed in a thousand is above
    assert ((counts - 1000) ** 2 / 1000).sum() < 149
    for other in (np.roll(found, 1, axis=0), np.roll(found, 1, axis=1)):
        assert abs(np.corrcoef(found.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(found.size)


def test_an_order_is_the_same_for_ever() -> None:
    # another order would be another run for everyone who resumes
    assert epoch_order(shards(3, 2, 4), 7, 1, 2).tolist() == [3, 0, 1, 6, 5, 8, 4, 7, 2]


@pytest.mark.parametrize("counts", [(1,), (5,), (3, 1, 40), (100,) * 30, (1,) * 50])
@pytest.mark.parametrize("mixed", [1, 4, 16])
def test_every_sample_comes_once(counts: tuple[int, ...], mixed: int) -> None:
    order = epoch_order(shards(*counts), 0, 0, mixed)
    np.testing.assert_array_equal(np.sort(order), np.arange(sum(counts)))


def test_epochs_and_seeds_differ() -> None:
    orders = [epoch_order(shards(50, 50), seed, epoch, 4) for seed in range(3) for epoch in range(3)]
    assert len({tuple(order) for order in orders}) == 9


def test_neighbours_come_from_many_shards_but_few_shards_are_in_use() -> None:
    shard = shards(*[200] * 60)
    of_order = shard[epoch_order(shard, 1, 0, 16)]
    for start in range(0, len(shard), 400):
        assert len(set(of_order[start : start + 100])) >= 8
    last = {number: place for place, number in enumerate(of_order)}
    first = {number: len(of_order) - 1 - place for place, number in enumerate(of_order[::-1])}
    in_use = [sum(first[s] <= place <= last[s] for s in range(60)) for place in range(0, len(shard), 50)]
    assert max(in_use) <= 18


def test_few_shards_are_shuffled_as_one() -> None:
    # the middle place of a shard's samples is then that of the whole, up to chance
    shard = shards(*[400] * 6)
    of_order = shard[epoch_order(shard, 2, 0, 16)]
    for number in range(6):
        assert np.mean(np.flatnonzero(of_order == number)) / len(shard) == pytest.approx(0.5, abs=0.06)
