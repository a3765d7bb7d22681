"""Epipolar geometry of two frames: the line on which every still point must be found again.

The camera's rotation R and heading T (``labels`` conventions) are fitted to sparse matches, with a guessed focal
length. A still point at x = (x, y, 1) of frame 1 appears in frame 2 at

    x2 ~ H x + k e        H = K R^T K^-1        e = -K R^T T

where only the scalar k >= 0 depends on depth: it is inverse depth, in units of one over the distance travelled (plane
plus parallax; Sawhney 1994, Irani and Anandan 1996). For the points of a plane in space k is a linear function of x and
y. A wrong focal length does little harm: what it does to the rotation is radial, along the lines of a camera that
drives ahead, and adds a linear function to k (LABELS 9.2), which keeps planes planes. Measured on real and rendered
drives, focal lengths between 0.58 and 1.1 of the width give lines that agree to a few hundredths of a pixel, while a
general fundamental matrix, with two degrees of freedom more, errs two to five times as much on compressed video.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.egomotion_refinement import refine
from labels.flow_rows import split_row

FOCAL = 0.8
"""Guessed focal length, of the width."""
NOISE_PX, NOISE_RELATIVE = 0.3, 0.02
"""Standard deviation of a match: a floor, and a share of its length."""
ROBUST2 = 6.25
"""c^2 of the Geman-McClure cost, in squared standard deviations."""
ANNEALING = (64.0, 16.0, 4.0, 1.0)
SEARCHED = 300
"""Matches with which the starts are compared."""
GOOD_COST = 0.15
"""Mean robust cost, 0 to 1, of a start that needs no other beside it."""
NEAR_PX = 1.5
LEAST_SCALE = 0.05
"""Least homogeneous scale of a point, at which it would lie twenty times farther out: keeps points finite."""


class CameraMotion(NamedTuple):
    """Motion of the camera between two frames as far as matches tell it, with the guessed focal length."""

    R: NDArray[np.float64]
    """(3, 3)"""
    T: NDArray[np.float64]
    """(3,), unit length."""
    focal: float
    """Pixels."""
    near: float
    """Share of the matches within ``NEAR_PX`` of their line."""

    def back(self) -> "CameraMotion":
        """The motion from frame 2 to frame 1."""
        return CameraMotion(np.ascontiguousarray(self.R.T), -self.R.T @ self.T, self.focal, self.near)


class Epipolar(NamedTuple):
    """Where still points of one frame appear in another: ``x2 ~ H x + k e`` in normalised coordinates."""

    H: NDArray[np.float64]
    """(3, 3)"""
    e: NDArray[np.float64]
    """(3,): the epipole of the other frame."""
    scale: float
    """Pixels to one normalised unit: half the width."""
    cx: float
    """Pixel coordinates of the normalised origin, the image's centre."""
    cy: float


@njit(inline="always")
def on_plane(line, x, y):  # type: ignore[no-untyped-def]
    """``H x`` of a pixel, three homogeneous coordinates."""
    X, Y, H = (x - line.cx) / line.scale, (y - line.cy) / line.scale, line.H
    a = H[0, 0] * X + H[0, 1] * Y + H[0, 2]
    b = H[1, 0] * X + H[1, 1] * Y + H[1, 2]
    return a, b, H[2, 0] * X + H[2, 1] * Y + H[2, 2]


@njit(inline="always")
def point_at(line, plane, k):  # type: ignore[no-untyped-def]
    """Pixel (x, y) of the other frame with parallax ``k``; ``plane`` is ``on_plane`` of the pixel of this one."""
    z = max(plane[2] + k * line.e[2], LEAST_SCALE)
    x = (plane[0] + k * line.e[0]) / z * line.scale + line.cx
    return x, (plane[1] + k * line.e[1]) / z * line.scale + line.cy


@njit(inline="always")
def parallax_at(line, plane, x2, y2):  # type: ignore[no-untyped-def]
    """(k, px by which the point moves for one unit of k, px off the line) of a pixel (x2, y2) of the other frame."""
    X, Y, e = (x2 - line.cx) / line.scale, (y2 - line.cy) / line.scale, line.e
    gx, gy = e[0] - X * e[2], e[1] - Y * e[2]
    rx, ry = X * plane[2] - plane[0], Y * plane[2] - plane[1]
    length2 = gx * gx + gy * gy + 1e-12
    k = (gx * rx + gy * ry) / length2
    z = max(plane[2] + k * e[2], LEAST_SCALE)
    length = np.sqrt(length2)
    return k, length / z * line.scale, (gx * ry - gy * rx) / (length * z) * line.scale


