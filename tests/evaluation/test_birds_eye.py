"""The road from above, by a level camera whose projection is known."""

from pathlib import Path

import numpy as np
import pytest

from evaluation.birds_eye import birds_eye, read_homography

HEIGHT_M = 1.65
FOCAL, CENTRE_U, CENTRE_V = 700.0, 600.0, 180.0


def calibration(folder: Path, **changes: str) -> Path:
    rows = {
        "P2": f"{FOCAL} 0 {CENTRE_U} 0 0 {FOCAL} {CENTRE_V} 0 0 0 1 0",
        "R0_rect": "1 0 0 0 1 0 0 0 1",
        "Tr_cam_to_road": f"1 0 0 0 0 1 0 {-HEIGHT_M} 0 0 1 0",
    } | changes
    path = folder / "um_000000.txt"
    path.write_text("".join(f"{name}: {row}\n" for name, row in rows.items() if row))
    return path


def test_each_pixel_from_above_is_the_one_its_middle_falls_on(tmp_path: Path) -> None:
    numbered = np.arange(375 * 1242).reshape(375, 1242)
    (view,) = birds_eye((numbered,), read_homography(calibration(tmp_path)))
    assert view.shape == (800, 400)
    for row, column in [(0, 0), (0, 399), (400, 200), (650, 37), (690, 210)]:
        x, z = -10 + 0.05 * (column + 0.5), 46 - 0.05 * (row + 0.5)
        u, v = FOCAL * x / z + CENTRE_U, FOCAL * HEIGHT_M / z + CENTRE_V
        assert view[row, column] == numbered[int(v) - 1, int(u) - 1], (row, column)


def test_what_the_camera_does_not_see_is_nothing(tmp_path: Path) -> None:
    (view,) = birds_eye((np.ones((375, 1242), np.uint8),), read_homography(calibration(tmp_path)))
    assert view[0].all()
    # 6.025 m away the image reaches from 599 / 700 * 6.025 = 5.156 m on the left to 642 / 700 * 6.025 = 5.526 m
    assert np.flatnonzero(view[799])[[0, -1]].tolist() == [97, 310]


def test_a_stripe_along_the_road_is_as_wide_near_and_far(tmp_path: Path) -> None:
    """Road between x = -2 and 2 m, drawn in perspective, has 80 columns from above."""
    v, u = np.mgrid[1:376, 1:1243].astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = (u - CENTRE_U) * HEIGHT_M / (v - CENTRE_V)
    road = (v > CENTRE_V) & (np.abs(x) < 2)
    (view,) = birds_eye((road,), read_homography(calibration(tmp_path)))
    assert np.abs(view[100:700].sum(1) - 80).max() <= 3


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"Tr_cam_to_road": ""}, "has no row Tr_cam_to_road"),
        ({"P2": "1 2 3"}, "row P2: expected 12 finite numbers, found 3"),
        ({"R0_rect": "1 0 0 0 1 0 0 0 x"}, "row R0_rect: could not convert"),
        ({"Tr_cam_to_road": " ".join(["0"] * 12)}, "row Tr_cam_to_road: it cannot be inverted"),
    ],
)
def test_a_bad_calibration_is_named(tmp_path: Path, changes: dict[str, str], complaint: str) -> None:
    path = calibration(tmp_path, **changes)
    with pytest.raises(ValueError, match=rf"um_000000\.txt.*{complaint}"):
        read_homography(path)
    with pytest.raises(ValueError, match=r"none\.txt is missing"):
        read_homography(tmp_path / "none.txt")
