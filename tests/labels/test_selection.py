"""The motion rule keeps the pairs it should and gives every other frame its reason."""

import numpy as np
import pytest
from numpy.typing import NDArray

from labels.selection import PairTable, SelectionParameters, select

Table = dict[str, NDArray[np.float64]]


def drive(count: int = 60, motion: float = 3.0, rate: float = 30.0) -> Table:
    """The survey of an even drive: an upper quantile of ``motion`` pixels a frame, a median of a third of it."""
    values = {
        "mean": 100.0,
        "sharpness": 500.0,
        "blockiness": 10.0,
        "saturated": 0.02,
        "textured": 0.4,
        "difference": 5.0,
        "difference_q999": 120.0,
        "overlap": 0.97,
        "median": motion / 3,
        "p75": motion / 1.5,
        "p90": motion,
        "road": motion / 2,
        "consistent": 0.95,
        "residual": 2.0,
    }
    table = {"time_s": np.arange(count) / rate}
    for name, value in values.items():
        table[name] = np.full(count, value)
        if name in (
            "difference",
            "difference_q999",
            "overlap",
            "median",
            "p75",
            "p90",
            "road",
            "consistent",
            "residual",
        ):
            table[name][:1] = np.nan
    return table


def change(table: Table, rows: object, **values: float) -> Table:
    for name, value in values.items():
        table[name][rows] = value  # type: ignore[index]
    return table


def kept_rows(pairs: PairTable) -> list[int]:
    return [int(row) for row in np.flatnonzero(pairs.kept)]


DUPLICATE = {
    "difference": 0.0,
    "difference_q999": 0.0,
    "overlap": 1.0,
    "median": 0.0,
    "p75": 0.0,
    "p90": 0.0,
    "road": 0.0,
}


@pytest.mark.parametrize(("motion", "distance"), [(12.0, 1), (6.0, 2), (3.0, 4), (2.0, 6), (1.3, 8), (0.6, 8)])
def test_the_distance_is_the_first_with_enough_motion(motion: float, distance: int) -> None:
    pairs = select(drive(motion=motion), 640)
    rows = [row for row in kept_rows(pairs) if row < 52]  # later ones have not as many frames ahead
    assert len(rows) > 5
    assert set(pairs.distance[rows]) == {distance}
    np.testing.assert_array_equal(pairs.second[rows], np.array(rows) + distance)
    np.testing.assert_allclose(pairs.motion_px[rows], distance * motion)


def test_a_far_scene_gets_a_longer_distance_than_its_fastest_part_asks_for() -> None:
    table = drive(motion=6.0)
    change(table, slice(1, None), median=0.6)
    pairs = select(table, 640)
    assert set(pairs.distance[:50]) == {6}  # 12 px at two frames, a median of 3 px at five
    assert pairs.kept.any()


def test_the_road_counts_where_it_moves_most() -> None:
    table = drive(motion=2.0)
    change(table, slice(1, None), road=12.5, median=3.0)
    assert set(select(table, 640).distance[:-1]) == {1}


def test_lengths_scale_with_the_width() -> None:
    wide, narrow = drive(motion=6.0), drive(motion=3.0)
    assert kept_rows(select(wide, 640)) == kept_rows(select(narrow, 320))
    assert set(select(narrow, 320).distance[:50]) == {2}


def test_the_frames_of_a_pair_are_close_in_time_unless_neighbours() -> None:
    pairs = select(drive(motion=2.0, rate=10.0), 640)
    assert set(pairs.distance[:50][pairs.kept[:50]]) == {3}  # 0.35 s
    pairs = select(drive(motion=3.0, rate=2.0), 640)
    assert set(pairs.distance[pairs.kept]) == {1}


def test_labelled_frames_are_two_apart_and_bring_news() -> None:
    assert kept_rows(select(drive(motion=20.0), 640))[:4] == [0, 2, 4, 6]
    assert kept_rows(select(drive(motion=3.0), 640))[:4] == [0, 3, 6, 9]  # 8 px
    slow = select(drive(motion=0.6), 640)
    assert kept_rows(slow)[:3] == [0, 8, 16]  # 0.25 s
    assert slow.reasons()["spacing"] > 40


