"""Drives that cannot be made are refused in one sentence that names the parameter."""

import pytest

from simulation import DriveParameters, from_source
from simulation.__main__ import parameters_of, parser
from simulation.parameters import RANGES, as_options

REFUSED = [
    ({"frames": 0}, "frames must lie within 1 and 20000, got 0"),
    ({"width": 62}, "width"),
    ({"height": 99999}, "height"),
    ({"width": 321}, "even"),
    ({"width": 4096, "height": 4096}, "too large"),
    ({"frames": 3000, "fps": 1}, "30 km is too long, at most 20 km"),
    ({"seed": -1}, "seed"),
    ({"fps": float("nan")}, "fps"),
    ({"focal": float("inf")}, "focal"),
    ({"letterbox": 0.5}, "letterbox"),
    ({"crf": 52}, "crf"),
    ({"bonnet": "chrome"}, "none, matte, glossy"),
    ({"frames": 5, "cuts": 3, "duplicates": 2}, "no room"),
]


@pytest.mark.parametrize(("values", "named"), REFUSED)
def test_bad_values_are_refused(values: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        DriveParameters(**values)


@pytest.mark.parametrize("name", sorted(RANGES))
def test_both_ends_of_a_range_hold(name: str) -> None:
    low, high = RANGES[name]
    kind = float if isinstance(getattr(DriveParameters, name), float) else int
    room = {"frames": 20_000} if name in ("cuts", "duplicates") else {"frames": 10}
    for value in (low, high):
        if name == "frames" or value % 2 == 0 or name not in ("width", "height"):
            DriveParameters(**{**room, name: kind(value)})
    for value in (low - 1, high + 1):
        with pytest.raises(ValueError, match=name):
            DriveParameters(**{**room, name: kind(value)})


def test_a_source_names_parameters() -> None:
    source = "street?seed=7&frames=240&fps=12.5&logo=yes&date_stamp=0&bonnet=glossy&crf=28"
    expected = DriveParameters(seed=7, frames=240, fps=12.5, logo=True, bonnet="glossy", crf=28)
    assert from_source(source) == expected
    assert from_source("street") == DriveParameters()


BAD_SOURCES = [
    ("motorway", "unknown scene 'motorway'; known: street"),
    ("street?sed=1", "unknown parameter 'sed'; known: seed, frames"),
    ("street?seed=1&seed=2", "seed is given twice"),
    ("street?seed", "write street[?]name=value&name=value"),
    ("street?seed=1.5", "seed must be a whole number, got '1.5'"),
    ("street?fps=fast", "fps must be a number, got 'fast'"),
    ("street?logo=maybe", "logo must be true or false, got 'maybe'"),
    ("street?frames=1000000000", "frames must lie within"),
    ("street?seed=" + "1" * 5000, "seed must be a whole number"),
    ("street?" + "&".join(f"a{k}=1" for k in range(60)), "write street"),
]


@pytest.mark.parametrize(("source", "named"), BAD_SOURCES)
def test_bad_sources_are_refused(source: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        from_source(source)


def test_options_give_the_parameters_back() -> None:
    parameters = DriveParameters(
        seed=9, frames=12, fps=29.97, stops=1, bonnet="matte", date_stamp=True, letterbox=0.1, crf=0
    )
    options = parser().parse_args(["render", "out.mp4", *as_options(parameters)])
    assert parameters_of(options) == parameters
    assert as_options(DriveParameters()) == ["--seed", "1", "--frames", "300"]
