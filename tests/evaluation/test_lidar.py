"""Points cast into an image, against a loop over points and by hand; calibration and scans that are wrong."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.kitti_calibration import Calibration, read_calibration
from evaluation.lidar import AXES, Axis, read_scan, sparse_depth

# a camera of focal length 10 at the LiDAR's place: right is -y, down is -z
CAMERA = Calibration(np.array([[6.0, -10, 0, 0], [4.0, 0, -10, 0], [1.0, 0, 0, 0]]), (8, 12))
GOOD = {
    "calib_cam_to_cam.txt": "calib_time: today\nS_rect_02: 1242 375\n"
    "R_rect_00: 0 -1 0 1 0 0 0 0 1\nP_rect_02: 700 0 600 44 0 700 170 0 0 0 1 0\n",
    "calib_velo_to_cam.txt": "calib_time: today\nR: 0 -1 0 0 0 -1 1 0 0\nT: 0 -0.1 -0.3\n",
}


def point(row: float, column: float, depth: float) -> list[float]:
    """A point that CAMERA sees at a pixel, counted from 0."""
    return [depth, (6 - column - 1) * depth / 10, (4 - row - 1) * depth / 10, 0.5]


def brute_force(points: NDArray[np.float32], calibration: Calibration, axis: str) -> NDArray[np.float64]:
    """Point by point."""
    nearest: dict[tuple[int, int], float] = {}
    for x, y, z, _ in points.astype(float):
        if x < 0:
            continue
        u, v, w = calibration.projection @ [x, y, z, 1]
        column, row = round(u / w) - 1, round(v / w) - 1
        if 0 <= row < calibration.size[0] and 0 <= column < calibration.size[1]:
            depth = x if axis == "forward x" else w
            nearest[row, column] = min(depth, nearest.get((row, column), np.inf))
    image = np.zeros(calibration.size)
    for place, depth in nearest.items():
        image[place] = max(depth, 0)
    return image


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("frame", [0, 11, 23])
def test_a_real_scan_is_cast_as_by_brute_force(real_data: Path, frame: int, axis: Axis) -> None:
    day = real_data / "kitti_raw" / "2011_09_26"
    points = read_scan(day / "2011_09_26_drive_9001_sync" / "velodyne_points" / "data" / f"{frame:010d}.bin")
    calibration = read_calibration(day)
    depth = sparse_depth(points, calibration, axis)
    assert depth.shape == (375, 1242)
    assert np.count_nonzero(depth) > 10000
    assert np.allclose(depth, brute_force(points, calibration, axis), rtol=1e-12, atol=0)


@pytest.mark.parametrize("axis", AXES)
def test_random_points_are_cast_as_by_brute_force(axis: Axis) -> None:
    rng = np.random.default_rng(0)
    points = np.array([point(row, column, depth) for row, column, depth in rng.uniform(-2, 14, (2000, 3))], np.float32)
    depth = sparse_depth(points, CAMERA, axis)
    assert np.count_nonzero(depth) > 80
    assert np.allclose(depth, brute_force(points, CAMERA, axis), rtol=1e-12, atol=0)


def test_the_axes_differ_by_where_the_camera_is(real_data: Path) -> None:
    day = real_data / "kitti_raw" / "2011_09_26"
    scans = sorted((day / "2011_09_26_drive_9001_sync" / "velodyne_points" / "data").glob("*.bin"))
    forward, camera = (sparse_depth(read_scan(scans[0]), read_calibration(day), axis) for axis in AXES)
    both = (forward > 0) & (camera > 0)
    assert np.median((forward - camera)[both]) == pytest.approx(0.27, abs=0.1)


@pytest.mark.parametrize("axis", AXES)
def test_the_nearest_of_a_pixel_wins(axis: Axis) -> None:
    points = [point(2, 5, 9), point(2, 5, 4), point(2, 5, 7), point(3, 1, 8)]
    for order in (points, points[::-1]):
        depth = sparse_depth(np.array(order), CAMERA, axis)
        assert depth[2, 5] == pytest.approx(4)
        assert depth[3, 1] == pytest.approx(8)
        assert np.count_nonzero(depth) == 2


def test_corners_are_inside_and_what_is_outside_or_behind_is_not() -> None:
    inside = [point(row, column, 5) for row in (0, 7) for column in (0, 11)]
    outside = [point(row, column, 5) for row, column in ((-1, 3), (8, 3), (3, -1), (3, 12))]
    depth = sparse_depth(np.array([*inside, *outside]), CAMERA)
    assert np.argwhere(depth).tolist() == [[0, 0], [0, 11], [7, 0], [7, 11]]
    assert sparse_depth(np.array([point(3, 3, 6), point(3, 3, -5)]), CAMERA)[3, 3] == pytest.approx(6)


def test_halves_go_to_the_even_pixel() -> None:
    depth = sparse_depth(np.array([point(2.5, 4.5, 8), point(3.5, 5.5, 8)]), CAMERA)
    assert np.argwhere(depth).tolist() == [[3, 5]]  # 3.5 and 4.5 of pixels from 1 are both 4, 5.5 and 6.5 both 6


def test_margins_merge_only_when_told() -> None:
    last, first = point(2, 11, 9), point(3, 0, 4)
    apart = sparse_depth(np.array([last, first]), CAMERA)
    assert (apart[2, 11], apart[3, 0]) == (pytest.approx(9), pytest.approx(4))
    merged = sparse_depth(np.array([last, first]), CAMERA, merged_margins=True)
    assert (merged[2, 11], merged[3, 0]) == (pytest.approx(4), pytest.approx(4))
    other = sparse_depth(np.array([first, last]), CAMERA, merged_margins=True)
    assert (other[2, 11], other[3, 0]) == (pytest.approx(9), pytest.approx(4))


def test_what_lies_behind_the_camera_but_not_the_lidar_has_no_depth_along_the_camera() -> None:
    behind = Calibration(CAMERA.projection - np.array([[0.0] * 4, [0.0] * 4, [0, 0, 0, 1]]), CAMERA.size)
    points = np.array([[0.5, 0.5, 0.4, 0.0]])  # half a metre behind the camera, u z = v z = -2
    assert not sparse_depth(points, behind, "camera z").any()
    assert sparse_depth(points, behind, "forward x")[3, 3] == 0.5
    with pytest.raises(ValueError, match="up is no axis of depth; give one of forward x, camera z"):
        sparse_depth(points, CAMERA, "up")  # type: ignore[arg-type]


def test_a_scan_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"0.bin is missing; .* velodyne_points"):
        read_scan(tmp_path / "0.bin")
    for stored in (b"", b"123456789"):
        (tmp_path / "0.bin").write_bytes(stored)
        with pytest.raises(ValueError, match=f"0.bin is no scan: {len(stored)} bytes"):
            read_scan(tmp_path / "0.bin")
    np.array([1, np.nan, 1, 1], np.float32).tofile(tmp_path / "0.bin")
    with pytest.raises(ValueError, match="not finite"):
        read_scan(tmp_path / "0.bin")


@pytest.fixture
def day(tmp_path: Path) -> Path:
    for name, text in GOOD.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_calibration_by_hand(day: Path) -> None:
    calibration = read_calibration(day)
    assert calibration.size == (375, 1242)
    # 10 m ahead of the LiDAR, 2 m to the left, 1 m up: 9.7 m before the camera, 2 m to its left, 1.1 m above it,
    # which a quarter turn of the rectified camera makes 1.1 m to the right and 2 m above
    u, v, z = calibration.projection @ [10, 2, 1, 1]
    assert (u / z, v / z, z) == pytest.approx((600 + (44 + 700 * 1.1) / 9.7, 170 - 700 * 2 / 9.7, 9.7))


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("calib_cam_to_cam.txt", "P_rect_02", "P_rect_03", "has no row P_rect_02:"),
        ("calib_cam_to_cam.txt", " 44 ", " forty ", "row P_rect_02: could not convert"),
        ("calib_cam_to_cam.txt", " 44 ", " nan ", "row P_rect_02: expected 12 finite numbers, found 12"),
        ("calib_cam_to_cam.txt", " 44 ", " ", "row P_rect_02: expected 12 finite numbers, found 11"),
        ("calib_cam_to_cam.txt", "R_rect_00: 0", "R_rect_00: 2", "row R_rect_00: no rotation"),
        ("calib_cam_to_cam.txt", "1242", "0", "row S_rect_02: 0.0 x 375.0 pixels"),
        ("calib_velo_to_cam.txt", "R: 0 -1", "R: 0 1", "row R: no rotation"),
        ("calib_velo_to_cam.txt", "T: 0", "T:", "row T: expected 3 finite numbers, found 2"),
    ],
)
def test_bad_calibration_is_named(day: Path, file: str, old: str, new: str, message: str) -> None:
    (day / file).write_text(GOOD[file].replace(old, new))
    with pytest.raises(ValueError, match=f"{file}.*{message}"):
        read_calibration(day)


@pytest.mark.parametrize("file", GOOD)
def test_missing_calibration_is_named(day: Path, file: str) -> None:
    (day / file).unlink()
    with pytest.raises(ValueError, match=f"{file} is missing"):
        read_calibration(day)


def test_an_unknown_camera_is_refused(day: Path) -> None:
    with pytest.raises(ValueError, match="image_09 is no camera"):
        read_calibration(day, "image_09")
