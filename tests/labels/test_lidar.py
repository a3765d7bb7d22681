"""Points of a LiDAR on the pixels of a camera."""

import numpy as np
from numpy.typing import NDArray

from evaluation.kitti_calibration import Calibration
from evaluation.lidar import sparse_depth
from labels.lidar import project

SIZE = (40, 60)
# LiDAR x forward, y left, z up; the camera looks along x, its centre on pixel 30, 20 counted from 1
PROJECTION = np.array([[30.0, -50, 0, 0], [20, 0, -50, 0], [1, 0, 0, 0]])


def test_points_fall_where_the_camera_sees_them() -> None:
    points = np.array([[10.0, 0, 0], [10, 1, 0], [10, 0, -2], [20, -4, 2]])
    image = project(points, points[:, 0], PROJECTION, SIZE)
    assert np.argwhere(image).tolist() == [[14, 39], [19, 24], [19, 29], [29, 29]]
    assert image[19, 29] == image[19, 24] == image[29, 29] == 10
    assert image[14, 39] == 20


def test_of_several_points_the_nearest_counts() -> None:
    points = np.array([[30.0, 0, 0], [10, 0, 0], [20, 0, 0]])
    image = project(points, points[:, 0], PROJECTION, SIZE)
    assert image[19, 29] == 10
    assert np.count_nonzero(image) == 1


def test_what_is_behind_outside_or_without_depth_is_left_out() -> None:
    points = np.array([[-10.0, 0, 0], [10, 7, 0], [10, 0, 5], [0, 0, 0]])
    assert not project(points, points[:, 0], PROJECTION, SIZE).any()
    assert not project(np.array([[10.0, 0, 0]]), np.array([-1.0]), PROJECTION, SIZE).any()


def brute_force(points: NDArray[np.float64], depth: NDArray[np.float64]) -> NDArray[np.float64]:
    image = np.zeros(SIZE)
    for point, metres in zip(points, depth):
        u, v, w = PROJECTION @ [*point, 1]
        column, row = round(u / w) - 1, round(v / w) - 1
        if 0 <= row < SIZE[0] and 0 <= column < SIZE[1] and (image[row, column] == 0 or metres < image[row, column]):
            image[row, column] = metres
    return image


def test_every_point_by_itself_gives_the_same() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform([1, -20, -10], [80, 20, 10], (3000, 3))
    np.testing.assert_array_equal(project(points, points[:, 0], PROJECTION, SIZE), brute_force(points, points[:, 0]))


def test_scores_are_of_the_same_depth() -> None:
    """The rooms do not import each other; what is trained on is what is scored."""
    rng = np.random.default_rng(1)
    points = rng.uniform([1, -20, -10], [80, 20, 10], (5000, 3)).astype(np.float32)
    skewed = PROJECTION + rng.normal(0, 0.01, (3, 4))
    z = points.astype(np.float64) @ skewed[2, :3] + skewed[2, 3]
    calibration = Calibration(skewed, SIZE)
    ours = {"forward x": points[:, 0], "camera z": z}
    for axis, depth in ours.items():
        scored = sparse_depth(points, calibration, axis)  # type: ignore[arg-type]
        np.testing.assert_allclose(project(points, depth, skewed, SIZE), scored, rtol=1e-12)
