"""Cuts, fades, flashes, duplicates and gaps are found in tables that have them, and not in ordinary driving."""

import numpy as np
import pytest
from numpy.typing import NDArray

from labels.shots import ShotParameters, shots

Table = dict[str, NDArray[np.float64]]


def drive(count: int = 100, rate: float = 30.0, motion: float = 3.0) -> Table:
    """The survey of an ordinary drive, with some variation."""
    generator = np.random.default_rng(7)

    def around(value: float, spread: float = 0.1) -> NDArray[np.float64]:
        return value * generator.uniform(1 - spread, 1 + spread, count)

    table = {
        "time_s": np.arange(count) / rate,
        "mean": 100 + 3 * np.sin(np.arange(count) / 7),
        "sharpness": around(500),
        "blockiness": around(10, 0.02),
        "saturated": around(0.02),
        "textured": around(0.4),
        "difference": around(5),
        "difference_q999": around(120),
        "overlap": around(0.97, 0.01),
        "median": around(motion / 3),
        "p75": around(motion / 1.5),
        "p90": around(motion),
        "road": around(motion / 2),
        "consistent": around(0.95, 0.04),
        "residual": around(2),
    }
    for name in ("difference", "difference_q999", "overlap", "median", "p75", "p90", "road", "consistent", "residual"):
        table[name][0] = np.nan
    return table


def change(table: Table, rows: int | list[int], **values: float) -> Table:
    for name, value in values.items():
        table[name][rows] = value
    return table


DUPLICATE = {
    "difference": 0.02,
    "difference_q999": 2,
    "overlap": 1.0,
    "median": 0.0,
    "p75": 0.01,
    "p90": 0.02,
    "road": 0.0,
}
"""What the survey says of a frame that repeats the one before."""


def test_an_ordinary_drive_is_one_shot_without_fault() -> None:
    parts = shots(drive())
    assert (parts.fault == "").all()
    assert (parts.shot == 0).all()
    assert (parts.light == 0).all()
    assert parts.start.tolist() == ["first"] + [""] * 99


def test_no_frames_are_no_shots() -> None:
    parts = shots({name: column[:0] for name, column in drive().items()})
    assert parts.fault.shape == parts.shot.shape == parts.start.shape == parts.light.shape == (0,)


@pytest.mark.parametrize(
    "sign", [{"overlap": 0.5}, {"consistent": 0.05, "difference": 40.0}, {"consistent": 0.3, "residual": 20.0}]
)
def test_a_cut_divides_and_drops_the_frames_after_it(sign: dict[str, float]) -> None:
    parts = shots(change(drive(), 50, **sign))
    assert parts.shot.tolist() == [0] * 50 + [1] * 50
    assert parts.start[50] == "cut"
    assert np.flatnonzero(parts.fault == "cut").tolist() == [50, 51, 52]


def test_what_hides_half_a_frame_is_no_cut() -> None:
    assert (shots(change(drive(), 50, consistent=0.5, residual=20.0)).shot == 0).all()


def test_lost_flow_between_featureless_frames_is_no_cut() -> None:
    assert (shots(change(drive(), 50, consistent=0.05, difference=1.0)).shot == 0).all()


def test_changing_light_divides_no_shot_but_pairs() -> None:
    parts = shots(change(drive(), [50, 51], residual=20.0))
    assert (parts.shot == 0).all()
    assert (parts.fault == "").all()
    assert parts.light[49] < parts.light[50] < parts.light[51] == parts.light[52]


def test_duplicates_are_found_equal_or_standing_still_amid_motion() -> None:
    table = change(drive(), [20, 21, 60], **DUPLICATE)
    change(table, 80, p90=0.1, median=0.05, p75=0.07)  # recompressed, so not equal
    parts = shots(table)
    assert np.flatnonzero(parts.fault == "duplicate").tolist() == [20, 21, 60, 80]
    assert (parts.shot == 0).all()


def test_a_car_that_stops_makes_no_duplicates_of_noise() -> None:
    table = drive()
    change(table, list(range(40, 100)), p90=0.1, median=0.05, p75=0.07, difference=1.0)
    assert (shots(table).fault[55:] == "").all()


def test_a_period_of_duplicates_is_completed() -> None:
    table = change(drive(150), [row for row in range(4, 150, 5) if row != 74], **DUPLICATE)
    parts = shots(table)
    assert np.flatnonzero(parts.fault == "duplicate").tolist() == list(range(4, 150, 5))


def test_mixed_frames_are_left_out() -> None:
    table = drive()
    mixed = np.arange(1, 100, 2)
    table["sharpness"][mixed] *= 0.6
    table["difference"][mixed] *= 0.5
    parts = shots(table)
    assert np.flatnonzero(parts.fault == "blended").tolist() == mixed.tolist()


def test_a_gap_in_time_divides() -> None:
    table = drive()
    table["time_s"][50:] += 0.2
    parts = shots(table)
    assert parts.start[50] == "gap"
    assert parts.shot.tolist() == [0] * 50 + [1] * 50
    assert (parts.fault == "").all()


def test_frames_that_come_when_they_like_are_no_gaps() -> None:
    table = drive()
    steps = np.random.default_rng(0).choice([0.02, 0.033, 0.04, 0.08], 100)
    table["time_s"] = np.cumsum(steps)
    assert (shots(table).shot == 0).all()


def test_a_dropped_frame_is_no_gap() -> None:
    table = drive()
    table["time_s"][50:] += 1 / 30
    assert (shots(table).shot == 0).all()


def test_a_fade_is_left_out_and_a_bridge_is_not() -> None:
    fading, bridge = drive(), drive()
    for table in (fading, bridge):
        table["mean"][50:70] = np.linspace(100, 2, 20)
    fading["sharpness"][50:70] = 500 * (np.linspace(100, 2, 20) / 100) ** 2
    assert set(range(50, 66)) <= set(np.flatnonzero(shots(fading).fault == "fade")) <= set(range(47, 72))
    assert (shots(bridge, ShotParameters()).fault != "fade").sum() >= 90
