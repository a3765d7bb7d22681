"""What is burnt into the picture is there, has no depth, and the rest of the frame does not change."""

from dataclasses import replace

import numpy as np
import pytest

from simulation import DriveParameters, Frame, render

from .conftest import SMALL

PLAIN = DriveParameters(seed=2, frames=2, fps=10, **SMALL)
VOID = 11
# what covers the picture, and the share of the picture that it covers at least and at most
COVERS = [
    ({"letterbox": 0.1}, 0.19, 0.21),
    ({"bonnet": "matte"}, 0.05, 0.2),
    ({"bonnet": "glossy"}, 0.05, 0.2),
    ({"logo": True}, 0.001, 0.02),
    ({"date_stamp": True}, 0.005, 0.1),
]


@pytest.fixture(scope="module")
def plain() -> Frame:
    return next(iter(render(PLAIN)))


@pytest.mark.parametrize(("values", "least", "most"), COVERS)
def test_what_is_burnt_in_has_no_truth(plain: Frame, values: dict, least: float, most: float) -> None:
    frame = next(iter(render(replace(PLAIN, **values))))
    covered = frame.classes == VOID
    assert least < covered.mean() < most
    assert np.array_equal(frame.depth == 0, covered)
    assert np.isnan(frame.flow[covered]).all() and not frame.visible[covered].any() and not frame.moving[covered].any()
    assert not np.isnan(frame.flow[~covered]).all()
    # elsewhere nothing changes, and the picture changes only where it is covered
    for name in ("depth", "flow", "classes", "moving", "image"):
        one, two = getattr(frame, name)[~covered], getattr(plain, name)[~covered]
        assert np.array_equal(one, two, equal_nan=name == "flow"), name
    assert (frame.image != plain.image)[covered].any()


def test_a_point_that_slips_under_the_bonnet_is_not_visible(plain: Frame) -> None:
    frame = next(iter(render(replace(PLAIN, bonnet="matte"))))
    hidden = plain.visible & ~frame.visible & (frame.classes != VOID)
    assert hidden.sum() > 20
    rows = np.nonzero(hidden)[0] + frame.flow[..., 1][hidden]
    assert rows.min() > 0.8 * frame.image.shape[0]


def test_bars_are_black_and_as_high_as_asked_for() -> None:
    frame = next(iter(render(replace(PLAIN, letterbox=0.1))))
    assert not frame.image[:11].any() and not frame.image[-11:].any()
    assert frame.image[11].any() and frame.image[-12].any()


def test_noise_has_the_deviation_asked_for(plain: Frame) -> None:
    first, second = render(replace(PLAIN, noise=4.0))
    middle = (plain.image > 30) & (plain.image < 225)
    noise = (first.image.astype(float) - plain.image)[middle]
    assert noise.std() == pytest.approx(4.0, abs=0.1) and abs(noise.mean()) < 0.1
    assert np.array_equal(first.depth, plain.depth)
    assert not np.array_equal(first.image, second.image)


def test_blur_smooths(plain: Frame) -> None:
    frame = next(iter(render(replace(PLAIN, blur=1.5))))
    assert (
        np.abs(np.diff(frame.image.astype(int), axis=1)).mean()
        < 0.7 * np.abs(np.diff(plain.image.astype(int), axis=1)).mean()
    )


def test_asphalt_is_as_faint_as_asked_for() -> None:
    roads = {}
    for contrast in (1.0, 0.3, 0.0):
        frame = next(iter(render(replace(PLAIN, asphalt=contrast))))
        # straight ahead on the lane, between the markings
        assert (frame.classes[90:104, 80:110] == 3).all()
        roads[contrast] = frame.image[90:104, 80:110].astype(float)
    full, faint = (roads[contrast] - roads[0.0] for contrast in (1.0, 0.3))
    assert full.std() > 3
    assert faint.std() == pytest.approx(0.3 * full.std(), rel=0.15)