def test_every_frame_has_a_reason_or_a_partner() -> None:
    pairs = select(drive(), 640)
    assert sum(pairs.reasons().values()) == 60
    assert pairs.reasons()["kept"] == pairs.kept.sum()
    assert (pairs.second[pairs.kept] > np.flatnonzero(pairs.kept)).all()
    assert pairs.reason[-1] == "end_of_shot"


def test_standing_still_is_slow_whatever_moves_in_front() -> None:
    table = drive(motion=12.0)
    change(table, slice(1, None), median=0.05)  # cars that cross
    pairs = select(table, 640)
    assert not pairs.kept.any()
    assert pairs.reasons() == {"slow": 59, "end_of_shot": 1}


def test_motion_that_flow_cannot_follow_is_fast() -> None:
    assert select(drive(motion=80.0), 640).reasons() == {"fast": 59, "end_of_shot": 1}
    assert select(drive(motion=70.0), 640).kept.any()


@pytest.mark.parametrize(
    ("value", "reason"), [({"consistent": 0.3}, "inconsistent"), ({"p90": np.nan, "road": np.nan}, "unknown_motion")]
)
def test_a_step_that_cannot_be_trusted_is_in_no_pair(value: dict[str, float], reason: str) -> None:
    pairs = select(change(drive(), 30, **value), 640)
    rows = kept_rows(pairs)
    assert not any(row < 30 <= pairs.second[row] for row in rows)
    assert pairs.reasons()[reason] >= 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"mean": 8.0}, "dark"),
        ({"saturated": 0.3}, "saturated"),
        ({"textured": 0.01}, "textureless"),
        ({"sharpness": 150.0}, "blurred"),
        ({"blockiness": 6.0}, "blocky"),
    ],
)
def test_a_bad_frame_is_in_neither_place_of_a_pair(value: dict[str, float], reason: str) -> None:
    pairs = select(change(drive(motion=6.0), 30, **value), 640)
    assert pairs.reason[30] == reason
    assert 30 not in pairs.second[pairs.kept]
    assert pairs.second[28] == 31  # its partner is the next good one


def test_no_pair_spans_a_cut_a_gap_a_fade_or_a_flash() -> None:
    table = drive(200)
    change(table, 40, overlap=0.3)
    table["time_s"][80:] += 1.0
    change(table, 120, residual=30.0)
    table["mean"][160:170] = np.linspace(100, 3, 10)
    table["sharpness"][160:170] = 500 * (np.linspace(100, 3, 10) / 100) ** 2
    pairs = select(table, 640)
    for barrier in (40, 80, 120, 165):
        assert not any(row < barrier <= pairs.second[row] for row in kept_rows(pairs)), barrier
    assert {"cut", "timestamp_gap", "flash", "fade"} <= set(pairs.reasons())
    assert pairs.reason[39] == "end_of_shot"
    assert pairs.reason[79] == "timestamp_gap"
    assert pairs.reason[119] == "flash"


def test_duplicates_are_gone_before_pairs_are_made() -> None:
    table = drive(120, motion=6.0)
    doubles = np.arange(3, 120, 4)
    change(table, doubles, **DUPLICATE)
    pairs = select(table, 640)
    rows = kept_rows(pairs)
    assert set(pairs.reason[doubles]) == {"duplicate"}
    assert not set(pairs.second[rows]) & set(doubles.tolist())
    # 2, then a duplicate, then 4 and 5: two frames on that show something new
    assert pairs.second[2] == 5
    assert pairs.distance[2] == 2


def test_the_table_is_the_same_each_time_and_leaves_the_survey_alone() -> None:
    table = drive()
    before = {name: column.copy() for name, column in table.items()}
    one, other = select(table, 640), select(table, 640)
    assert (one.reason == other.reason).all()
    for name, column in before.items():
        np.testing.assert_array_equal(column, table[name])


def test_parameters_change_the_choice() -> None:
    pairs = select(drive(motion=20.0), 640, SelectionParameters(stride=5, target_px=30.0, spacing_px=1.0))
    assert kept_rows(pairs)[:3] == [0, 5, 10]
    assert set(pairs.distance[pairs.kept]) == {2}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_short_videos_give_no_pairs_or_one(count: int) -> None:
    pairs = select(drive(count, motion=12.0), 640)
    assert len(kept_rows(pairs)) == max(count - 1, 0)