@njit(cache=True, nogil=True, error_model="numpy")
def _off_line(line: Epipolar, starts: NDArray[np.float64], ends: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance (N,) of each end point from the line of its start, px."""
    result = np.empty(len(starts))
    for n in range(len(starts)):
        plane = on_plane(line, starts[n, 0], starts[n, 1])
        result[n] = abs(parallax_at(line, plane, ends[n, 0], ends[n, 1])[2])
    return result


def camera_motion(starts: NDArray[np.float64], ends: NDArray[np.float64], height: int, width: int) -> CameraMotion:
    """The motion that fits matches best. ``starts``, ``ends``: (N, 2) pixels of (height, width) images, N >= 8.

    Levenberg-Marquardt on the five numbers of R and T (LABELS 7.4), started straight ahead and, where that does not
    fit, turning, backwards and sideways.
    """
    focal, centre = FOCAL * width, np.array([(width - 1) / 2, (height - 1) / 2])
    a, b = (starts - centre) / focal, (ends - centre) / focal
    flow = ends - starts
    inverse_sigma = focal / np.hypot(NOISE_PX, NOISE_RELATIVE * np.hypot(flow[:, 0], flow[:, 1]))
    few = np.linspace(0, len(a) - 1, min(SEARCHED, len(a))).astype(np.int64)
    best, best_cost = None, np.inf
    for R, T in _starts(flow, focal):
        found = _fitted(a[few], b[few], inverse_sigma[few], R, T, ANNEALING)
        if best is None or found[2] < best_cost:
            best, best_cost = found, found[2]
        if best_cost < GOOD_COST:
            break
    assert best is not None
    R, T, _ = _fitted(a, b, inverse_sigma, best[0], best[1], (4.0, 1.0))
    motion = CameraMotion(R, T, focal, 0.0)
    off = _off_line(geometry(motion, height, width), starts, ends)
    return motion._replace(near=float(np.count_nonzero(off < NEAR_PX) / len(off)))


def refitted(
    motion: CameraMotion, starts: NDArray[np.float64], ends: NDArray[np.float64], sigma: NDArray[np.float64],
    height: int, width: int,
) -> CameraMotion:  # fmt: skip
    """The motion near ``motion`` that fits matches of known noise best: ``sigma`` (N,) px, across their lines."""
    focal, centre = motion.focal, np.array([(width - 1) / 2, (height - 1) / 2])
    a, b = (starts - centre) / focal, (ends - centre) / focal
    R, T, _ = _fitted(a, b, focal / sigma, motion.R, motion.T, (4.0, 1.0))
    return motion._replace(R=R, T=T)


def _starts(flow: NDArray[np.float64], focal: float) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Rotations and headings to start from, most likely first."""
    ahead, aside = np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])
    yield np.eye(3), ahead
    u, v = np.median(flow, axis=0) / focal
    # a turn by (A, B, 0) shifts the image by (-f B, f A)
    turn = np.array([[1.0, 0.0, -u], [0.0, 1.0, -v], [u, v, 1.0]])
    turn = np.linalg.svd(turn)[0] @ np.linalg.svd(turn)[2]
    yield turn, ahead
    for heading in (-ahead, aside, -aside):
        yield np.eye(3), heading


def _fitted(
    a: NDArray[np.float64], b: NDArray[np.float64], inverse_sigma: NDArray[np.float64], R: NDArray[np.float64],
    T: NDArray[np.float64], annealing: tuple[float, ...],
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:  # fmt: skip
    columns = (np.ascontiguousarray(column) for column in (a[:, 0], a[:, 1], b[:, 0], b[:, 1]))
    R, T, _, sums = refine(*columns, inverse_sigma, np.ascontiguousarray(R), T, ROBUST2, np.array(annealing), 8)
    return R, T, float(sums[0] / len(a))


def geometry(motion: CameraMotion, height: int, width: int) -> Epipolar:
    """The lines of a camera motion in (height, width) images."""
    scale, cx, cy = width / 2, (width - 1) / 2, (height - 1) / 2
    K = np.array([motion.focal / scale, motion.focal / scale, 1.0])  # a diagonal matrix
    H = K[:, None] * motion.R.T / K
    return Epipolar(np.ascontiguousarray(H), -K * (motion.R.T @ motion.T), scale, cx, cy)


@njit(cache=True, nogil=True, error_model="numpy")
def parallaxes(displacements: NDArray[np.float32], step: int, x0: int, y0: int, line: Epipolar) -> NDArray[np.float64]:
    """(k, px per unit of k, px off the line) of each seed of a grid, (rows, columns, 3)."""
    rows, columns = displacements.shape[:2]
    result = np.empty((rows, columns, 3))
    for j in range(rows):
        for i in range(columns):
            x, y = float(x0 + i * step), float(y0 + j * step)
            plane = on_plane(line, x, y)
            k, gain, off = parallax_at(line, plane, x + displacements[j, i, 0], y + displacements[j, i, 1])
            result[j, i, 0], result[j, i, 1], result[j, i, 2] = k, gain, off
    return result


def normals(flow: NDArray[np.float32], free: NDArray[np.bool_], line: Epipolar, weight: float) -> NDArray[np.float32]:
    """Unit normal of the line that each pixel's end point lies on, times ``weight``; zero where ``free``.

    ``flow``: (H, W, 2) px; ``free``: (H, W). Returns (H, 2, W) float32. The normal fades at the epipole, where every
    direction is one of depth.
    """
    return _normals(np.ascontiguousarray(flow), free, line, weight)


@njit(cache=True, nogil=True, error_model="numpy")
def _normals(flow: NDArray[np.float32], free: NDArray[np.bool_], line: Epipolar, weight: float) -> NDArray[np.float32]:
    height, width = free.shape
    us, vs = np.empty(width, np.float32), np.empty(width, np.float32)
    result = np.empty((height, 2, width), np.float32)
    unit, nothing = np.float32(1 / line.scale), np.float32(0)
    cx, cy = np.float32(line.cx), np.float32(line.cy)
    ex, ey, ez, factor = np.float32(line.e[0]), np.float32(line.e[1]), np.float32(line.e[2]), np.float32(weight)
    for y in range(height):
        nx, ny = result[y, 0], result[y, 1]
        split_row(flow[y], us, vs)
        for x in range(width):
            gx = ex - (np.float32(np.int32(x)) + us[x] - cx) * unit * ez
            gy = ey - (np.float32(y) + vs[x] - cy) * unit * ez
            scale = factor / np.sqrt(gx * gx + gy * gy + np.float32(1e-4))
            nx[x], ny[x] = nothing if free[y, x] else -gy * scale, nothing if free[y, x] else gx * scale
    return result
