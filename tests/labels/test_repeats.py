"""Footage found again, on hashes that change like those of a drive."""

import numpy as np
import pytest

from labels.repeats import DuplicateParameters, Footage, Repeat, repeats
from tests.labels.hashed_drives import copied, drive, footage

DEFAULT = DuplicateParameters()


def test_a_copy_is_found_whole() -> None:
    one = drive(1, 20)
    (found,) = repeats([footage(drive(2, 20)), footage(one), footage(copied(one, 3))], DEFAULT)
    assert (found.first, found.second, found.shift_s) == (1, 2, 0.0)
    assert found.start_s < 0.5 and found.end_s > 19
    assert found.bits == pytest.approx(3, abs=0.5)


@pytest.mark.parametrize("cut", [17, 24])
def test_a_copy_that_begins_later_is_found_at_its_shift(cut: int) -> None:
    one = drive(1, 30)
    (found,) = repeats([footage(one), footage(copied(one, 3)[cut:])], DEFAULT)
    assert found.shift_s == pytest.approx(-cut / 5)
    assert (found.start_s, found.end_s) == (pytest.approx(cut / 5, abs=0.5), pytest.approx(29.8, abs=0.5))


def test_a_part_in_common_is_told_as_that_part() -> None:
    one, other = drive(1, 30), drive(2, 30)
    mixed = np.concatenate([other[:50], copied(one[60:100], 3), other[90:]])
    (found,) = repeats([footage(one), footage(mixed)], DEFAULT)
    assert found.shift_s == pytest.approx(-2.0)
    assert (found.start_s, found.end_s) == (pytest.approx(12, abs=0.5), pytest.approx(19.8, abs=0.5))


def test_two_parts_at_other_shifts_are_two_findings() -> None:
    one = drive(1, 40)
    swapped = np.concatenate([one[100:], one[:100]])
    found = repeats([footage(one), footage(swapped)], DEFAULT)
    assert sorted(each.shift_s for each in found) == [-20.0, 20.0]


def test_a_copy_without_its_border_is_found_from_either_side() -> None:
    one = drive(1, 20)
    whole, cropped = footage(one), footage(copied(drive(9, 20), 1))
    whole.hashes[:, 1] = copied(cropped.hashes[:, 0], 5)
    for pair in ([whole, cropped], [cropped, whole]):
        (found,) = repeats(pair, DEFAULT)
        assert found.shift_s == 0.0 and found.end_s - found.start_s > 18


def test_drives_have_nothing_in_common() -> None:
    assert repeats([footage(drive(seed, 60)) for seed in range(20)], DEFAULT) == []


def test_parts_of_one_drive_have_nothing_in_common() -> None:
    one = drive(1, 60)
    assert repeats([footage(one[:150]), footage(one[150:])], DEFAULT) == []


def test_what_looks_alike_at_any_shift_is_no_copy() -> None:
    """Two empty roads: always within a few bits of each other, and of themselves a second later."""
    road = drive(1, 0.2)[0]
    dull = [copied(np.full(150, road, np.uint64), seed, 3) for seed in (1, 2)]
    assert repeats([footage(each) for each in dull], DEFAULT) == []


def test_where_the_car_stands_or_nothing_is_shown_no_time_is_told() -> None:
    one = drive(1, 20)
    stands, dark = np.full(100, one[0], np.uint64), np.zeros(100, np.uint64)
    for still in (stands, dark):
        assert repeats([footage(still + np.uint64(0)), footage(still)], DEFAULT) == []
    (found,) = repeats([footage(np.concatenate([stands, one])), footage(one)], DEFAULT)
    assert found.shift_s == pytest.approx(-20.0)


def test_what_is_shorter_than_asked_for_is_not_told() -> None:
    one, other = drive(1, 30), drive(2, 30)
    mixed = np.concatenate([other[:50], one[60:100], other[90:]])  # 8 s
    assert repeats([footage(one), footage(mixed)], DuplicateParameters(shortest_s=9.0)) == []
    assert len(repeats([footage(one), footage(mixed)], DuplicateParameters(shortest_s=7.0))) == 1


def test_the_order_of_the_videos_changes_their_numbers_only() -> None:
    one, other = drive(1, 30), drive(2, 30)
    hashes = [one, other, copied(one, 3)[25:], copied(other, 4), drive(5, 30)]

    def told(order: list[int]) -> set[tuple[int, int, float]]:
        found = repeats([footage(hashes[number]) for number in order], DEFAULT)
        return {_by_name(each, order) for each in found}

    assert told([0, 1, 2, 3, 4]) == told([4, 2, 3, 0, 1]) == {(0, 2, -5.0), (1, 3, 0.0)}


def _by_name(found: Repeat, order: list[int]) -> tuple[int, int, float]:
    first, second = order[found.first], order[found.second]
    return (first, second, found.shift_s) if first < second else (second, first, -found.shift_s)


def test_nothing_is_like_nothing() -> None:
    empty = Footage(np.empty(0), np.empty((0, 2), np.uint64))
    one = drive(1, 20)
    assert repeats([], DEFAULT) == repeats([empty], DEFAULT) == []
    assert len(repeats([empty, footage(one), footage(one[:1]), footage(one)], DEFAULT)) == 1
